#include "storage/record_changes.h"

#include <algorithm>

#include "storage/retention_rules.h"

namespace postrider::storage {

Event make_event(const MessageRecord& record, EventType type, Time now) {
  Event event;
  event.message = record.id;
  event.type = type;
  event.at = now;
  return event;
}

Event recipient_event(const MessageRecord& record, std::uint32_t recipient, EventType type, Time now) {
  Event event = make_event(record, type, now);
  event.recipient = recipient;
  event.reason = record.recipients[recipient].reason;
  return event;
}

void say_once(std::vector<Event>& events, std::size_t first, const MessageRecord& record) {
  if (events.size() - first != record.recipients.size()) return;
  const Event& model = events[first];
  const bool alike = std::all_of(events.begin() + static_cast<std::ptrdiff_t>(first), events.end(),
                                 [&](const Event& e) { return e.type == model.type && e.reason == model.reason; });
  if (!alike) return;
  events[first].recipient = kAllRecipients;
  events.resize(first + 1);
}

std::optional<EventType> arrival(RecipientState state) {
  switch (state) {
    case RecipientState::queued:
    case RecipientState::sending:
      return std::nullopt;
    case RecipientState::deferred:
      return EventType::deferred;
    case RecipientState::held:
      return EventType::held;
    case RecipientState::sent:
      return EventType::sent;
    case RecipientState::delivered:
      return EventType::delivered;
    case RecipientState::bounced:
      return EventType::bounced;
    case RecipientState::failed:
      return EventType::failed;
    case RecipientState::expired:
      return EventType::expired;
    case RecipientState::cancelled:
      return EventType::cancelled;
    case RecipientState::suppressed:
      return EventType::suppressed;
  }
  return std::nullopt;
}

void arrive(Recipient& recipient, RecipientState state, Time now) {
  recipient.state = state;
  recipient.changed_at = now;
  recipient.cancel_requested = false;
  recipient.hold_requested = false;
}

bool end_body(MessageRecord& record, bool may_go) {
  if (!may_go || record.body == BodyState::removed || record.live() || body_wanted(record)) return false;
  record.body = BodyState::removed;
  return true;
}

}  // namespace postrider::storage
