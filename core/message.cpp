#include "core/message.h"

#include <algorithm>

namespace postrider {

RecipientState MessageRecord::state() const {
  if (recipients.size() == 1) return recipients.front().state;
  std::vector<RecipientState> states;
  states.reserve(recipients.size());
  for (const Recipient& recipient : recipients) states.push_back(recipient.state);
  return derive_message_state(states);
}

bool MessageRecord::owes_notice() const {
  return std::any_of(recipients.begin(), recipients.end(), [](const Recipient& r) { return r.owed != Notice::none; });
}

bool MessageRecord::live() const {
  return std::any_of(recipients.begin(), recipients.end(), [](const Recipient& r) { return is_live(r.state); });
}

Time MessageRecord::due() const {
  Time earliest = kNever;
  for (const Recipient& recipient : recipients)
    if (recipient.state == RecipientState::queued || recipient.state == RecipientState::deferred)
      earliest = std::min(earliest, recipient.due);
  return earliest;
}

std::string_view to_string(Lane lane) {
  switch (lane) {
    case Lane::high:
      return "high";
    case Lane::normal:
      return "normal";
    case Lane::low:
      return "low";
  }
  return "unknown";
}

std::string_view to_string(Notice notice) {
  switch (notice) {
    case Notice::none:
      return "none";
    case Notice::failed:
      return "failed";
    case Notice::relayed:
      return "relayed";
    case Notice::delayed:
      return "delayed";
  }
  return "none";
}

std::string_view to_string(Door door) {
  switch (door) {
    case Door::smtp:
      return "smtp";
    case Door::http:
      return "http";
    case Door::sendmail:
      return "sendmail";
    case Door::bounce:
      return "bounce";
  }
  return "unknown";
}

std::string_view to_string(EventType type) {
  switch (type) {
    case EventType::accepted:
      return "accepted";
    case EventType::attempted:
      return "attempted";
    case EventType::sent:
      return "sent";
    case EventType::deferred:
      return "deferred";
    case EventType::bounced:
      return "bounced";
    case EventType::failed:
      return "failed";
    case EventType::held:
      return "held";
    case EventType::released:
      return "released";
    case EventType::retried:
      return "retried";
    case EventType::cancelled:
      return "cancelled";
    case EventType::cancel_requested:
      return "cancel_requested";
    case EventType::expired:
      return "expired";
    case EventType::suppressed:
      return "suppressed";
    case EventType::interrupted:
      return "interrupted";
    case EventType::revived:
      return "revived";
    case EventType::delivered:
      return "delivered";
    case EventType::opened:
      return "opened";
    case EventType::clicked:
      return "clicked";
    case EventType::complained:
      return "complained";
    case EventType::unsubscribed:
      return "unsubscribed";
    case EventType::body_removed:
      return "body_removed";
    case EventType::quarantined:
      return "quarantined";
    case EventType::rescheduled:
      return "rescheduled";
    case EventType::notified:
      return "notified";
    case EventType::upstream_opened:
      return "upstream_opened";
    case EventType::upstream_closed:
      return "upstream_closed";
    case EventType::upstream_paused:
      return "upstream_paused";
    case EventType::upstream_resumed:
      return "upstream_resumed";
    case EventType::upstream_preferred:
      return "upstream_preferred";
    case EventType::upstream_promoted:
      return "upstream_promoted";
    case EventType::upstream_rolled_back:
      return "upstream_rolled_back";
    case EventType::processed:
      return "processed";
  }
  return "unknown";
}

}  // namespace postrider
