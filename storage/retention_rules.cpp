#include "storage/retention_rules.h"

#include <algorithm>

#include "core/notice.h"

namespace postrider::storage {

namespace {

bool last_word(const MessageRecord& record, std::uint64_t row) {
  return !record.history.empty() && record.history.back() == row && !record.live();
}

}  // namespace

Time finished_at(const MessageRecord& record) {
  Time last{};
  for (const Recipient& recipient : record.recipients) {
    if (is_live(recipient.state)) return kNever;
    last = std::max(last, recipient.changed_at);
  }
  return last;
}

bool body_wanted(const MessageRecord& record) {
  const bool whole = record.envelope.ret == DsnReturn::full;
  return std::any_of(record.recipients.begin(), record.recipients.end(), [whole](const Recipient& recipient) {
    return recipient.state == RecipientState::failed || recipient.state == RecipientState::suppressed ||
           (whole && recipient.owed == Notice::failed);
  });
}

bool body_expired(const MessageRecord& record, const RetirePolicy& policy, Time now) {
  const Time finished = finished_at(record);
  if (finished == kNever || record.body == BodyState::removed) return false;
  return finished + (body_wanted(record) ? policy.failed_bodies : policy.sent_bodies) <= now;
}

bool history_expired(const MessageRecord& record, const RetirePolicy& policy, Time now) {
  const Time finished = finished_at(record);
  if (finished == kNever || finished + policy.history > now) return false;
  return record.body == BodyState::removed || body_expired(record, policy, now);
}

Event remove_body(MessageRecord& record, Time now, bool notify_sender) {
  record.body = BodyState::removed;
  for (Recipient& recipient : record.recipients) {
    const Notice owed = notice_when_parked_ends(record.envelope, recipient);
    if (notify_sender && owed != Notice::none) recipient.owed = owed;
  }
  Event event;
  event.message = record.id;
  event.type = EventType::body_removed;
  event.at = now;
  return event;
}

Fate history_fate(const MessageRecord& record, std::uint64_t row, const RetireRequest& request, bool crowded) {
  if (!last_word(record, row)) return Fate::pass;
  const bool young = finished_at(record) + request.policy.history > request.now;
  if (!crowded && young) return Fate::stop;
  if (record.owes_notice()) return Fate::pass;  // the notice, or its being forgiven, writes another row
  if (will_owe(record, request)) return crowded ? Fate::body_first : Fate::pass;  // and so does the end of the body
  // A body that is kept for longer gets a row of its own when it goes; unless space runs short before.
  return crowded || history_expired(record, request.policy, request.now) ? Fate::take : Fate::leave;
}

Fate body_fate(const MessageRecord& record, std::uint64_t row, bool wanted, const RetireRequest& request) {
  const bool here = last_word(record, row) && record.body == BodyState::present && body_wanted(record) == wanted;
  if (!here) return Fate::pass;
  return body_expired(record, request.policy, request.now) ? Fate::take : Fate::stop;
}

bool will_owe(const MessageRecord& record, const RetireRequest& request) {
  if (!request.notify_sender || record.body == BodyState::removed) return false;
  return std::any_of(record.recipients.begin(), record.recipients.end(), [&](const Recipient& recipient) {
    return notice_when_parked_ends(record.envelope, recipient) != Notice::none;
  });
}

bool may_end(const Event& last_of_row) {
  if (last_of_row.report != 0) return true;  // whatever a provider says may be its last word
  switch (last_of_row.type) {
    case EventType::accepted:
    case EventType::attempted:
    case EventType::deferred:
    case EventType::held:
    case EventType::released:
    case EventType::retried:
    case EventType::cancel_requested:
    case EventType::interrupted:
    case EventType::revived:
    case EventType::rescheduled:
    case EventType::upstream_opened:  // of no message
    case EventType::upstream_closed:
    case EventType::upstream_paused:
    case EventType::upstream_resumed:
    case EventType::upstream_preferred:
    case EventType::upstream_promoted:
    case EventType::upstream_rolled_back:
      return false;
    case EventType::sent:
    case EventType::bounced:
    case EventType::failed:
    case EventType::cancelled:
    case EventType::expired:
    case EventType::suppressed:
    case EventType::delivered:
    case EventType::opened:
    case EventType::clicked:
    case EventType::complained:
    case EventType::unsubscribed:
    case EventType::processed:
    case EventType::body_removed:
    case EventType::quarantined:
    case EventType::notified:
      return true;
  }
  return true;
}

}  // namespace postrider::storage
