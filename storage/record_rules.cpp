#include "storage/record_rules.h"

#include <xxhash.h>

#include <algorithm>
#include <string_view>

#include "core/notice.h"
#include "core/retry.h"
#include "storage/expiry_rules.h"
#include "storage/record_changes.h"

namespace postrider::storage {
namespace {

// Where a recipient goes that was asked to stop while it was being sent; nothing: no request, or it has no
// effect any more. A cancel that was asked as well is stronger than a hold.
std::optional<RecipientState> requested_state(const Recipient& recipient, RecipientState without) {
  if (!is_live(without) && without != RecipientState::failed) return std::nullopt;
  if (recipient.cancel_requested) return transition(RecipientState::sending, Trigger::cancel);
  if (recipient.hold_requested) return transition(RecipientState::sending, Trigger::hold);
  return std::nullopt;
}

Reason requested_reason(const Reason& attempt) {
  Reason reason = attempt;
  reason.cause = Cause::operator_;
  reason.text = "asked for while it was being sent";
  if (!attempt.text.empty()) reason.text += "; the attempt ended with: " + attempt.text;
  reason.text = sanitize_reason_text(reason.text);
  return reason;
}

Fault conflict(std::string text) {
  return {FaultKind::conflict, std::move(text)};
}

// What the guard of the submitter did with the message, for its history; nothing where it did nothing.
Reason guard_reason(const MessageRecord& record) {
  Reason reason;
  for (const Recipient& recipient : record.recipients)
    if (!recipient.redirected_from.empty()) reason.text = "redirected from " + recipient.redirected_from;
  if (record.envelope.capture_only) reason.text = "for a capture upstream only";
  if (reason.text.empty()) return reason;
  reason.cause = Cause::policy;
  reason.text = sanitize_reason_text(reason.text);
  return reason;
}

std::optional<Fault> check_metadata(const Metadata& metadata) {
  if (metadata.size() > kMaxMetadata)
    return invalid("a message has metadata of at most " + std::to_string(kMaxMetadata) + " names");
  std::size_t octets = 0;
  for (const auto& [name, value] : metadata) octets += name.size() + value.size();
  if (octets > kMaxMetadataOctets)
    return invalid("names and values of metadata have at most " + std::to_string(kMaxMetadataOctets) + " octets");
  return std::nullopt;
}

}  // namespace

// ---- accept, settle -----------------------------------------------------------------------------------------------

result<std::vector<Event>> accept_record(NewMessage& message) {
  MessageRecord& record = message.record;
  if (record.recipients.empty()) return invalid("a message needs a recipient");
  if (message.first_chunk + message.body.chunks.size() != record.body_chunks) {
    return invalid("the chunks given and staged do not make up the body");
  }
  for (const Recipient& recipient : record.recipients) {
    if (recipient.state != RecipientState::queued) return invalid("a new message has queued recipients only");
  }
  const std::vector<std::string>& tags = record.envelope.tags;
  if (tags.size() > kMaxTags) return invalid("a message has at most " + std::to_string(kMaxTags) + " tags");
  if (std::any_of(tags.begin(), tags.end(), [](const std::string& tag) { return tag.size() > kMaxTagOctets; }))
    return invalid("a tag has at most " + std::to_string(kMaxTagOctets) + " octets");
  if (const auto fault = check_metadata(record.envelope.metadata)) return *fault;
  for (Recipient& recipient : record.recipients) {
    recipient.changed_at = message.now;
    if (recipient.age_from == Time{}) recipient.age_from = recipient.due;
  }
  std::vector<Event> events;
  events.push_back(make_event(record, EventType::accepted, message.now));
  events.back().reason = guard_reason(record);
  return events;
}

namespace {

std::optional<Fault> check_updates(const MessageRecord& record, const std::vector<RecipientUpdate>& updates) {
  std::vector<bool> seen(updates.size() > 1 ? record.recipients.size() : 0);
  for (const RecipientUpdate& update : updates) {
    if (update.recipient >= record.recipients.size()) return invalid("settlement for a recipient that does not exist");
    const RecipientState state = record.recipients[update.recipient].state;
    if (state != RecipientState::sending) {
      return conflict("settlement for a recipient that is " + std::string(to_string(state)));
    }
    if (!transition(state, update.trigger)) {
      return conflict("settlement by " + std::string(to_string(update.trigger)) + " is not possible while sending");
    }
    if (seen.empty()) continue;
    if (seen[update.recipient]) return conflict("settlement names a recipient twice");
    seen[update.recipient] = true;
  }
  return std::nullopt;
}

// A debt that stands, of a delay not yet told, is only replaced by a new one or by the end of the waiting.
void note_debt(const Envelope& envelope, Recipient& recipient, bool hop_notifies, Time now) {
  const bool told_soon = recipient.state == RecipientState::deferred && recipient.owed == Notice::delayed;
  if (!told_soon) recipient.owed = notice_owed(envelope, recipient, hop_notifies, now);
}

void apply_update(const Envelope& envelope, Recipient& recipient, const RecipientUpdate& update, Time now) {
  const RecipientState meant = transition(RecipientState::sending, update.trigger).value();
  const auto requested = requested_state(recipient, meant);
  recipient.reason = requested ? requested_reason(update.reason) : update.reason;
  arrive(recipient, requested.value_or(meant), now);
  if (time_is_over(envelope, now)) expire_recipient(envelope, recipient, now);
  recipient.failed_by_route = recipient.state == RecipientState::failed && update.route_caused;
  if (update.spends_try) ++recipient.tries;
  if (recipient.state == RecipientState::queued || recipient.state == RecipientState::deferred)
    recipient.due = update.due;
  if (!update.upstream.empty()) recipient.upstream = update.upstream;
  if (update.remote_id.empty()) return;
  recipient.remote_id = update.remote_id;
  recipient.provider_id = update.provider_id;
}

}  // namespace

result<SettleResult> settle_record(MessageRecord& record, const Settlement& settlement) {
  if (auto fault = check_updates(record, settlement.updates)) return *fault;
  SettleResult answer;
  answer.events.reserve(settlement.attempts.size() + settlement.updates.size());
  for (const Attempt& attempt : settlement.attempts) {
    answer.events.push_back(make_event(record, EventType::attempted, settlement.now));
    answer.events.back().attempt = std::make_shared<Attempt>(attempt);
    answer.events.back().reason = attempt.reason;
  }
  const std::size_t first = answer.events.size();
  for (const RecipientUpdate& update : settlement.updates) {
    Recipient& recipient = record.recipients[update.recipient];
    apply_update(record.envelope, recipient, update, settlement.now);
    if (settlement.notify_sender) note_debt(record.envelope, recipient, update.takes_notice, settlement.now);
    const auto type = arrival(recipient.state);
    if (type) answer.events.push_back(recipient_event(record, update.recipient, *type, settlement.now));
  }
  say_once(answer.events, first, record);

  record.wait_bucket = settlement.wait_bucket;
  answer.settled.state = record.state();
  answer.settled.next_due = record.due();
  answer.settled.owes_notice = record.owes_notice();
  answer.body_may_go = end_body(record, settlement.remove_sent_body);
  return answer;
}

// ---- steering -----------------------------------------------------------------------------------------------------

Trigger trigger_of(SteerVerb verb) {
  switch (verb) {
    case SteerVerb::retry:
      return Trigger::retry;
    case SteerVerb::hold:
      return Trigger::hold;
    case SteerVerb::release:
      return Trigger::release;
    case SteerVerb::cancel:
      return Trigger::cancel;
  }
  return Trigger::retry;
}

bool starts_anew(SteerVerb verb) {
  return verb == SteerVerb::retry || verb == SteerVerb::release;
}

namespace {

EventType event_of(SteerVerb verb) {
  switch (verb) {
    case SteerVerb::retry:
      return EventType::retried;
    case SteerVerb::hold:
      return EventType::held;
    case SteerVerb::release:
      return EventType::released;
    case SteerVerb::cancel:
      return EventType::cancelled;
  }
  return EventType::retried;
}

Event steer_event(const MessageRecord& record, std::uint32_t index, EventType type, const SteerRequest& request) {
  Event event = recipient_event(record, index, type, request.now);
  event.reason = request.reason;
  if (event.reason.cause == Cause::none) event.reason.cause = Cause::operator_;
  event.actor = request.actor;
  return event;
}

// A hold or cancel of what is being sent waits for the attempt's end. Asked again it is answered the same,
// and said once. The hold becomes an event when it takes effect; a cancel may lose against a hand-over, so
// that it was asked is on record.
bool mark(MessageRecord& record, std::uint32_t index, const SteerRequest& request, std::vector<Event>& events) {
  Recipient& recipient = record.recipients[index];
  if (request.verb == SteerVerb::hold) {
    recipient.hold_requested = true;
    return true;
  }
  if (request.verb != SteerVerb::cancel) return false;
  if (!recipient.cancel_requested) {
    recipient.cancel_requested = true;
    events.push_back(steer_event(record, index, EventType::cancel_requested, request));
  }
  return true;
}

// A message that was to be sent later and was held before its time keeps that time when it is released.
Time due_after(const Recipient& recipient, const SteerRequest& request) {
  const bool untried = recipient.tries == 0 && recipient.interruptions == 0 && recipient.due == recipient.age_from;
  const bool keeps = request.verb == SteerVerb::release && recipient.state == RecipientState::held && untried;
  return keeps ? std::max(recipient.due, request.now) : request.now;
}

bool steer_recipient(MessageRecord& record, std::uint32_t index, const SteerRequest& request,
                     std::vector<Event>& events) {
  Recipient& recipient = record.recipients[index];
  if (recipient.state == RecipientState::sending) return mark(record, index, request, events);
  const auto next = transition(recipient.state, trigger_of(request.verb));
  if (!next) return false;
  if (starts_anew(request.verb)) {
    if (record.body == BodyState::removed) return false;
    recipient.due = recipient.age_from = due_after(recipient, request);
    recipient.tries = 0;
    recipient.interruptions = 0;
    recipient.remote_id.clear();
    recipient.provider_id = false;
    recipient.failed_by_route = false;
    recipient.owed = Notice::none;  // of a failure that is taken back before it was told
    recipient.delay_told = false;
  }
  if (recipient.owed == Notice::delayed) recipient.owed = Notice::none;  // it does not just wait any more
  arrive(recipient, *next, request.now);
  events.push_back(steer_event(record, index, event_of(request.verb), request));
  recipient.reason = events.back().reason;
  return true;
}

Fault steer_conflict(const MessageRecord& record, const SteerRequest& request) {
  const RecipientState state = request.recipient ? record.recipients[*request.recipient].state : record.state();
  std::string text = request.recipient ? "the recipient is " : "the message is ";
  text += to_string(state);
  const bool body_gone = record.body == BodyState::removed && transition(state, trigger_of(request.verb)).has_value();
  if (starts_anew(request.verb) && body_gone) return conflict(text + " and its body is gone: it cannot be sent again");
  return conflict(text + ": " + std::string(to_string(trigger_of(request.verb))) + " does not apply");
}

}  // namespace

result<SteerResult> steer_record(MessageRecord& record, const SteerRequest& request) {
  if (!request.tenant.empty() && request.tenant != record.envelope.tenant) {
    return Fault{FaultKind::not_found, "no such message"};
  }
  if (request.recipient && *request.recipient >= record.recipients.size()) {
    return Fault{FaultKind::not_found, "no such recipient"};
  }
  SteerResult answer;
  const std::uint32_t begin = request.recipient.value_or(0);
  const auto end = request.recipient ? begin + 1 : static_cast<std::uint32_t>(record.recipients.size());
  for (std::uint32_t i = begin; i < end; ++i) {
    if (steer_recipient(record, i, request, answer.events)) ++answer.changed;
  }
  if (answer.changed == 0) return steer_conflict(record, request);
  say_once(answer.events, 0, record);
  if (starts_anew(request.verb)) record.wait_bucket = 0;
  return answer;
}

// ---- another time -------------------------------------------------------------------------------------------------

namespace {

// Why it is too late for another time; nothing: it is not.
std::optional<std::string> past_first_try(const Recipient& recipient, Time now) {
  if (recipient.state != RecipientState::queued) return std::string(to_string(recipient.state));
  if (recipient.cancel_requested || recipient.hold_requested) return "queued, to be stopped";
  // An attempt that was cut off counts as no try, and may have handed the message over all the same.
  const bool cut_off = recipient.interruptions > 0 || may_have_been_sent(recipient);
  if (recipient.tries > 0 || cut_off) return "queued, for another try";
  if (recipient.due <= now) return "queued, and its time has come";
  return std::nullopt;
}

std::optional<Fault> check_amendable(const MessageRecord& record, const AmendRequest& request) {
  if (!request.tenant.empty() && request.tenant != record.envelope.tenant)
    return Fault{FaultKind::not_found, "no such message"};
  for (const Recipient& recipient : record.recipients) {
    const auto state = past_first_try(recipient, request.now);
    if (!state) continue;
    const std::string who = record.recipients.size() == 1 ? "the message is " : "a recipient of the message is ";
    return conflict(who + *state + ": it can be rescheduled only before its first try");
  }
  if (record.history.size() >= kMaxHistoryToAmend)
    return conflict("the history of the message has " + std::to_string(record.history.size()) +
                    " entries: it cannot be rescheduled once more");
  return std::nullopt;
}

struct Times {
  Time due, expires_at;
  bool moves = false;  // a recipient is due at another time than before
};

// A time to live counts from the release: it moves with it, unless the request names another one.
Times times_after(const MessageRecord& record, const AmendRequest& request) {
  const Time before = record.due();
  Times after{before, record.envelope.expires_at};
  if (request.send_at) {
    after.due = std::max(*request.send_at, request.now);
    after.moves = std::any_of(record.recipients.begin(), record.recipients.end(),
                              [&](const Recipient& recipient) { return recipient.due != after.due; });
    if (after.expires_at != kNever) after.expires_at += after.due - before;
  }
  if (request.expires_at) after.expires_at = *request.expires_at;
  return after;
}

std::string time_text(Time time) {
  return time == kNever ? "never" : format_rfc3339(time);
}

void say_change(std::string& changes, std::string_view what, std::string_view from, std::string_view to) {
  if (!changes.empty()) changes += "; ";
  changes.append(what).append(" ").append(to).append(", before ").append(from);
}

// The new values into the record; what changed, in words. Empty: nothing. The time and the lane are part of the route: what the
// message waited for may not be what it waits for now.
std::string apply_amendment(MessageRecord& record, const Times& after, std::optional<Lane> lane) {
  std::string changes;
  Envelope& envelope = record.envelope;
  if (after.moves) {
    say_change(changes, "send_at", time_text(record.due()), time_text(after.due));
    for (Recipient& recipient : record.recipients) recipient.due = recipient.age_from = after.due;
    record.wait_bucket = 0;
  }
  if (lane && *lane != envelope.lane) {
    say_change(changes, "lane", to_string(envelope.lane), to_string(*lane));
    envelope.lane = *lane;
    record.wait_bucket = 0;
  }
  if (after.expires_at != envelope.expires_at) {
    say_change(changes, "expires_at", time_text(envelope.expires_at), time_text(after.expires_at));
    envelope.expires_at = after.expires_at;
  }
  return changes;
}

}  // namespace

result<std::vector<Event>> amend_record(MessageRecord& record, const AmendRequest& request) {
  if (auto fault = check_amendable(record, request)) return *fault;
  const Times after = times_after(record, request);
  if ((request.send_at || request.expires_at) && after.expires_at <= after.due)
    return invalid("the message would expire at " + time_text(after.expires_at) + ", not after it is sent, " +
                   time_text(after.due));
  std::vector<Event> events;
  const std::string changes = apply_amendment(record, after, request.lane);
  if (changes.empty()) return events;
  Event& event = events.emplace_back(make_event(record, EventType::rescheduled, request.now));
  event.actor = request.actor;
  event.reason.cause = Cause::operator_;
  event.reason.text = changes;
  return events;
}

// ---- notices ------------------------------------------------------------------------------------------------------

result<NoticeResult> notify_record(MessageRecord& record, const Notifies& notifies, const MessageId& notice, Time now) {
  if (notifies.recipients.empty()) return invalid("a notice needs a recipient that it is about");
  for (std::uint32_t index : notifies.recipients) {
    if (index >= record.recipients.size()) return invalid("a notice about a recipient that does not exist");
    if (record.recipients[index].owed == Notice::none) return conflict("the sender was told already");
  }
  NoticeResult answer;
  for (std::uint32_t index : notifies.recipients) {
    Recipient& recipient = record.recipients[index];
    answer.events.push_back(recipient_event(record, index, EventType::notified, now));
    answer.events.back().reason.text =
        "the sender is told that it is " + std::string(to_string(recipient.owed)) + ", by message " + notice.str();
    recipient.delay_told = recipient.delay_told || recipient.owed == Notice::delayed;
    recipient.owed = Notice::none;
  }
  say_once(answer.events, 0, record);
  answer.body_may_go = end_body(record, notifies.remove_body);
  return answer;
}

std::vector<Event> forgive_record(MessageRecord& record, Time now) {
  if (!record.owes_notice()) return {};
  for (Recipient& recipient : record.recipients) recipient.owed = Notice::none;
  Event event = make_event(record, EventType::notified, now);
  event.reason.cause = Cause::policy;
  event.reason.text = "the sender is not told: notices are switched off";
  return {event};
}

// ---- recovery -----------------------------------------------------------------------------------------------------

namespace {

Reason interrupted_reason() {
  Reason reason;
  reason.cause = Cause::interrupted;
  reason.text = "Postrider stopped while this was being handed over; whether it was taken is not known";
  return reason;
}

// The attempt at `upstream` that nobody lived to report: what is known of it is the intent and when it was
// written.
Attempt lost_attempt(const MessageRecord& record, const std::string& upstream) {
  Attempt attempt;
  attempt.upstream = upstream;
  attempt.started_at = kNever;
  attempt.outcome = OutcomeKind::uncertain;
  attempt.reason = interrupted_reason();
  attempt.counted = false;
  for (std::uint32_t i = 0; i < record.recipients.size(); ++i) {
    const Recipient& recipient = record.recipients[i];
    if (recipient.state != RecipientState::sending || recipient.upstream != upstream) continue;
    attempt.started_at = std::min(attempt.started_at, recipient.changed_at);
    attempt.recipients.push_back({i, OutcomeKind::uncertain, attempt.reason});
  }
  return attempt;
}

void append_lost_attempts(const MessageRecord& record, Time now, std::vector<Event>& events) {
  std::vector<std::string> upstreams;
  for (const Recipient& recipient : record.recipients) {
    const bool known = std::find(upstreams.begin(), upstreams.end(), recipient.upstream) != upstreams.end();
    if (recipient.state != RecipientState::sending || known) continue;
    upstreams.push_back(recipient.upstream);
    events.push_back(make_event(record, EventType::attempted, now));
    events.back().attempt = std::make_shared<Attempt>(lost_attempt(record, recipient.upstream));
    events.back().reason = events.back().attempt->reason;
  }
}

void interrupt(Recipient& recipient, Time now, std::uint32_t max_interruptions) {
  const RecipientState meant = transition(RecipientState::sending, Trigger::defer).value();
  const auto requested = requested_state(recipient, meant);
  recipient.reason = requested ? requested_reason(interrupted_reason()) : interrupted_reason();
  arrive(recipient, requested.value_or(meant), now);
  recipient.due = now;
  ++recipient.interruptions;
  if (requested || recipient.interruptions < max_interruptions) return;
  arrive(recipient, transition(recipient.state, Trigger::hold).value(), now);
  recipient.reason = Reason{};
  recipient.reason.cause = Cause::policy;
  recipient.reason.text = "held: Postrider stopped " + std::to_string(recipient.interruptions) +
                          " times while handing this over; release it once the cause is known";
}

}  // namespace

std::vector<Event> recover_record(MessageRecord& record, Time now, std::uint32_t max_interruptions) {
  std::vector<Event> events;
  append_lost_attempts(record, now, events);
  if (events.empty()) return events;

  std::vector<std::uint32_t> hit;
  std::size_t first = events.size();
  for (std::uint32_t i = 0; i < record.recipients.size(); ++i) {
    if (record.recipients[i].state != RecipientState::sending) continue;
    hit.push_back(i);
    events.push_back(recipient_event(record, i, EventType::interrupted, now));
    events.back().reason = interrupted_reason();
    interrupt(record.recipients[i], now, max_interruptions);
  }
  say_once(events, first, record);
  first = events.size();
  for (std::uint32_t i : hit) {
    if (record.recipients[i].state == RecipientState::deferred) continue;
    events.push_back(recipient_event(record, i, arrival(record.recipients[i].state).value(), now));
  }
  say_once(events, first, record);
  record.wait_bucket = 0;
  return events;
}

// ---- due index ----------------------------------------------------------------------------------------------------

std::uint32_t shard_of(const MessageId& id, std::uint32_t shards) {
  if (shards <= 1) return 0;
  const auto& bytes = id.bytes();  // the last four are random
  const std::uint32_t low = static_cast<std::uint32_t>(bytes[12]) << 24 | static_cast<std::uint32_t>(bytes[13]) << 16 |
                            static_cast<std::uint32_t>(bytes[14]) << 8 | bytes[15];
  return low % shards;
}

std::optional<DueKey> due_key(const MessageRecord& record) {
  const Time due = record.due();
  if (due == kNever) return std::nullopt;
  return DueKey{record.wait_bucket, record.envelope.lane, due, record.id};
}

DueEntry due_entry(const MessageRecord& record, const DueKey& key) {
  return {key, sender_hash(record)};
}

std::uint64_t sender_hash(const MessageRecord& record) {
  const std::string key = record.envelope.tenant + '\n' + address_search_key(record.envelope.sender);
  return XXH3_64bits(key.data(), key.size());
}

// ---- bytes --------------------------------------------------------------------------------------------------------

std::uint64_t stored_bytes(std::uint64_t value_size) {
  constexpr std::uint64_t kPage = 4096, kPageHeader = 16;
  constexpr std::uint64_t kLongestShared = 2000;  // LMDB moves longer values to pages of their own
  constexpr std::uint64_t kKeyAndNode = 48;       // node header, key, and its share of the tree above
  if (value_size <= kLongestShared) return value_size + kKeyAndNode;
  return (value_size + kPageHeader + kPage - 1) / kPage * kPage;
}

std::uint64_t stored_body_bytes(std::uint64_t body_size) {
  const std::uint64_t full = body_size / kChunkPayload, rest = body_size % kChunkPayload;
  return full * stored_bytes(kChunkPayload + kChunkRecordHeader) + (rest ? stored_bytes(rest + kChunkRecordHeader) : 0);
}

// ---- listing ------------------------------------------------------------------------------------------------------

namespace {

void lower(std::optional<std::string>& text) {
  if (!text) return;
  for (char& c : *text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

bool address_is(const Address& address, std::string_view wanted) {
  const std::string key = address_search_key(address);
  return wanted.starts_with('@') ? key.ends_with(wanted) : key == wanted;
}

}  // namespace

ListFilter::ListFilter(const ListQuery& query) : query_(query) {
  lower(query_.sender);
  lower(query_.recipient);
}

bool ListFilter::matches(const MessageRecord& record) const {
  const Envelope& envelope = record.envelope;
  if (query_.tenant && envelope.tenant != *query_.tenant) return false;
  if (query_.batch && envelope.batch != *query_.batch) return false;
  if (query_.tag && std::find(envelope.tags.begin(), envelope.tags.end(), *query_.tag) == envelope.tags.end())
    return false;
  if (query_.since && envelope.created_at < *query_.since) return false;
  if (query_.until && envelope.created_at >= *query_.until) return false;
  if (query_.state && record.state() != *query_.state) return false;
  if (query_.sender && !address_is(envelope.sender, *query_.sender)) return false;
  if (!query_.recipient) return true;
  return std::any_of(record.recipients.begin(), record.recipients.end(),
                     [&](const Recipient& recipient) { return address_is(recipient.address, *query_.recipient); });
}

}  // namespace postrider::storage
