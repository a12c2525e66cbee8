// `spool backup`: the messages of one spool into a new one, page by page. No read transaction lives longer than a page, so
// beside a running daemon no page is kept from reuse for longer than by a listing. mdb_env_copy would pin every page that
// is freed while it runs: at full load the daemon's file would grow by as much as it writes (docs/decisions/0012).
#include <algorithm>
#include <chrono>
#include <utility>

#include "core/header_fields.h"
#include "storage/lmdb/keys.h"
#include "storage/lmdb/new_spool.h"
#include "storage/lmdb_store.h"
#include "storage/record_frame.h"
#include "storage/suppression_rules.h"
#include "storage/wire.h"

namespace postrider::storage {

namespace {

using namespace lmdb;  // the parts named below are all from there

constexpr std::size_t kPageMessages = 500;
constexpr std::uint64_t kPageBytes = 4ull << 20;  // of bodies; one message that is larger is a page of its own
constexpr std::size_t kPageRows = 1000;           // of tables with small values

class Backup {
 public:
  Backup(Environment& from, const BackupRequest& request, Time now)
      : from_(from), request_(request), now_(now), to_(request.output_dir, from.map_size()) {}

  BackupReport run() {
    read_meta();
    std::string after;
    while (copy_messages(after)) to_.commit();
    to_.commit();
    copy_keys();
    copy_table(&Tables::users, [this](const Txn&, auto key, auto value) {
      if (auto user = decode_user(value); !user) return fault("user " + std::string(key) + ": " + user.error().text);
      to_.put(&Tables::users, key, value);
      ++report_.users;
    });
    copy_api_keys();
    copy_upstreams();
    copy_suppressions();
    copy_table(&Tables::quarantine, [this](const Txn&, auto key, auto value) {
      to_.put(&Tables::quarantine, key, value);
      ++to_.meta().quarantined;
    });
    const Meta last = meta_of(Txn(from_.raw(), Txn::Mode::read));
    to_.meta().epoch = last.epoch;
    to_.meta().next_seq = last.next_seq;
    to_.note_lost_bodies(now_);
    if (request_.live == LiveMessages::hold)
      report_.held = to_.hold_live("held: this spool was restored from a backup of " + format_rfc3339(now_) +
                                       " and may have been sent since; release it to send it",
                                   now_, request_.on_progress);
    report_.file_bytes = to_.finish(from_.directory());
    return std::move(report_);
  }

 private:
  Meta meta_of(const Txn& txn) const {
    const auto row = txn.get(from_.tables().meta, kMetaKey);
    auto meta = row ? decode_meta(*row) : result<Meta>(Meta());
    if (!meta) throw SpoolError(from_.directory() + ": " + meta.error().text);
    return *meta;
  }
  void read_meta() {
    const Txn txn(from_.raw(), Txn::Mode::read);
    Cursor cursor(txn, from_.tables().messages);
    if (cursor.last()) last_ = cursor.key();
    for (const std::uint64_t count : meta_of(txn).messages) total_ += count;
    require_space(request_.output_dir + ".partial", used_bytes(txn.raw(), from_.tables()));
  }

  // One page of messages after that key; false: it was the last.
  bool copy_messages(std::string& after) {
    const Txn txn(from_.raw(), Txn::Mode::read);
    Cursor cursor(txn, from_.tables().messages);
    bool found = after.empty() ? cursor.first() : cursor.seek(after + '\0');
    std::uint64_t bytes = 0;
    for (std::size_t seen = 0; found; found = cursor.next(), ++seen) {
      if (cursor.key() > last_) return false;
      if (seen == kPageMessages || bytes >= kPageBytes) return true;
      after = cursor.key();
      bytes += copy_message(txn, cursor.key(), cursor.value());
    }
    return false;
  }

  std::uint64_t copy_message(const Txn& txn, std::string_view key, std::string_view value) {
    const auto id = parse_id(key);
    auto stored = id ? decode_message(value, *id) : result<StoredMessage>(damaged("its key is not an id"));
    if (!stored) {
      fault((id ? id->str() : std::string("a message")) + ": " + stored.error().text);
      return 0;
    }
    WholeMessage message{std::move(*stored), {}, {}};
    take_rows(txn, message);
    take_chunks(txn, message);
    const std::uint64_t bytes = message.stored.record.body_size;
    ++report_.messages;
    report_.chunks += message.chunks.size();
    to_.add(std::move(message));
    if (request_.on_progress) request_.on_progress("copying", report_.messages, total_);
    return bytes;
  }

  void take_rows(const Txn& txn, WholeMessage& message) {
    const MessageRecord& record = message.stored.record;
    for (const std::uint64_t seq : record.history) {
      const auto value = txn.get(from_.tables().feed, seq_key(seq));
      const auto row = value ? decode_feed_row(*value, seq) : result<FeedRow>(damaged("missing"));
      if (row && row->message == record.id) {
        message.rows.emplace_back(seq, *value);
        report_.events += row->events.size();
      } else {
        fault(record.id.str() + ": events " + std::to_string(seq) + ": " +
              (row ? "they are of another message" : row.error().text));
      }
    }
  }

  // All of them or none.
  void take_chunks(const Txn& txn, WholeMessage& message) {
    MessageRecord& record = message.stored.record;
    if (record.body == BodyState::removed) return;
    for (std::uint32_t index = 0; index < record.body_chunks; ++index) {
      const auto value = txn.get(from_.tables().chunks, chunk_key(record.id, index));
      const auto payload =
          value ? decode_chunk(*value, record.id, index) : result<std::string_view>(damaged("it is missing"));
      if (payload) {
        message.chunks.push_back(*payload);
        continue;
      }
      fault(record.id.str() + ": chunk " + std::to_string(index) + ": " + payload.error().text);
      if (!message.chunks.empty()) record.headers = header_fields(message.chunks.front());
      return message.chunks.clear();
    }
  }

  // Idempotency keys, of messages that are in the copy: a key of another would make a client believe that its message is there.
  void copy_keys() {
    copy_table(&Tables::idem, [this](const Txn&, auto hash, auto value) {
      const auto id = value.size() >= 32 ? parse_id(value.substr(0, MessageId::kBytes)) : std::nullopt;
      if (!id || hash.size() != IdemHash().size() || !to_.has(*id)) return;
      IdemHash raw;
      std::copy(hash.begin(), hash.end(), raw.begin());
      const Time expires = from_ms(wire::load_le<std::int64_t>(value.data() + 24));  // accept_ops.cpp has the layout
      to_.put(&Tables::idem, hash, value);
      to_.put(&Tables::idem_expiry, idem_expiry_key(expires, raw), {});
    });
  }

  void copy_api_keys() {
    copy_table(&Tables::api_keys, [this](const Txn&, auto key, auto value) {
      if (auto stored = decode_api_key(value); !stored)
        return fault("API key " + std::string(key) + ": " + stored.error().text);
      to_.put(&Tables::api_keys, key, value);
      ++report_.api_keys;
    });
    copy_table(&Tables::api_key_usage, [this](const Txn&, auto key, auto value) {
      if (auto usage = decode_api_key_usage(value); !usage)
        return fault("usage of API key " + std::string(key) + ": " + usage.error().text);
      to_.put(&Tables::api_key_usage, key, value);
    });
  }

  // Their states, and their events, which belong to no message.
  void copy_upstreams() {
    copy_table(&Tables::upstreams, [this](const Txn&, auto key, auto value) {
      if (auto state = decode_upstream(value); !state)
        return fault("upstream " + std::string(key) + ": " + state.error().text);
      to_.put(&Tables::upstreams, key, value);
    });
    copy_table(&Tables::upstream_feed, [this](const Txn& txn, auto key, auto) {
      const auto value = txn.get(from_.tables().feed, key);
      if (!value || key.size() != 8) return;  // retired since, or in quarantine
      const auto row = decode_feed_row(*value, load_be(key));
      if (!row) return fault("events " + std::to_string(load_be(key)) + ": " + row.error().text);
      if (to_.add_upstream_row(*row, *value)) report_.events += row->events.size();
    });
  }

  // One that cannot be read stands in the copy all the same: whoever it names gets no mail.
  void copy_suppressions() {
    copy_table(&Tables::suppressions, [this](const Txn&, auto key, auto value) {
      auto entry = decode_suppression(value);
      if (!entry) fault("suppression of " + std::string(key) + ": " + entry.error().text);
      to_.add_suppression(entry ? *entry : unreadable_suppression(std::string(key)));
      ++report_.suppressions;
    });
  }

  template <typename Each>
  void copy_table(MDB_dbi Tables::*table, Each each) {
    std::string after;
    for (bool more = true; more; to_.commit()) {
      const Txn txn(from_.raw(), Txn::Mode::read);
      Cursor cursor(txn, from_.tables().*table);
      more = after.empty() ? cursor.first() : cursor.seek(after + '\0');
      for (std::size_t seen = 0; more && seen < kPageRows; more = cursor.next(), ++seen) {
        after = cursor.key();
        each(txn, cursor.key(), cursor.value());
      }
    }
  }

  void fault(std::string text) {
    ++report_.fault_count;
    if (report_.faults.size() < kMaxListedFaults) report_.faults.push_back(std::move(text));
  }

  Environment& from_;
  const BackupRequest& request_;
  const Time now_;
  NewSpool to_;
  std::string last_;  // the youngest at the start: under load there would always be a younger one
  std::uint64_t total_ = 0;
  BackupReport report_;
};

}  // namespace

BackupReport backup_spool(const SpoolOptions& source, const BackupRequest& request) {
  Environment from(source, Environment::Access::read_only);
  const Time now = source.now ? source.now() : std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  try {
    return Backup(from, request, now).run();
  } catch (const LmdbError& error) {  // of the source: the copy's are in words already
    throw SpoolError("cannot read the spool in " + from.directory() + ": " + error.what() +
                     "; `postrider spool salvage` reads what is left of a damaged one");
  }
}

}  // namespace postrider::storage
