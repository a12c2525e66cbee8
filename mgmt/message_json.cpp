#include "mgmt/message_json.h"

#include "mgmt/json_values.h"
#include "mgmt/reason_text.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;

json::value reason_json(const Reason& reason) {
  if (reason == Reason{}) return nullptr;
  return json::object{{"cause", to_string(reason.cause)},
                      {"stage", to_string(reason.stage)},
                      {"code", code_or_null(reason.code)},
                      {"enhanced_code", text_or_null(reason.enhanced)},
                      {"text", text_or_null(reason.text)}};
}

bool waits_for_time(RecipientState state) {
  return state == RecipientState::queued || state == RecipientState::deferred;
}

std::string address_text(const Address& address) {
  return address.str();
}

json::value recipient_address(const MessageRecord& message, std::uint32_t index) {
  if (index >= message.recipients.size()) return nullptr;
  return json::value(address_text(message.recipients[index].address));
}

json::object to_json(const Recipient& recipient) {
  return {{"address", address_text(recipient.address)},
          {"redirected_from", text_or_null(recipient.redirected_from)},
          {"state", to_string(recipient.state)},
          {"tries", recipient.tries},
          {"next_try_at", time_or_null(waits_for_time(recipient.state) ? recipient.due : kNever)},
          {"changed_at", time_or_null(recipient.changed_at)},
          {"reason", text_or_null(reason_sentence(recipient.reason))},
          {"reason_detail", reason_json(recipient.reason)},
          {"upstream", text_or_null(recipient.upstream)},
          {"remote_id", text_or_null(recipient.remote_id)},
          {"provider_id", text_or_null(recipient.provider_id ? recipient.remote_id : "")},
          {"cancel_requested", recipient.cancel_requested},
          {"hold_requested", recipient.hold_requested}};
}

json::object metadata_json(const Envelope& envelope) {
  json::object metadata;
  for (const auto& [name, value] : envelope.metadata) metadata[name] = value;
  return metadata;
}

// What the submitter asked for instead of the configured retries; null: nothing.
json::value retry_json(const MessageRetry& retry) {
  if (retry == MessageRetry{}) return nullptr;
  return json::object{{"retries", retry.retries ? json::value(*retry.retries) : json::value(nullptr)},
                      {"interval", text_or_null(retry.interval ? format_duration(*retry.interval) : "")}};
}

json::object to_json(const Event& event, const MessageRecord& message) {
  return {{"seq", event.seq},
          {"type", to_string(event.type)},
          {"at", format_rfc3339(event.at)},
          {"recipient", recipient_address(message, event.recipient)},
          {"reason", text_or_null(reason_sentence(event.reason))},
          {"reason_detail", reason_json(event.reason)},
          {"actor", text_or_null(event.actor)},
          {"upstream", text_or_null(event.upstream)}};
}

json::object to_json(const RecipientOutcome& outcome, const MessageRecord& message) {
  return {{"address", recipient_address(message, outcome.recipient)},
          {"outcome", to_string(outcome.kind)},
          {"code", code_or_null(outcome.reason.code)},
          {"enhanced_code", text_or_null(outcome.reason.enhanced)},
          {"text", text_or_null(outcome.reason.text)}};
}

}  // namespace

json::array tags_json(const Envelope& envelope) {
  json::array tags;
  for (const std::string& tag : envelope.tags) tags.emplace_back(tag);
  return tags;
}

json::object to_json(const MessageRecord& message) {
  json::array recipients;
  recipients.reserve(message.recipients.size());
  for (const Recipient& recipient : message.recipients) recipients.emplace_back(to_json(recipient));
  const Envelope& envelope = message.envelope;
  return {{"id", message.id.str()},
          {"state", to_string(message.state())},
          {"sender", address_text(envelope.sender)},
          {"created_at", format_rfc3339(envelope.created_at)},
          {"next_try_at", time_or_null(message.due())},
          {"subject", text_or_null(envelope.subject)},
          {"message_id", text_or_null(envelope.message_id_header)},
          {"size", message.body_size},
          {"body", message.body == BodyState::present ? "present" : "removed"},
          {"lane", to_string(envelope.lane)},
          {"tags", tags_json(envelope)},
          {"metadata", metadata_json(envelope)},
          {"batch", envelope.batch.is_nil() ? json::value(nullptr) : json::value(envelope.batch.str())},
          {"expires_at", time_or_null(envelope.expires_at)},
          {"retry", retry_json(envelope.retry)},
          {"capture_only", envelope.capture_only},
          {"door", to_string(envelope.door)},
          {"tenant", text_or_null(envelope.tenant)},
          {"client", text_or_null(envelope.client)},
          {"helo", text_or_null(envelope.helo)},
          {"envid", text_or_null(envelope.envid)},
          {"recipients", std::move(recipients)}};
}

json::object to_json(const MessageRecord& message, const std::vector<Event>& history) {
  json::array attempts, events;
  for (const Event& event : history) {
    events.emplace_back(to_json(event, message));
    if (event.attempt) attempts.emplace_back(to_json(*event.attempt, message));
  }
  json::object out = to_json(message);
  out["attempts"] = std::move(attempts);
  out["events"] = std::move(events);
  return out;
}

json::object to_json(const Attempt& attempt, const MessageRecord& message) {
  json::array recipients;
  for (const RecipientOutcome& outcome : attempt.recipients) recipients.emplace_back(to_json(outcome, message));
  return {{"upstream", attempt.upstream},
          {"why", text_or_null(attempt.why)},
          {"peer", text_or_null(attempt.peer)},
          {"tls", text_or_null(attempt.tls)},
          {"started_at", format_rfc3339(attempt.started_at)},
          {"duration_ms", attempt.duration_ms},
          {"stage", to_string(attempt.stage)},
          {"outcome", to_string(attempt.outcome)},
          {"cause", to_string(attempt.reason.cause)},
          {"code", code_or_null(attempt.reason.code)},
          {"enhanced_code", text_or_null(attempt.reason.enhanced)},
          {"text", text_or_null(attempt.reason.text)},
          {"remote_id", text_or_null(attempt.remote_id)},
          {"provider_id", text_or_null(attempt.provider_id ? attempt.remote_id : "")},
          {"counted", attempt.counted},
          {"lossy", attempt.lossy},
          {"recipients", std::move(recipients)}};
}

json::object to_json(const storage::SpoolStats& stats) {
  json::object messages;
  for (int i = 0; i < kRecipientStates; ++i) messages[to_string(RecipientState(i))] = stats.messages[i];
  return {{"messages", std::move(messages)},
          {"live_messages", stats.live_messages},
          {"live_bytes", stats.live_bytes},
          {"finished_bytes", stats.finished_bytes},
          {"high_water_bytes", stats.high_water_bytes},
          {"max_bytes", stats.max_bytes},
          {"file_bytes", stats.file_bytes},
          {"quarantined", stats.quarantined},
          {"oldest_due_at", time_or_null(from_ms(static_cast<std::int64_t>(stats.oldest_due_ms)))},
          {"last_seq", stats.last_seq},
          {"epoch", stats.epoch},
          {"accepting", stats.accepting},
          {"can_settle", stats.can_settle},
          {"trouble", text_or_null(stats.trouble)}};
}

json::object feed_json(const Event& event, const MessageRecord* message) {
  const MessageRecord unknown;
  json::object out = to_json(event, message ? *message : unknown);
  const bool of_upstream = is_upstream_event(event.type);
  out["message"] = of_upstream ? json::value(nullptr) : json::value(event.message.str());
  out["sender"] = message ? json::value(address_text(message->envelope.sender)) : json::value(nullptr);
  out["attempt"] =
      event.attempt ? json::value(to_json(*event.attempt, message ? *message : unknown)) : json::value(nullptr);
  return out;
}

json::object list_json(const storage::ListPage& page) {
  json::array messages;
  messages.reserve(page.messages.size());
  for (const MessageRecord& message : page.messages) messages.emplace_back(to_json(message));
  return {{"messages", std::move(messages)},
          {"next", page.next ? json::value(page.next->str()) : json::value(nullptr)}};
}

}  // namespace postrider::mgmt
