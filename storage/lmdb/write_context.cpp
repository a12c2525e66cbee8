#include "storage/lmdb/write_context.h"

#include <algorithm>

#include "core/header_fields.h"
#include "storage/expiry_rules.h"
#include "storage/record_rules.h"
#include "storage/retention_rules.h"
#include "storage/wire.h"

namespace postrider::storage::lmdb {

WriteContext::WriteContext(MDB_env* env, const Tables& tables, const Meta& meta, SpaceRules space, std::string& buffer)
    : tables_(tables), meta_(meta), space_(space), buffer_(buffer), txn_(env, Txn::Mode::write), used_(space.used) {}

void WriteContext::commit() {
  encode_meta(meta_, buffer_);
  txn_.put(tables_.meta, kMetaKey, buffer_);
  if (due_touched_) oldest_due_ = lmdb::oldest_due(txn_, tables_);
  used_ = used_bytes(txn_.raw(), tables_);
  txn_.commit();
}

bool WriteContext::take_room(std::uint64_t bytes) {
  if (space_.disk_full || used_ + granted_ + bytes > space_.high_water) return false;
  granted_ += bytes;
  return true;
}

// ---- messages -----------------------------------------------------------------------------------------------------

result<Loaded> WriteContext::load(const MessageId& id) {
  const Key key = id_key(id);
  const auto value = txn_.get(tables_.messages, key);
  if (!value) {
    const Key aside = Key().u8(static_cast<std::uint8_t>(Origin::messages)).id(id);
    if (txn_.get(tables_.quarantine, aside))
      return Fault{FaultKind::damaged, "the record of " + id.str() + " is in quarantine"};
    return Fault{FaultKind::not_found, "no message " + id.str()};
  }
  auto stored = decode_message(*value, id);
  if (!stored) {
    const Fault fault{FaultKind::damaged, "the record of " + id.str() + " is damaged: " + stored.error().text};
    quarantine({Origin::messages, std::string(std::string_view(key)), stored.error().text}, now);
    return fault;
  }
  Loaded loaded{std::move(*stored), {}};
  loaded.before = footprint(loaded.stored, value->size());
  return loaded;
}

void WriteContext::save(Loaded& message, Notice notice) {
  encode_message(message.stored, buffer_);
  const Footprint after = footprint(message.stored, buffer_.size());
  txn_.put(tables_.messages, id_key(message.record().id), buffer_);
  settle_indexes(message.record(), message.before, after, notice);
  count(message.before, -1);
  count(after, +1);
  message.before = after;
}

bool WriteContext::create(StoredMessage& message, Notice notice) {
  const MessageRecord& record = message.record;
  encode_message(message, buffer_);
  if (!txn_.insert(tables_.messages, id_key(record.id), buffer_)) return false;
  const Footprint after = footprint(message, buffer_.size());
  settle_indexes(record, {}, after, notice);
  for (Key prefix : address_prefixes(record)) txn_.put(tables_.addresses, prefix.id(record.id), {});
  if (const MessageId& batch = record.envelope.batch; !batch.is_nil())
    txn_.put(tables_.batches, batch_key(batch, record.id), {});
  count(after, +1);
  return true;
}

std::uint64_t WriteContext::erase(Loaded& message) {
  const MessageRecord& record = message.record();
  if (record.body == BodyState::present) erase_chunks(record.id, record.body_chunks);
  for (std::uint64_t seq : record.history) txn_.erase(tables_.feed, seq_key(seq));
  for (Key prefix : address_prefixes(record)) txn_.erase(tables_.addresses, prefix.id(record.id));
  txn_.erase(tables_.batches, batch_key(record.envelope.batch, record.id));
  txn_.erase(tables_.messages, id_key(record.id));
  settle_indexes(record, message.before, {}, Notice::quiet);
  count(message.before, -1);
  return message.before.bytes;
}

Footprint WriteContext::footprint(const StoredMessage& message, std::size_t encoded) const {
  const MessageRecord& record = message.record;
  Footprint footprint;
  footprint.state = record.state();
  footprint.live = record.live();
  footprint.owes = record.owes_notice();
  footprint.sending = footprint.state == RecipientState::sending;  // the first in the order of derivation
  footprint.bytes = stored_bytes(encoded) + message.history_bytes;
  if (record.body == BodyState::present) footprint.bytes += stored_body_bytes(record.body_size);
  footprint.due = due_key(record);
  footprint.expires = expiry_time(record);
  footprint.revivable = revivable(record);
  for (const Recipient& recipient : record.recipients) {
    if (!recipient.provider_id) continue;
    footprint.provider_ids.push_back(provider_id_hash(recipient.upstream, recipient.remote_id));
  }
  std::vector<std::uint64_t>& ids = footprint.provider_ids;  // often one for all: the provider's of the whole message
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return footprint;
}

void WriteContext::count(const Footprint& footprint, int sign) {
  const auto add = [sign](std::uint64_t& total, std::uint64_t amount) {
    total = sign > 0 ? total + amount : total - std::min(total, amount);
  };
  add(meta_.messages[static_cast<std::size_t>(footprint.state)], 1);
  if (footprint.live) add(meta_.live_messages, 1);
  add(footprint.live ? meta_.live_bytes : meta_.finished_bytes, footprint.bytes);
}

void WriteContext::settle_indexes(const MessageRecord& record, const Footprint& before, const Footprint& after,
                                  Notice notice) {
  if (before.due != after.due) settle_due(record, before, after, notice);
  if (before.expires != after.expires) settle_expiry(record.id, before, after);
  if (before.provider_ids != after.provider_ids) settle_provider_ids(record.id, before, after);
  settle_mark(tables_.owing, record.id, before.owes, after.owes);
  settle_mark(tables_.revivable, record.id, before.revivable, after.revivable);
  if (after.sending && !before.sending) {
    char epoch[4];
    wire::store_le(epoch, meta_.epoch);
    txn_.put(tables_.claims, id_key(record.id), {epoch, sizeof epoch});
  } else if (before.sending && !after.sending) {
    txn_.erase(tables_.claims, id_key(record.id));
  }
}

void WriteContext::settle_due(const MessageRecord& record, const Footprint& before, const Footprint& after,
                              Notice notice) {
  due_touched_ = true;
  if (before.due) txn_.erase(tables_.due, due_table_key(*before.due));
  if (!after.due) return;
  char hash[8];
  wire::store_le(hash, due_entry(record, *after.due).sender_hash);
  txn_.put(tables_.due, due_table_key(*after.due), {hash, sizeof hash});
  if (notice == Notice::tell) earliest_due_ = std::min(earliest_due_.value_or(kNever), after.due->due);
}

void WriteContext::settle_expiry(const MessageId& id, const Footprint& before, const Footprint& after) {
  if (before.expires) txn_.erase(tables_.expiring, expiring_key(*before.expires, id));
  if (!after.expires) return;
  txn_.put(tables_.expiring, expiring_key(*after.expires, id), {});
  earliest_expiry_ = std::min(earliest_expiry_.value_or(kNever), *after.expires);
}

void WriteContext::settle_provider_ids(const MessageId& id, const Footprint& before, const Footprint& after) {
  const auto has = [](const std::vector<std::uint64_t>& ids, std::uint64_t one) {
    return std::binary_search(ids.begin(), ids.end(), one);
  };
  for (const std::uint64_t hash : before.provider_ids)
    if (!has(after.provider_ids, hash)) txn_.erase(tables_.provider_ids, Key().be64(hash).id(id));
  for (const std::uint64_t hash : after.provider_ids)
    if (!has(before.provider_ids, hash)) txn_.put(tables_.provider_ids, Key().be64(hash).id(id), {});
}

void WriteContext::settle_mark(MDB_dbi table, const MessageId& id, bool before, bool after) {
  if (after && !before) txn_.put(table, id_key(id), {});
  if (before && !after) txn_.erase(table, id_key(id));
}

// ---- events -------------------------------------------------------------------------------------------------------

void WriteContext::append(StoredMessage& message, std::vector<Event> events) {
  if (events.empty()) return;
  const FeedRow row{meta_.next_seq, message.record.id, std::move(events)};
  message.history_bytes += stored_bytes(write_row(row));
  message.record.history.push_back(row.first_seq);
}

void WriteContext::append_upstream(std::vector<Event> events) {
  if (events.empty()) return;
  const FeedRow row{meta_.next_seq, MessageId(), std::move(events)};
  write_row(row);
  char at[8];
  wire::store_le(at, to_ms(row.events.back().at));
  txn_.put(tables_.upstream_feed, seq_key(row.first_seq), {at, sizeof at}, MDB_APPEND);
}

// Answers the octets of its value.
std::size_t WriteContext::write_row(const FeedRow& row) {
  encode_feed_row(row, buffer_);
  txn_.put(tables_.feed, seq_key(row.first_seq), buffer_, MDB_APPEND);
  meta_.next_seq += row.events.size();
  return buffer_.size();
}

// ---- bodies -------------------------------------------------------------------------------------------------------

void WriteContext::put_chunk(const MessageId& id, std::uint32_t index, std::string_view payload) {
  encode_chunk(id, index, payload,
               txn_.reserve(tables_.chunks, chunk_key(id, index), kChunkRecordHeader + payload.size()));
}

void WriteContext::erase_chunks(const MessageId& id, std::uint32_t count) {
  for (std::uint32_t index = 0; index < count; ++index) txn_.erase(tables_.chunks, chunk_key(id, index));
}

void WriteContext::drop_body(MessageRecord& record) {
  const auto value = txn_.get(tables_.chunks, chunk_key(record.id, 0));
  const auto payload = value ? decode_chunk(*value, record.id, 0) : result<std::string_view>(std::string_view());
  if (payload) record.headers = header_fields(*payload);
  erase_chunks(record.id, record.body_chunks);
}

// ---- repair -------------------------------------------------------------------------------------------------------

void WriteContext::quarantine(Damage damage, Time at) {
  const MDB_dbi sources[] = {0,
                             tables_.messages,
                             tables_.chunks,
                             tables_.feed,
                             tables_.due,
                             tables_.users,
                             tables_.claims,
                             tables_.staged,
                             tables_.upstreams,
                             tables_.api_keys,
                             tables_.api_key_usage};
  const MDB_dbi source = sources[static_cast<std::size_t>(damage.origin)];
  const auto raw = txn_.get(source, damage.key);
  if (!raw) return;
  std::string aside;
  wire::Put to(aside);
  to.i64(to_ms(at));
  to.string(damage.reason);
  aside.append(*raw);
  std::string key(1, static_cast<char>(damage.origin));
  txn_.put(tables_.quarantine, key.append(damage.key), aside);
  txn_.erase(source, damage.key);
  ++meta_.quarantined;
  if (const auto id = damage.origin == Origin::messages ? parse_id(damage.key) : std::nullopt) {
    Event event;
    event.message = *id;
    event.type = EventType::quarantined;
    event.at = at;
    event.reason.cause = Cause::spool;
    event.reason.stage = Stage::local;
    event.reason.text = damage.reason;
    StoredMessage nobody;  // the row stands in the feed; there is no record left to note it
    nobody.record.id = *id;
    append(nobody, {event});
    txn_.erase(tables_.claims, damage.key);
    forget_due_of(*id);
  }
  damages_.push_back(std::move(damage));
}

// ---- helpers ------------------------------------------------------------------------------------------------------

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::messages:
      return "message";
    case Origin::chunks:
      return "chunk";
    case Origin::feed:
      return "events";
    case Origin::due:
      return "due entry";
    case Origin::users:
      return "user";
    case Origin::claims:
      return "claim";
    case Origin::staged:
      return "staged body";
    case Origin::upstreams:
      return "upstream";
    case Origin::api_keys:
      return "API key";
    case Origin::api_key_usage:
      return "usage of an API key";
  }
  return "value";
}

std::vector<Key> address_prefixes(const MessageRecord& record) {
  std::vector<Key> prefixes;
  prefixes.reserve(2 + 2 * record.recipients.size());
  std::string text;
  const auto add = [&](AddressKind kind, const Address& address) {
    text.assign(address.local);
    if (!address.domain.empty()) {
      text.append("@").append(address.domain);
      prefixes.push_back(address_prefix(kind, std::string_view(text).substr(address.local.size())));
    }
    prefixes.push_back(address_prefix(kind, text));
  };
  add(AddressKind::sender, record.envelope.sender);
  for (const Recipient& recipient : record.recipients) add(AddressKind::recipient, recipient.address);
  const auto less = [](const Key& a, const Key& b) { return std::string_view(a) < std::string_view(b); };
  const auto same = [](const Key& a, const Key& b) { return std::string_view(a) == std::string_view(b); };
  std::sort(prefixes.begin(), prefixes.end(), less);
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end(), same), prefixes.end());
  return prefixes;
}

}  // namespace postrider::storage::lmdb
