#include "storage/report_rules.h"

#include <algorithm>
#include <string_view>

#include "core/ascii.h"
#include "core/notice.h"
#include "storage/mailbox_key.h"
#include "storage/record_changes.h"

namespace postrider::storage {
namespace {

bool is_reported(EventType type) {
  constexpr EventType kReported[] = {EventType::processed,  EventType::delivered,   EventType::deferred,
                                     EventType::bounced,    EventType::opened,      EventType::clicked,
                                     EventType::complained, EventType::unsubscribed};
  return std::find(std::begin(kReported), std::end(kReported), type) != std::end(kReported);
}

// Who takes what is being handed over, the intended upstream or another one after it, only the settlement will say.
bool is_meant(const Recipient& recipient, const Report& report, std::string_view wanted) {
  const bool sending = recipient.state == RecipientState::sending;
  if (!sending && recipient.upstream != report.upstream) return false;
  if (!report.recipient.empty()) return mailbox_key(recipient.address) == wanted;
  if (sending) return true;
  if (report.provider_id.empty()) return !recipient.remote_id.empty();
  return recipient.provider_id && recipient.remote_id == report.provider_id;
}

std::vector<std::uint32_t> recipients_meant(const MessageRecord& record, const Report& report) {
  std::string wanted;
  if (!report.recipient.empty()) {
    const auto key = mailbox_key(report.recipient);
    wanted = key ? *key : lowered(report.recipient);
  }
  std::vector<std::uint32_t> meant;
  for (std::uint32_t i = 0; i < record.recipients.size(); ++i)
    if (is_meant(record.recipients[i], report, wanted)) meant.push_back(i);
  return meant;
}

Event report_event(const MessageRecord& record, std::uint32_t recipient, const Report& report, Time now) {
  Event event = make_event(record, report.type, report.at == Time{} ? now : std::min(report.at, now));
  event.recipient = recipient;
  event.reason = report.reason;
  event.reason.text = sanitize_reason_text(report.reason.text);
  event.upstream = report.upstream;
  event.report = report.key;
  return event;
}

std::optional<RecipientState> next_state(const Recipient& recipient, EventType type) {
  const auto trigger = trigger_of_report(type);
  return trigger ? transition(recipient.state, *trigger) : std::nullopt;
}

void move(const Envelope& envelope, Recipient& recipient, const Event& event, const Report& report, Time now) {
  const auto next = next_state(recipient, event.type);
  if (!next) return;
  recipient.reason = event.reason;
  arrive(recipient, *next, now);
  if (!report.notify_sender || *next != RecipientState::bounced) return;
  recipient.owed = notice_owed(envelope, recipient, false, now);
}

}  // namespace

void KnownReports::add(const Event& event) {
  if (event.report != 0) reports_.emplace(event.report, Whose{event.recipient, event.upstream});
}

bool KnownReports::has(const Report& report, std::uint32_t recipient) const {
  const auto [begin, end] = reports_.equal_range(report.key);
  return std::any_of(begin, end, [&](const auto& known) {
    return known.second.recipient == recipient && known.second.upstream == report.upstream;
  });
}

std::optional<Trigger> trigger_of_report(EventType type) {
  if (type == EventType::delivered) return Trigger::confirm_delivery;
  if (type == EventType::bounced) return Trigger::report_bounce;
  return std::nullopt;
}

bool is_history_full(const MessageRecord& record, EventType type) {
  const bool is_rare = type == EventType::complained || type == EventType::unsubscribed;
  return record.history.size() >= kMaxHistoryToReport * (is_rare ? 2 : 1);
}

Fault history_is_full(const MessageRecord& record) {
  return invalid("the history of " + record.id.str() + " has " + std::to_string(record.history.size()) +
                 " entries: no report is added to it that changes nothing");
}

result<Nothing> check_report(const Report& report) {
  if (report.key == 0) return invalid("a report needs a key");
  if (!is_reported(report.type))
    return invalid("the event " + std::string(to_string(report.type)) + " is not one that a provider reports");
  return Nothing{};
}

result<std::vector<Event>> report_record(MessageRecord& record, const Report& report, KnownReports& known, Time now) {
  std::vector<std::uint32_t> meant = recipients_meant(record, report);
  if (meant.empty())
    return Fault{FaultKind::not_found, "no recipient of " + record.id.str() + " that " + report.upstream +
                                           " took is meant by what it reports"};
  const auto is_sending = [&](std::uint32_t i) { return record.recipients[i].state == RecipientState::sending; };
  if (std::any_of(meant.begin(), meant.end(), is_sending))
    return Fault{FaultKind::conflict, "a recipient of " + record.id.str() + " is still sending"};
  meant.erase(std::remove_if(meant.begin(), meant.end(), [&](std::uint32_t i) { return known.has(report, i); }),
              meant.end());
  if (!meant.empty() && is_history_full(record, report.type)) {
    const auto stays = [&](std::uint32_t i) { return !next_state(record.recipients[i], report.type); };
    meant.erase(std::remove_if(meant.begin(), meant.end(), stays), meant.end());
    if (meant.empty()) return history_is_full(record);
  }
  std::vector<Event> events;
  for (const std::uint32_t i : meant) {
    events.push_back(report_event(record, i, report, now));
    known.add(events.back());
    move(record.envelope, record.recipients[i], events.back(), report, now);
  }
  return events;
}

}  // namespace postrider::storage
