#include "core/notice.h"

namespace postrider {

namespace {

// Never about a notice, and over HTTP only to those who asked: an application reads the history.
bool sender_is_told(const Envelope& envelope, const Recipient& recipient) {
  if (envelope.sender.is_null() || envelope.door == Door::bounce || recipient.notify.never) return false;
  return envelope.door != Door::http || recipient.notify.given();
}

bool wants_failure(const Recipient& recipient) {
  return !recipient.notify.given() || recipient.notify.failure;
}

}  // namespace

Notice notice_owed(const Envelope& envelope, const Recipient& recipient, bool hop_notifies, Time now) {
  if (!sender_is_told(envelope, recipient)) return Notice::none;
  switch (recipient.state) {
    case RecipientState::queued:
    case RecipientState::sending:
    case RecipientState::held:
    case RecipientState::delivered:
    case RecipientState::cancelled:  // by request: whoever asked knows
      return Notice::none;
    case RecipientState::deferred: {
      const bool late = now - recipient.age_from >= kDelayNotice;
      return recipient.notify.delay && late && !recipient.delay_told ? Notice::delayed : Notice::none;
    }
    case RecipientState::sent:
      return recipient.notify.success && !hop_notifies ? Notice::relayed : Notice::none;
    case RecipientState::failed:
      return wants_failure(recipient) && !recipient.failed_by_route ? Notice::failed : Notice::none;
    case RecipientState::bounced:
    case RecipientState::expired:
    case RecipientState::suppressed:
      return wants_failure(recipient) ? Notice::failed : Notice::none;
  }
  return Notice::none;
}

Notice notice_when_parked_ends(const Envelope& envelope, const Recipient& recipient) {
  const bool parked = recipient.state == RecipientState::failed && recipient.failed_by_route;
  return parked && sender_is_told(envelope, recipient) && wants_failure(recipient) ? Notice::failed : Notice::none;
}

}  // namespace postrider
