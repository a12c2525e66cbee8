#include "storage/claim_rules.h"

#include <utility>

#include "core/notice.h"
#include "core/retry.h"
#include "storage/expiry_rules.h"
#include "storage/mailbox_key.h"
#include "storage/record_changes.h"

namespace postrider::storage {
namespace {

bool is_due(const Recipient& recipient, Time now) {
  const bool waits = recipient.state == RecipientState::queued || recipient.state == RecipientState::deferred;
  return waits && recipient.due <= now;
}

bool suppress(const Envelope& envelope, Recipient& recipient, const ClaimRequest& request,
              const FindSuppression& find) {
  const auto entry = find(mailbox_key(recipient.address));
  const auto next = entry ? transition(recipient.state, Trigger::suppress) : std::nullopt;
  if (!next) return false;
  recipient.reason = suppressed_because(*entry);
  arrive(recipient, *next, request.now);
  if (request.notify_sender) recipient.owed = notice_owed(envelope, recipient, false, request.now);
  return true;
}

}  // namespace

ClaimResult claim_record(MessageRecord& record, const ClaimRequest& request, const FindSuppression& find) {
  ClaimResult answer;
  if (time_is_over(record.envelope, request.now)) return answer;
  for (std::uint32_t i = 0; i < record.recipients.size(); ++i) {
    Recipient& recipient = record.recipients[i];
    if (!is_due(recipient, request.now)) continue;
    if (find && suppress(record.envelope, recipient, request, find)) {
      answer.suppressed.push_back(i);
      answer.events.push_back(recipient_event(record, i, EventType::suppressed, request.now));
      continue;
    }
    const auto next = transition(recipient.state, Trigger::claim);
    if (!next) continue;
    arrive(recipient, *next, request.now);
    if (recipient.upstream.empty() || !may_have_been_sent(recipient)) recipient.upstream = request.upstream;
    answer.claimed.push_back(i);
  }
  if (!answer.events.empty()) say_once(answer.events, 0, record);
  return answer;
}

std::vector<Event> claim_new(MessageRecord& record, const Intent& intent, Time now, const FindSuppression& find) {
  return claim_record(record, {record.id, intent.upstream, now, intent.notify_sender}, find).events;
}

}  // namespace postrider::storage
