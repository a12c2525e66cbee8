// A message comes in: accept, stage, unstage.
//
//   idem row   := id fingerprint:u64 expires_ms:i64 scope_and_key:string  the key itself, because hashes may collide
#include "storage/claim_rules.h"
#include "storage/lmdb/repair_ops.h"
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"
#include "storage/record_rules.h"
#include "storage/wire.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::uint32_t kChunksUnstagedPerStep = 1000;
constexpr std::uint64_t kRecordWeight = 1024;  // record, event row and index keys of a message, without its body

std::uint64_t chunk_bytes(const Body& body) {
  std::uint64_t bytes = 0;
  for (const auto& chunk : body.chunks) bytes += stored_bytes(kChunkRecordHeader + chunk->size());
  return bytes;
}

std::uint64_t weight_of(const NewMessage& message) {
  return chunk_bytes(message.body) + kRecordWeight + 256 * message.record.recipients.size();
}

const Fault kFull{FaultKind::full, "the spool is full"};

}  // namespace

// ---- accept -------------------------------------------------------------------------------------------------------

Accept::Accept(NewMessage message, Done<Accepted> done)
    : Answering(std::move(done), Haste::now, Need::new_space, weight_of(message)),
      message_(std::move(message)),
      events_(accept_record(message_)) {
  record_ = std::make_shared<MessageRecord>(std::move(message_.record));
}

std::unique_ptr<WriteOperation> Accept::clean_up() const {
  return message_.first_chunk > 0 ? std::make_unique<Unstage>(record_->id) : nullptr;
}

void Accept::run(WriteContext& context) {
  if (auto known = known_key(context)) {
    answer_with(std::move(*known));
  } else {
    auto stored = store(context);
    const bool kept = stored.has_value();
    answer_with(std::move(stored));
    if (kept) return;
  }
  // Nothing is kept of what was not stored.
  if (drop_staged(context, record_->id, kChunksUnstagedPerStep))
    context.follow_up(std::make_unique<Unstage>(record_->id));
}

result<Accepted> Accept::store(WriteContext& context) {
  if (!events_) return events_.error();
  const Tables& tables = context.tables();
  std::uint64_t staged_bytes = 0;
  if (message_.first_chunk > 0) {
    const auto staged = staged_row(context, record_->id);
    if (!staged || staged->chunks != message_.first_chunk)
      return invalid("the staged chunks are not those of the message");
    staged_bytes = staged->bytes;
  }
  if (context.txn().get(tables.messages, id_key(record_->id)))
    return invalid("the id " + record_->id.str() + " is taken");
  if (!context.take_room(weight())) return kFull;
  if (message_.notifies) {
    const auto told = notify(context);
    if (!told) return told.error();
  }

  if (message_.intent && !claimed_) claim(context);
  StoredMessage stored{std::move(*record_), 0};
  stored.record.history.clear();
  if (message_.idempotency) stored.record.idempotency_key = message_.idempotency->scope_and_key;
  // Taken back in any case: a batch that is undone runs again.
  struct GiveBack {
    StoredMessage& from;
    MessageRecord& to;
    ~GiveBack() { to = std::move(from.record); }
  } give_back{stored, *record_};

  context.append(stored, *events_);
  context.create(stored, WriteContext::Notice::tell);
  for (std::size_t i = 0; i < message_.body.chunks.size(); ++i) {
    context.put_chunk(stored.record.id, message_.first_chunk + static_cast<std::uint32_t>(i), *message_.body.chunks[i]);
  }
  if (staged_bytes > 0) {
    context.txn().erase(tables.staged, id_key(stored.record.id));
    context.meta().live_bytes -= std::min(staged_bytes, context.meta().live_bytes);
  }
  if (message_.idempotency) remember_key(context);
  return Accepted{Accepted::Kind::stored, stored.record.id, record_};
}

// Once: when a batch is undone and runs again, what was on the list then counts.
void Accept::claim(WriteContext& context) {
  auto events = claim_new(*record_, *message_.intent, message_.now, find_in_list(context));
  std::move(events.begin(), events.end(), std::back_inserter(*events_));
  claimed_ = true;
}

// The message that this one is the notice for: its debt ends where this one begins.
result<Nothing> Accept::notify(WriteContext& context) const {
  auto about = context.load(message_.notifies->id);
  if (!about) return about.error();
  auto told = notify_record(about->record(), *message_.notifies, record_->id, message_.now);
  if (!told) return told.error();
  if (told->body_may_go) context.drop_body(about->record());
  context.append(about->stored, std::move(told->events));
  context.save(*about, WriteContext::Notice::quiet);
  return Nothing{};
}

std::optional<Accepted> Accept::known_key(WriteContext& context) const {
  if (!message_.idempotency) return std::nullopt;
  const IdempotencyKey& key = *message_.idempotency;
  const auto value = context.txn().get(context.tables().idem, as_view(idem_hash(key.scope_and_key)));
  if (!value || value->size() < MessageId::kBytes) return std::nullopt;
  const auto id = parse_id(value->substr(0, MessageId::kBytes));
  wire::Take in(value->substr(MessageId::kBytes));
  const std::uint64_t fingerprint = in.u64();
  const Time expires = from_ms(in.i64());
  const std::string text = in.string();
  if (!in.ok_and_empty() || text != key.scope_and_key || expires <= message_.now) return std::nullopt;
  const auto kind = fingerprint == key.fingerprint ? Accepted::Kind::duplicate : Accepted::Kind::key_conflict;
  return Accepted{kind, *id, nullptr};
}

void Accept::remember_key(WriteContext& context) const {
  const IdempotencyKey& key = *message_.idempotency;
  const Time expires = message_.now + key.lifetime;
  const IdemHash hash = idem_hash(key.scope_and_key);
  std::string value(std::string_view(id_key(record_->id)));
  wire::Put to(value);
  to.u64(key.fingerprint);
  to.i64(to_ms(expires));
  to.string(key.scope_and_key);
  context.txn().put(context.tables().idem, as_view(hash), value);
  context.txn().put(context.tables().idem_expiry, idem_expiry_key(expires, hash), {});
}

// ---- stage --------------------------------------------------------------------------------------------------------

StageChunk::StageChunk(StagedChunk chunk, Done<Nothing> done)
    : Answering(std::move(done), Haste::now, Need::new_space, stored_bytes(kChunkRecordHeader + chunk.bytes->size())),
      chunk_(std::move(chunk)) {}

void StageChunk::run(WriteContext& context) {
  StagedRow row = staged_row(context, chunk_.id).value_or(StagedRow{});
  if (row.chunks != chunk_.index) return answer_with(invalid("staged chunks come in order, from 0"));
  if (row.chunks == 0 && context.txn().get(context.tables().messages, id_key(chunk_.id))) {
    return answer_with(invalid("the id " + chunk_.id.str() + " is taken"));
  }
  if (!context.take_room(weight())) return answer_with(kFull);
  context.put_chunk(chunk_.id, chunk_.index, *chunk_.bytes);
  put_staged_row(context, chunk_.id, {row.chunks + 1, row.bytes + weight()});
  context.meta().live_bytes += weight();
  answer_with(Nothing{});
}

void Unstage::run(WriteContext& context) {
  if (drop_staged(context, id_, kChunksUnstagedPerStep)) context.follow_up(std::make_unique<Unstage>(id_));
}

}  // namespace postrider::storage::lmdb
