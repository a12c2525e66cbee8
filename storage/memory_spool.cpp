#include "storage/memory_spool.h"

#include <algorithm>

#include "core/header_fields.h"
#include "storage/claim_rules.h"
#include "storage/expiry_rules.h"
#include "storage/memory_spool_change.h"
#include "storage/retention_rules.h"

namespace postrider::storage {
namespace {

std::uint64_t chunk_bytes(const std::string& chunk) {
  return stored_bytes(chunk.size() + kChunkRecordHeader);
}

Fault not_found(std::string text) {
  return {FaultKind::not_found, std::move(text)};
}
Fault full() {
  return {FaultKind::full, "the spool is over its high-water mark"};
}

}  // namespace

MemorySpool::MemorySpool(const MemoryStoreOptions& options) : max_interruptions_(options.max_interruptions) {
  stats_.max_bytes = options.max_bytes;
  stats_.high_water_bytes = options.high_water_bytes ? options.high_water_bytes : options.max_bytes / 10 * 9;
  stats_.epoch = 1;
}

void MemorySpool::recover(Time now) {
  while (!staged_.empty()) unstage(MessageId(staged_.begin()->first));
  ++stats_.epoch;
  due_change_.reset();
  expiry_change_.reset();
  for (auto& [id, stored] : messages_) {
    if (stored.record.state() != RecipientState::sending) continue;
    Change change(*this, stored.record);
    number(recover_record(stored.record, now, max_interruptions_), stored.record);
    note_due(stored.record);
  }
}

// ---- accept -------------------------------------------------------------------------------------------------------

std::optional<Accepted> MemorySpool::known_key(const NewMessage& message) const {
  if (!message.idempotency) return std::nullopt;
  const auto known = keys_.find(message.idempotency->scope_and_key);
  if (known == keys_.end() || known->second.expires <= message.now) return std::nullopt;
  const bool same = known->second.fingerprint == message.idempotency->fingerprint;
  return Accepted{same ? Accepted::Kind::duplicate : Accepted::Kind::key_conflict, known->second.id, nullptr};
}

result<Accepted> MemorySpool::accept(NewMessage message) {
  const MessageId id = message.record.id;
  Chunks chunks;
  if (const auto staged = staged_.find(id); staged != staged_.end()) chunks = staged->second;
  unstage(id);  // whatever comes now, they are part of the message or of nothing

  if (const auto known = known_key(message)) return *known;
  if (messages_.contains(id)) return Fault{FaultKind::conflict, "a message with this id is stored already"};
  if (chunks.size() != message.first_chunk) return invalid("the staged chunks do not reach up to the first one given");
  auto events = accept_record(message);
  if (!events) return events.error();
  if (!fits(message_bytes(message.record))) return full();
  if (message.notifies) {
    const auto told = notify(*message.notifies, id, message.now);
    if (!told) return told.error();
  }
  if (message.intent) {
    auto claimed = claim_new(message.record, *message.intent, message.now, find_in_list());
    std::move(claimed.begin(), claimed.end(), std::back_inserter(*events));
  }

  chunks.insert(chunks.end(), message.body.chunks.begin(), message.body.chunks.end());
  if (message.idempotency) {
    const IdempotencyKey& key = *message.idempotency;
    message.record.idempotency_key = key.scope_and_key;
    keys_[key.scope_and_key] = Key{id, key.fingerprint, message.now + key.lifetime};
    key_expiry_.emplace(message.now + key.lifetime, key.scope_and_key);
  }
  Stored& stored = messages_.emplace(id, Stored{std::move(message.record), std::move(chunks)}).first->second;
  {
    Change change(*this, stored.record, true);
    number(std::move(*events), stored.record);
  }
  if (!stored.record.envelope.batch.is_nil()) batches_.emplace(stored.record.envelope.batch, id);
  note_due(stored.record);
  return Accepted{Accepted::Kind::stored, id, std::make_shared<MessageRecord>(stored.record)};
}

result<Nothing> MemorySpool::notify(const Notifies& notifies, const MessageId& notice, Time now) {
  const auto found = messages_.find(notifies.id);
  if (found == messages_.end()) return not_found("no such message");
  Change change(*this, found->second.record);
  auto told = notify_record(found->second.record, notifies, notice, now);
  if (!told) return told.error();
  if (told->body_may_go) drop_body(found->second);
  number(std::move(told->events), found->second.record);
  return Nothing{};
}

void MemorySpool::drop_body(Stored& stored) {
  if (!stored.chunks.empty()) stored.record.headers = header_fields(*stored.chunks.front());
  stored.chunks.clear();
}

result<Nothing> MemorySpool::stage(StagedChunk chunk) {
  if (messages_.contains(chunk.id)) return Fault{FaultKind::conflict, "a message with this id is stored already"};
  const auto known = staged_.find(chunk.id);
  if (chunk.index != (known == staged_.end() ? 0 : known->second.size())) {
    return invalid("chunks are staged in order, each once");
  }
  if (!fits(chunk_bytes(*chunk.bytes))) return full();
  stats_.live_bytes += chunk_bytes(*chunk.bytes);
  staged_[chunk.id].push_back(std::move(chunk.bytes));
  return Nothing{};
}

void MemorySpool::unstage(const MessageId& id) {
  const auto staged = staged_.find(id);
  if (staged == staged_.end()) return;
  for (const auto& chunk : staged->second) stats_.live_bytes -= chunk_bytes(*chunk);
  staged_.erase(staged);
}

// ---- claim, settle, steer -----------------------------------------------------------------------------------------

std::vector<Claimed> MemorySpool::claim(const std::vector<ClaimRequest>& requests) {
  std::vector<Claimed> answers;
  answers.reserve(requests.size());
  for (const ClaimRequest& request : requests) {
    Claimed& answer = answers.emplace_back();
    const auto found = messages_.find(request.id);
    if (found == messages_.end()) continue;
    MessageRecord& record = found->second.record;
    ClaimResult claim;
    {
      Change change(*this, record);
      claim = claim_record(record, request, find_in_list());
      number(std::move(claim.events), record);
    }
    if (claim.nothing()) continue;
    answer.recipients = std::move(claim.claimed);
    answer.suppressed = std::move(claim.suppressed);
    note_due(record);  // of the recipients that are due later
    answer.record = std::make_shared<MessageRecord>(record);
  }
  return answers;
}

result<Settled> MemorySpool::settle(const Settlement& settlement) {
  const auto found = messages_.find(settlement.id);
  if (found == messages_.end()) return not_found("no such message");
  MessageRecord& record = found->second.record;
  Change change(*this, record);
  auto settled = settle_record(record, settlement);
  if (!settled) return settled.error();
  if (settled->body_may_go) drop_body(found->second);
  number(std::move(settled->events), record);
  return settled->settled;
}

std::vector<result<Steered>> MemorySpool::steer(const std::vector<SteerRequest>& requests) {
  std::vector<result<Steered>> answers;
  answers.reserve(requests.size());
  for (const SteerRequest& request : requests) {
    const auto found = messages_.find(request.id);
    if (found == messages_.end()) {
      answers.emplace_back(not_found("no such message"));
      continue;
    }
    MessageRecord& record = found->second.record;
    std::optional<Fault> fault;
    std::uint32_t changed = 0;
    {
      Change change(*this, record);
      auto steered = steer_record(record, request);
      if (steered) {
        changed = steered->changed;
        number(std::move(steered->events), record);
      } else {
        fault = steered.error();
      }
    }
    if (fault) {
      answers.emplace_back(std::move(*fault));
      continue;
    }
    note_due(record);
    answers.emplace_back(Steered{std::make_shared<MessageRecord>(record), changed});
  }
  return answers;
}

result<std::shared_ptr<MessageRecord>> MemorySpool::amend(const AmendRequest& request) {
  const auto found = messages_.find(request.id);
  if (found == messages_.end()) return not_found("no such message");
  MessageRecord& record = found->second.record;
  const auto key = due_key(record);
  {
    Change change(*this, record);
    auto events = amend_record(record, request);
    if (!events) return events.error();
    number(std::move(*events), record);
  }
  if (due_key(record) != key) note_due(record);
  return std::make_shared<MessageRecord>(record);
}

void MemorySpool::number(std::vector<Event> events, MessageRecord& record) {
  for (Event& event : events) {
    event.seq = ++stats_.last_seq;
    record.history.push_back(event.seq);
    feed_.emplace(event.seq, std::move(event));
  }
}

void MemorySpool::note_due(const MessageRecord& record) {
  const Time due = record.due();
  if (due != kNever) due_change_ = std::min(due, due_change_.value_or(kNever));
}

std::optional<Time> MemorySpool::take_due_change() {
  return std::exchange(due_change_, std::nullopt);
}

std::optional<Time> MemorySpool::take_expiry_change() {
  return std::exchange(expiry_change_, std::nullopt);
}

// ---- time to live, revival ----------------------------------------------------------------------------------------

Expired MemorySpool::expire(const ExpireRequest& request) {
  Expired expired;
  while (expired.messages < std::max<std::size_t>(request.limit, 1) && !expiring_.empty() &&
         expiring_.begin()->first <= request.now) {
    Stored& stored = messages_.at(expiring_.begin()->second);
    Change change(*this, stored.record);
    ExpireResult result = expire_record(stored.record, request);
    if (result.body_may_go) drop_body(stored);
    number(std::move(result.events), stored.record);
    expired.owes_notice = expired.owes_notice || stored.record.owes_notice();
    ++expired.messages;
  }
  if (!expiring_.empty()) expired.next = expiring_.begin()->first;
  expired.more = expired.next <= request.now;
  return expired;
}

Revived MemorySpool::revive(const ReviveRequest& request) {
  Revived revived;
  std::vector<MessageId> ids;
  auto at = request.after ? revivable_.upper_bound(*request.after) : revivable_.begin();
  for (; at != revivable_.end(); ++at) {
    if (ids.size() >= std::max<std::size_t>(request.limit, 1)) {
      revived.next = ids.back();
      break;
    }
    ids.push_back(*at);
  }
  for (const MessageId& id : ids) {
    MessageRecord& record = messages_.at(id).record;
    Change change(*this, record);
    auto events = revive_record(record, request);
    if (events.empty()) continue;
    number(std::move(events), record);
    note_due(record);
    ++revived.messages;
  }
  return revived;
}

// ---- retention ----------------------------------------------------------------------------------------------------

Retired MemorySpool::retire(const RetireRequest& request) {
  Retired retired;
  std::size_t rows = request.max_rows;
  if (!request.notify_sender) forgive(request.now, rows);
  retire_bodies(sent_bodies_, false, request, rows, retired);
  retire_bodies(failed_bodies_, true, request, rows, retired);
  retire_history(request, rows, retired);
  retire_upstream_rows(request, rows);
  retire_keys(request, rows);
  retired.more = rows == 0;
  return retired;
}

void MemorySpool::forgive(Time now, std::size_t& rows) {
  for (auto& [id, stored] : messages_) {
    if (rows == 0) return;
    if (!stored.record.owes_notice()) continue;
    Change change(*this, stored.record);
    number(forgive_record(stored.record, now), stored.record);
    --rows;
  }
}

// Two walks, one for each lifetime of bodies, so that neither has to wait for, or come back to, what the
// other removes.
void MemorySpool::retire_bodies(Walk& walk, bool wanted, const RetireRequest& request, std::size_t& rows,
                                Retired& retired) {
  for (auto row = feed_.upper_bound(walk.after); row != feed_.end() && rows > 0; ++row, --rows) {
    const auto found = messages_.find(row->second.message);
    if (found != messages_.end()) {
      const Fate fate = body_fate(found->second.record, row->first, wanted, request);
      if (fate == Fate::stop) return;
      if (fate == Fate::take) take_body(found->second, request, retired);
    }
    walk.after = row->first;
  }
}

void MemorySpool::take_body(Stored& stored, const RetireRequest& request, Retired& retired) {
  Change change(*this, stored.record);
  number({remove_body(stored.record, request.now, request.notify_sender)}, stored.record);
  drop_body(stored);
  retired.bytes += stored_body_bytes(stored.record.body_size);
  ++retired.bodies;
  if (stored.record.owes_notice()) ++retired.owing;
}

bool MemorySpool::over_history_limit(const RetirePolicy& policy) const {
  return stats_.finished_bytes > policy.history_max_bytes;
}

void MemorySpool::retire_history(const RetireRequest& request, std::size_t& rows, Retired& retired) {
  for (; rows > 0; --rows) {
    const auto row = feed_.upper_bound(history_.after);
    if (row == feed_.end()) {
      if (!over_history_limit(request.policy) || !history_.passed_over) return;
      history_ = Walk{};
      continue;
    }
    const std::uint64_t seq = row->first;
    if (retire_row(row->second.message, seq, request, retired) == Fate::stop) return;
    history_.after = seq;
  }
}

Fate MemorySpool::retire_row(MessageId id, std::uint64_t seq, const RetireRequest& request, Retired& retired) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return Fate::pass;
  const MessageRecord& record = found->second.record;
  const Fate fate = history_fate(record, seq, request, over_history_limit(request.policy));
  if (fate == Fate::leave) history_.passed_over = true;
  if (fate == Fate::body_first) take_body(found->second, request, retired);
  if (fate != Fate::take) return fate;
  retired.bytes += message_bytes(record);
  ++retired.messages;
  erase(found);
  return fate;
}

void MemorySpool::erase(Messages::iterator message) {
  MessageRecord& record = message->second.record;
  Change::forget(*this, record);
  batches_.erase({record.envelope.batch, record.id});
  for (const std::uint64_t seq : record.history) feed_.erase(seq);
  messages_.erase(message);
}

void MemorySpool::retire_upstream_rows(const RetireRequest& request, std::size_t& rows) {
  for (; rows > 0 && !upstream_feed_.empty(); --rows) {
    const auto oldest = upstream_feed_.begin();
    if (feed_.at(*oldest).at + request.policy.history > request.now) return;
    feed_.erase(*oldest);
    upstream_feed_.erase(oldest);
  }
}

void MemorySpool::retire_keys(const RetireRequest& request, std::size_t& rows) {
  while (rows > 0 && !key_expiry_.empty() && key_expiry_.begin()->first <= request.now) {
    const auto expired = key_expiry_.begin();
    const auto key = keys_.find(expired->second);
    if (key != keys_.end() && key->second.expires == expired->first) keys_.erase(key);  // not one given anew
    key_expiry_.erase(expired);
    --rows;
  }
}

}  // namespace postrider::storage
