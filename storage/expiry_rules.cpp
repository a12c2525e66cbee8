#include "storage/expiry_rules.h"

#include <algorithm>

#include "core/notice.h"
#include "storage/record_changes.h"

namespace postrider::storage {

namespace {

bool failed_by_route(const Recipient& recipient) {
  return recipient.state == RecipientState::failed && recipient.failed_by_route;
}

Reason time_over(Time expires_at) {
  Reason reason;
  reason.cause = Cause::policy;
  reason.text = "its time to live ended at " + format_rfc3339(expires_at);
  return reason;
}

}  // namespace

// ---- time to live -------------------------------------------------------------------------------------------------

bool time_is_over(const Envelope& envelope, Time now) {
  return envelope.expires_at <= now;
}

std::optional<Time> expiry_time(const MessageRecord& record) {
  if (record.envelope.expires_at == kNever) return std::nullopt;
  const bool waits = std::any_of(record.recipients.begin(), record.recipients.end(), [](const Recipient& recipient) {
    return transition(recipient.state, Trigger::expire).has_value();
  });
  return waits ? std::optional(record.envelope.expires_at) : std::nullopt;
}

bool expire_recipient(const Envelope& envelope, Recipient& recipient, Time now) {
  const auto next = transition(recipient.state, Trigger::expire);
  if (!next) return false;
  recipient.reason = time_over(envelope.expires_at);
  arrive(recipient, *next, now);
  return true;
}

ExpireResult expire_record(MessageRecord& record, const ExpireRequest& request) {
  ExpireResult answer;
  if (!time_is_over(record.envelope, request.now)) return answer;
  for (std::uint32_t i = 0; i < record.recipients.size(); ++i) {
    Recipient& recipient = record.recipients[i];
    if (!expire_recipient(record.envelope, recipient, request.now)) continue;
    if (request.notify_sender) recipient.owed = notice_owed(record.envelope, recipient, false, request.now);
    answer.events.push_back(recipient_event(record, i, EventType::expired, request.now));
  }
  if (answer.events.empty()) return answer;
  say_once(answer.events, 0, record);
  answer.body_may_go = end_body(record, request.remove_body);
  return answer;
}

// ---- revival ------------------------------------------------------------------------------------------------------

bool revivable(const MessageRecord& record) {
  return record.body == BodyState::present &&
         std::any_of(record.recipients.begin(), record.recipients.end(), failed_by_route);
}

std::vector<Event> revive_record(MessageRecord& record, const ReviveRequest& request) {
  std::vector<Event> events;
  if (!revivable(record) || time_is_over(record.envelope, request.now)) return events;
  for (std::uint32_t i = 0; i < record.recipients.size(); ++i) {
    Recipient& recipient = record.recipients[i];
    if (!failed_by_route(recipient) || request.now - recipient.age_from >= request.max_age) continue;
    arrive(recipient, transition(recipient.state, Trigger::revive).value(), request.now);
    recipient.reason = request.reason;
    recipient.tries = 0;
    recipient.due = request.now;
    recipient.remote_id.clear();
    recipient.provider_id = false;
    recipient.failed_by_route = false;
    recipient.owed = Notice::none;  // of a failure that is taken back before it was told
    events.push_back(recipient_event(record, i, EventType::revived, request.now));
  }
  if (events.empty()) return events;
  say_once(events, 0, record);
  record.wait_bucket = 0;
  return events;
}

// ---- providers' ids -----------------------------------------------------------------------------------------------

bool known_as(const MessageRecord& record, std::string_view upstream, std::string_view provider_id) {
  return std::any_of(record.recipients.begin(), record.recipients.end(), [&](const Recipient& recipient) {
    return recipient.provider_id && recipient.upstream == upstream && recipient.remote_id == provider_id;
  });
}

}  // namespace postrider::storage
