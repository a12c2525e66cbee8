#include "storage/lmdb/new_spool.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "storage/expiry_rules.h"
#include "storage/record_rules.h"
#include "storage/retention_rules.h"
#include "storage/wire.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::size_t kHeldPerCommit = 500;

// Runs work on LMDB and says a failure in words for people.
template <typename Work>
auto in_words(const std::string& directory, Work work) {
  try {
    return work();
  } catch (const LmdbError& error) {
    const int code = error.code();
    const bool full = code == MDB_MAP_FULL || code == ENOSPC || code == EDQUOT || code == EFBIG;
    throw SpoolError("cannot write the copy in " + directory + ": " + error.what(),
                     full ? SpoolError::Kind::no_space : SpoolError::Kind::other);
  }
}

std::unique_ptr<Environment> open_new(const std::string& directory, std::uint64_t max_size) {
  SpoolOptions options;
  options.data_dir = directory;
  options.max_size = std::max(max_size, kLeastSpoolSize);
  auto environment = std::make_unique<Environment>(options, Environment::Access::write);
  check("put off the syncs", mdb_env_set_flags(environment->raw(), MDB_NOSYNC, 1));
  return environment;
}

// The reason that cannot be mistaken for another's, also by who filters a listing for it.
Reason held_because(const std::string& why) {
  Reason reason;
  reason.cause = Cause::policy;
  reason.text = sanitize_reason_text(why);
  return reason;
}

}  // namespace

NewSpool::NewSpool(const std::string& output_dir, std::uint64_t max_size) : directory_(output_dir) {
  environment_ = in_words(output_dir, [&] { return open_new(directory_.path(), max_size); });
}

NewSpool::~NewSpool() {
  context_.reset();  // before the environment it is a transaction of
}

WriteContext& NewSpool::context() {
  if (!context_) {
    SpaceRules no_limit;
    no_limit.high_water = UINT64_MAX;
    context_.emplace(environment_->raw(), environment_->tables(), meta_, no_limit, buffer_);
  }
  return *context_;
}

Meta& NewSpool::meta() {
  return context().meta();
}

void NewSpool::add(WholeMessage message) {
  in_words(directory_.path(), [&] {
    MessageRecord& record = message.stored.record;
    WriteContext& to = context();
    record.history.clear();
    message.stored.history_bytes = 0;
    for (const auto& [seq, row] : message.rows) {
      if (!to.txn().insert(to.tables().feed, seq_key(seq), row)) continue;  // the number is another message's
      record.history.push_back(seq);
      message.stored.history_bytes += stored_bytes(row.size());
    }
    if (record.body == BodyState::present && message.chunks.size() != record.body_chunks) {
      record.body = BodyState::removed;
      lost_bodies_.push_back(record.id);
    }
    if (!to.create(message.stored, WriteContext::Notice::quiet)) return;
    if (record.body == BodyState::removed) return;
    for (std::uint32_t index = 0; index < record.body_chunks; ++index)
      to.put_chunk(record.id, index, message.chunks[index]);
  });
}

void NewSpool::add_user(const UserRecord& user) {
  std::string value;
  encode_user(user, value);
  put(&Tables::users, user.name, value);
}

void NewSpool::add_api_key(const StoredApiKey& key) {
  std::string value;
  encode_api_key(key, value);
  put(&Tables::api_keys, key.key.name, value);
}

void NewSpool::add_upstream(const StoredUpstream& upstream) {
  std::string value;
  encode_upstream(upstream, value);
  put(&Tables::upstreams, upstream.state.name, value);
}

void NewSpool::add_suppression(const Suppression& entry) {
  std::string value;
  encode_suppression(entry, value);
  put(&Tables::suppressions, entry.address, value);
}

bool NewSpool::add_upstream_row(const FeedRow& row, std::string_view value) {
  return in_words(directory_.path(), [&] {
    if (!context().txn().insert(tables().feed, seq_key(row.first_seq), value)) return false;
    char at[8];
    wire::store_le(at, to_ms(row.events.back().at));
    context().txn().put(tables().upstream_feed, seq_key(row.first_seq), {at, sizeof at});
    return true;
  });
}

bool NewSpool::has(const MessageId& id) {
  return in_words(directory_.path(), [&] { return context().txn().get(tables().messages, id_key(id)).has_value(); });
}

void NewSpool::put(MDB_dbi Tables::*table, std::string_view key, std::string_view value) {
  in_words(directory_.path(), [&] { context().txn().put(tables().*table, key, value); });
}

void NewSpool::commit() {
  if (!context_) return;
  in_words(directory_.path(), [&] {
    context_->commit();
    meta_ = context_->meta();
  });
  context_.reset();
}

std::uint64_t NewSpool::hold_live(const std::string& why, Time now, const OnProgress& on_progress) {
  commit();
  SteerRequest hold;
  hold.verb = SteerVerb::hold;
  hold.reason = held_because(why);
  hold.now = now;
  ReviveRequest revive;  // of any age: it goes no further than to be held
  revive.max_age = Duration::max();
  revive.reason = hold.reason;
  revive.now = now;
  std::uint64_t held = 0;
  std::optional<MessageId> failed_seen;
  for (auto ids = some_to_hold(failed_seen); !ids.empty(); ids = some_to_hold(failed_seen)) {
    for (const MessageId& id : ids) {
      change(id, [&](MessageRecord& record) {
        // A claim is of a process that is not here: its attempt is uncertain, as after a crash.
        auto events = recover_record(record, now, UINT32_MAX);
        const auto take = [&events](std::vector<Event> more) {
          std::move(more.begin(), more.end(), std::back_inserter(events));
        };
        take(revive_record(record, revive));
        if (auto steered = steer_record(record, hold)) take(std::move(steered->events));
        // Or this would go round for ever.
        if (record.live() && record.state() != RecipientState::held)
          throw SpoolError("cannot hold " + record.id.str() + ": it is " + std::string(to_string(record.state())));
        if (record.live()) ++held;
        return events;
      });
    }
    commit();
    if (on_progress) on_progress("holding", held, 0);
  }
  return held;
}

void NewSpool::note_lost_bodies(Time now) {
  commit();
  for (const MessageId& id : lost_bodies_) {
    change(id, [&](MessageRecord& record) {
      Event event = remove_body(record, now, false);
      event.reason.cause = Cause::spool;
      event.reason.text = "the body could not be read whole when this copy of the spool was made";
      return std::vector<Event>{event};
    });
  }
  commit();
}

template <typename Change>
void NewSpool::change(const MessageId& id, Change apply) {
  in_words(directory_.path(), [&] {
    auto message = context().load(id);
    if (!message) throw SpoolError("cannot read " + id.str() + " in the copy: " + message.error().text);
    context().append(message->stored, apply(message->record()));
    context().save(*message, WriteContext::Notice::quiet);
  });
}

// From the indexes that every message is in that would be sent; holding it takes it out. But not one that failed and whose time to
// live is over, which nothing revives: each of those that failed is looked at once.
std::vector<MessageId> NewSpool::some_to_hold(std::optional<MessageId>& failed_seen) {
  return in_words(directory_.path(), [&] {
    std::vector<MessageId> ids;
    const Txn txn(environment_->raw(), Txn::Mode::read);
    Cursor claims(txn, tables().claims);
    for (bool found = claims.first(); found && ids.size() < kHeldPerCommit; found = claims.next())
      if (const auto id = parse_id(claims.key())) ids.push_back(*id);
    if (!ids.empty()) return ids;  // one that is being sent may wait for its other recipients too
    Cursor due(txn, tables().due);
    for (bool found = due.first(); found && ids.size() < kHeldPerCommit; found = due.next())
      if (const auto key = parse_due_key(due.key())) ids.push_back(key->id);
    if (!ids.empty()) return ids;
    Cursor failed(txn, tables().revivable);
    bool found = failed_seen ? failed.seek(id_key(*failed_seen)) : failed.first();
    for (; found && ids.size() < kHeldPerCommit; found = failed.next())
      if (const auto id = parse_id(failed.key()); id && id != failed_seen) ids.push_back(*id);
    if (!ids.empty()) failed_seen = ids.back();
    return ids;
  });
}

std::uint64_t NewSpool::finish(const std::string& model) {
  context();  // a spool has its own row, also an empty one
  commit();
  in_words(directory_.path(), [&] { check("sync", mdb_env_sync(environment_->raw(), 1)); });
  const std::string data = environment_->directory() + "/data.mdb";
  environment_.reset();
  struct stat info {};
  if (::stat(data.c_str(), &info) != 0) throw_system_error("examine " + data, errno);
  give_to_owner_of(model, directory_.path());
  directory_.publish();
  return static_cast<std::uint64_t>(info.st_size);
}

}  // namespace postrider::storage::lmdb
