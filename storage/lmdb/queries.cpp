#include "storage/lmdb/queries.h"

#include <algorithm>

#include "storage/credential_rules.h"
#include "storage/expiry_rules.h"
#include "storage/lmdb/keys.h"
#include "storage/record_rules.h"
#include "storage/wire.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::size_t kMaxEvents = 10'000;
constexpr std::size_t kMaxDuePage = 10'000;
constexpr std::size_t kMaxDueScanned = 50'000;  // entries of other shards are stepped over
constexpr std::uint32_t kMaxBodyChunks = 64;    // about 3 MB
constexpr std::uint64_t kMaxVerifyChunks =
    256;  // about 12 MB in one transaction; a larger message is a page of its own
constexpr std::size_t kMaxUsers = 10'000;

// Nothing: it is damaged, and noted.
std::optional<FeedRow> row_at(Snapshot& snapshot, std::string_view key, std::string_view value) {
  auto row = key.size() == 8 ? decode_feed_row(value, load_be(key))
                             : result<FeedRow>(Fault{FaultKind::damaged, "the key is not a number"});
  if (row) return std::move(*row);
  snapshot.damages.push_back({Origin::feed, std::string(key), row.error().text});
  return std::nullopt;
}

}  // namespace

result<StoredMessage> load(Snapshot& snapshot, const MessageId& id) {
  const Key key = id_key(id);
  const auto value = snapshot.txn.get(snapshot.tables.messages, key);
  if (!value) {
    const Key aside = Key().u8(static_cast<std::uint8_t>(Origin::messages)).id(id);
    if (snapshot.txn.get(snapshot.tables.quarantine, aside)) {
      return Fault{FaultKind::damaged, "the record of " + id.str() + " is in quarantine"};
    }
    return Fault{FaultKind::not_found, "no message " + id.str()};
  }
  auto stored = decode_message(*value, id);
  if (stored) return stored;
  snapshot.damages.push_back({Origin::messages, std::string(std::string_view(key)), stored.error().text});
  return Fault{FaultKind::damaged, "the record of " + id.str() + " is damaged: " + stored.error().text};
}

// ---- one message --------------------------------------------------------------------------------------------------

result<MessageRecord> find(Snapshot& snapshot, const MessageId& id) {
  auto stored = load(snapshot, id);
  if (!stored) return stored.error();
  return std::move(stored->record);
}

result<std::vector<Event>> history(Snapshot& snapshot, const MessageId& id) {
  const auto stored = load(snapshot, id);
  if (!stored) return stored.error();
  std::vector<Event> all;
  for (std::uint64_t seq : stored->record.history) {
    const Key key = seq_key(seq);
    const auto value = snapshot.txn.get(snapshot.tables.feed, key);
    if (!value) continue;  // in quarantine
    auto row = row_at(snapshot, key, *value);
    if (row)
      all.insert(all.end(), std::make_move_iterator(row->events.begin()), std::make_move_iterator(row->events.end()));
  }
  return all;
}

result<std::vector<std::shared_ptr<const std::string>>> read_body(Snapshot& snapshot, const BodyQuery& query) {
  const auto stored = load(snapshot, query.id);
  if (!stored) return stored.error();
  const MessageRecord& record = stored->record;
  if (record.body == BodyState::removed)
    return Fault{FaultKind::not_found, "the body of " + query.id.str() + " was removed"};
  std::vector<std::shared_ptr<const std::string>> chunks;
  const std::uint32_t begin = std::min(query.first_chunk, record.body_chunks);
  const std::uint32_t end = begin + std::min({query.count, kMaxBodyChunks, record.body_chunks - begin});
  for (std::uint32_t index = begin; index < end; ++index) {
    const Key key = chunk_key(query.id, index);
    const auto value = snapshot.txn.get(snapshot.tables.chunks, key);
    const auto payload = value ? decode_chunk(*value, query.id, index)
                               : result<std::string_view>(Fault{FaultKind::damaged, "it is missing"});
    if (!payload) {
      if (value) snapshot.damages.push_back({Origin::chunks, std::string(std::string_view(key)), payload.error().text});
      return Fault{FaultKind::damaged, "chunk " + std::to_string(index) + " of " + query.id.str() +
                                           " cannot be read: " + payload.error().text};
    }
    chunks.push_back(std::make_shared<const std::string>(*payload));
  }
  return chunks;
}

// ---- the feed and the due index -----------------------------------------------------------------------------------

result<std::vector<Event>> events(Snapshot& snapshot, const EventQuery& query) {
  std::vector<Event> page;
  const std::size_t limit = std::min(query.limit, kMaxEvents);
  if (query.after == UINT64_MAX || limit == 0) return page;
  Cursor cursor(snapshot.txn, snapshot.tables.feed);
  // The row before may hold events after the given one.
  bool found = cursor.seek_before(seq_key(query.after + 1)) || cursor.first();
  for (; found && page.size() < limit; found = cursor.next()) {
    auto row = row_at(snapshot, cursor.key(), cursor.value());
    if (!row) continue;
    for (Event& event : row->events) {
      if (event.seq > query.after && page.size() < limit) page.push_back(std::move(event));
    }
  }
  return page;
}

result<DuePage> due(Snapshot& snapshot, const DueQuery& query) {
  DuePage page;
  const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, kMaxDuePage);
  Cursor cursor(snapshot.txn, snapshot.tables.due);
  bool found;
  if (query.after) {
    const std::string after(std::string_view(due_table_key(*query.after)));
    found = cursor.seek(after);
    if (found && cursor.key() == after) found = cursor.next();
  } else {
    found = cursor.seek(due_lane_key(query.bucket, query.lane));
  }
  for (std::size_t seen = 0; found; found = cursor.next(), ++seen) {
    const auto key = parse_due_key(cursor.key());
    if (!key || cursor.value().size() != 8) {
      snapshot.damages.push_back({Origin::due, std::string(cursor.key()), "the entry is malformed"});
      continue;
    }
    if (key->bucket != query.bucket || key->lane != query.lane) break;
    if (shard_of(key->id, query.shards) != query.shard) continue;
    if (page.entries.size() == limit || (seen >= kMaxDueScanned && !page.entries.empty())) {
      page.more = true;
      break;
    }
    page.entries.push_back({*key, wire::load_le<std::uint64_t>(cursor.value().data())});
  }
  return page;
}

result<OwingPage> owing(Snapshot& snapshot, const OwingQuery& query) {
  OwingPage page;
  const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, 1000);
  Cursor cursor(snapshot.txn, snapshot.tables.owing);
  bool found = query.after ? cursor.seek(id_key(*query.after)) : cursor.first();
  for (; found; found = cursor.next()) {
    const auto id = parse_id(cursor.key());
    if (!id || (query.after && *id == *query.after)) continue;
    if (page.ids.size() == limit) {
      page.more = true;
      break;
    }
    page.ids.push_back(*id);
  }
  return page;
}

// ---- verify -------------------------------------------------------------------------------------------------------

namespace {

void verify_message(Snapshot& snapshot, const MessageRecord& record, VerifyPage& page) {
  const auto fault = [&](const std::string& what) { page.faults.push_back(record.id.str() + ": " + what); };
  std::uint64_t size = 0;
  const std::uint32_t chunks = record.body == BodyState::present ? record.body_chunks : 0;
  for (std::uint32_t index = 0; index < chunks; ++index) {
    const auto value = snapshot.txn.get(snapshot.tables.chunks, chunk_key(record.id, index));
    if (!value) {
      fault("chunk " + std::to_string(index) + " is missing");
      continue;
    }
    ++page.chunks;
    const auto payload = decode_chunk(*value, record.id, index);
    if (payload)
      size += payload->size();
    else
      fault("chunk " + std::to_string(index) + ": " + payload.error().text);
  }
  if (chunks > 0 && size != record.body_size)
    fault("the chunks hold " + std::to_string(size) + " octets, the record says " + std::to_string(record.body_size));
  for (std::uint64_t seq : record.history) {
    const auto value = snapshot.txn.get(snapshot.tables.feed, seq_key(seq));
    const auto row = value ? decode_feed_row(*value, seq) : result<FeedRow>(Fault{FaultKind::damaged, "missing"});
    if (row && row->message == record.id)
      page.events += row->events.size();
    else
      fault("events " + std::to_string(seq) + ": " + (row ? "they are of another message" : row.error().text));
  }
  const auto entry = due_key(record);
  if (entry && !snapshot.txn.get(snapshot.tables.due, due_table_key(*entry))) fault("its due entry is missing");
  if (record.owes_notice() && !snapshot.txn.get(snapshot.tables.owing, id_key(record.id)))
    fault("its entry among those who owe a notice is missing");
  if (const auto at = expiry_time(record);
      at && !snapshot.txn.get(snapshot.tables.expiring, expiring_key(*at, record.id)))
    fault("its entry among those that expire is missing");
  const MessageId& batch = record.envelope.batch;
  if (!batch.is_nil() && !snapshot.txn.get(snapshot.tables.batches, batch_key(batch, record.id)))
    fault("the entry of its batch is missing");
  if (revivable(record) && !snapshot.txn.get(snapshot.tables.revivable, id_key(record.id)))
    fault("its entry among those that can be revived is missing");
  for (const Recipient& recipient : record.recipients) {
    const auto hash = provider_id_hash(recipient.upstream, recipient.remote_id);
    if (recipient.provider_id && !snapshot.txn.get(snapshot.tables.provider_ids, Key().be64(hash).id(record.id)))
      fault("the entry of its provider's id is missing");
  }
  if (record.state() == RecipientState::sending && !snapshot.txn.get(snapshot.tables.claims, id_key(record.id)))
    fault("its claim is missing");
}

template <typename Decode>
void verify_named(Snapshot& snapshot, MDB_dbi table, std::string_view what, Decode decode, VerifyPage& page) {
  Cursor cursor(snapshot.txn, table);
  for (bool found = cursor.first(); found; found = cursor.next()) {
    const auto decoded = decode(cursor.value());
    if (decoded) continue;
    page.faults.push_back(std::string(what).append(" ").append(cursor.key()).append(": ").append(decoded.error().text));
  }
}

// What belongs to no message: looked at with the last page.
void verify_rest(Snapshot& snapshot, VerifyPage& page) {
  const Tables& tables = snapshot.tables;
  verify_named(snapshot, tables.upstreams, "upstream", decode_upstream, page);
  verify_named(snapshot, tables.users, "user", decode_user, page);
  verify_named(snapshot, tables.api_keys, "API key", decode_api_key, page);
  verify_named(snapshot, tables.api_key_usage, "usage of API key", decode_api_key_usage, page);
  verify_named(snapshot, tables.suppressions, "suppression of", decode_suppression, page);
}

}  // namespace

result<VerifyPage> verify(Snapshot& snapshot, const VerifyQuery& query) {
  VerifyPage page;
  const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, 1000);
  Cursor cursor(snapshot.txn, snapshot.tables.messages);
  bool found = query.after ? cursor.seek(std::string(std::string_view(id_key(*query.after))) + '\0') : cursor.first();
  std::optional<MessageId> last;
  for (; found; found = cursor.next()) {
    if ((page.records + page.faults.size() >= limit || page.chunks >= kMaxVerifyChunks) && last) {
      page.next = last;
      break;
    }
    const auto id = parse_id(cursor.key());
    if (!id) {
      page.faults.push_back("a record whose key is not an id");
      continue;
    }
    last = id;
    const auto stored = decode_message(cursor.value(), *id);
    if (!stored) {
      page.faults.push_back(id->str() + ": " + stored.error().text);
      continue;
    }
    ++page.records;
    verify_message(snapshot, stored->record, page);
  }
  if (!page.next) verify_rest(snapshot, page);
  return page;
}

// ---- users --------------------------------------------------------------------------------------------------------

result<UserRecord> find_user(Snapshot& snapshot, const std::string& name) {
  const Fault unknown = no_user(name);
  if (!is_credential_name(name)) return unknown;
  const auto value = snapshot.txn.get(snapshot.tables.users, name);
  if (!value) return unknown;
  auto user = decode_user(*value);
  if (!user) {
    snapshot.damages.push_back({Origin::users, name, user.error().text});
    return Fault{FaultKind::damaged, "the record of user " + name + " is damaged: " + user.error().text};
  }
  return user;
}

result<std::vector<UserRecord>> list_users(Snapshot& snapshot) {
  std::vector<UserRecord> users;
  Cursor cursor(snapshot.txn, snapshot.tables.users);
  for (bool found = cursor.first(); found && users.size() < kMaxUsers; found = cursor.next()) {
    auto user = decode_user(cursor.value());
    if (user)
      users.push_back(std::move(*user));
    else
      snapshot.damages.push_back({Origin::users, std::string(cursor.key()), user.error().text});
  }
  return users;
}

}  // namespace postrider::storage::lmdb
