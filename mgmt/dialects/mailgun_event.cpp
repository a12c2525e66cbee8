#include "mgmt/dialects/mailgun_event.h"

#include <boost/json/array.hpp>

namespace postrider::mgmt {

namespace {

namespace json = boost::json;

constexpr int kSuppressedCode = 605;  // what Mailgun says of addresses on its own list

// Of a failure or a hand-over.
json::object delivery_status(const Event& event, const Recipient& recipient) {
  const Reason& reason = event.reason;
  const int code = event.type == EventType::suppressed && reason.code == 0 ? kSuppressedCode : reason.code;
  json::object status{{"code", code}, {"message", reason.text}, {"description", ""}};
  if (!reason.enhanced.empty()) status["enhanced-code"] = reason.enhanced;
  if (event.type == EventType::sent && !recipient.upstream.empty())
    status["description"] = "taken by upstream " + recipient.upstream;
  return status;
}

std::string recipients_text(const MessageRecord& message) {
  std::string text;
  for (const Recipient& recipient : message.recipients) {
    if (!text.empty()) text += ", ";
    text += recipient.address.str();
  }
  return text;
}

// Without the angle brackets.
std::string message_id(const MessageRecord& message) {
  const std::string& header = message.envelope.message_id_header;
  return header.size() > 2 && header.front() == '<' ? header.substr(1, header.size() - 2) : header;
}

std::string_view log_level(const MailgunEvent& kind) {
  if (kind.severity.empty()) return "info";
  return kind.severity == "temporary" ? "warn" : "error";
}

json::object message_json(const MailgunEvent& kind, const MessageRecord& message) {
  const Envelope& envelope = message.envelope;
  json::object out{{"headers", json::object{{"to", recipients_text(message)},
                                            {"message-id", message_id(message)},
                                            {"from", envelope.sender.str()},
                                            {"subject", envelope.subject}}},
                   {"attachments", json::array()},
                   {"size", message.body_size}};
  if (kind.name == "accepted") {
    json::array recipients;
    for (const Recipient& recipient : message.recipients) recipients.emplace_back(recipient.address.str());
    out["recipients"] = std::move(recipients);
  }
  return out;
}

}  // namespace

std::optional<MailgunEvent> mailgun_event(EventType type) {
  switch (type) {
    case EventType::accepted:
      return MailgunEvent{"accepted", {}, {}};
    case EventType::sent:
      return MailgunEvent{"delivered", {}, {}};
    case EventType::deferred:
      return MailgunEvent{"failed", "temporary", "generic"};
    case EventType::bounced:
      return MailgunEvent{"failed", "permanent", "bounce"};
    case EventType::failed:
      return MailgunEvent{"failed", "permanent", "old"};
    case EventType::expired:
      return MailgunEvent{"failed", "permanent", "generic"};
    case EventType::suppressed:
      return MailgunEvent{"failed", "permanent", "suppress-bounce"};
    case EventType::cancelled:
      return MailgunEvent{"rejected", {}, {}};
    case EventType::opened:
      return MailgunEvent{"opened", {}, {}};
    case EventType::clicked:
      return MailgunEvent{"clicked", {}, {}};
    case EventType::complained:
      return MailgunEvent{"complained", {}, {}};
    case EventType::unsubscribed:
      return MailgunEvent{"unsubscribed", {}, {}};
    case EventType::attempted:
    case EventType::held:
    case EventType::released:
    case EventType::retried:
    case EventType::cancel_requested:
    case EventType::interrupted:
    case EventType::revived:
    case EventType::processed:
    case EventType::delivered:  // the provider says again what `sent` said: one "delivered" for each recipient
    case EventType::body_removed:
    case EventType::quarantined:
    case EventType::rescheduled:
    case EventType::notified:
    case EventType::upstream_opened:
    case EventType::upstream_closed:
    case EventType::upstream_paused:
    case EventType::upstream_resumed:
    case EventType::upstream_preferred:
    case EventType::upstream_promoted:
    case EventType::upstream_rolled_back:
      return std::nullopt;
  }
  return std::nullopt;
}

std::vector<std::string> mailgun_values(MailgunField field, const MailgunEvent& kind, const MessageRecord& message,
                                        std::uint32_t recipient) {
  switch (field) {
    case MailgunField::event:
      return {std::string(kind.name)};
    case MailgunField::recipient:
      return {message.recipients[recipient].address.str()};
    case MailgunField::from:
      return {message.envelope.sender.str()};
    case MailgunField::to:
      return {recipients_text(message)};
    case MailgunField::subject:
      return {message.envelope.subject};
    case MailgunField::message_id:
      return {message_id(message)};
    case MailgunField::tags:
      return message.envelope.tags;
    case MailgunField::severity:
      return {std::string(kind.severity)};
  }
  return {};
}

json::object mailgun_item(const MailgunEvent& kind, const Event& event, const MessageRecord& message,
                          std::uint32_t recipient) {
  const Envelope& envelope = message.envelope;
  const Recipient& whom = message.recipients[recipient];
  json::object variables;
  for (const auto& [name, value] : envelope.metadata) variables[name] = value;
  json::object item{{"id", std::to_string(event.seq) + "-" + std::to_string(recipient)},
                    {"event", kind.name},
                    {"timestamp", static_cast<double>(to_ms(event.at)) / 1000},
                    {"log-level", log_level(kind)},
                    {"recipient", whom.address.str()},
                    {"recipient-domain", whom.address.domain},
                    {"method", envelope.door == Door::http ? "http" : "smtp"},
                    {"tags", json::array(envelope.tags.begin(), envelope.tags.end())},
                    {"user-variables", std::move(variables)},
                    {"flags", json::object{{"is-routed", false},
                                           {"is-authenticated", !envelope.tenant.empty()},
                                           {"is-system-test", false},
                                           {"is-test-mode", envelope.capture_only}}},
                    {"envelope", json::object{{"sender", envelope.sender.str()}, {"targets", whom.address.str()}}},
                    {"message", message_json(kind, message)}};
  if (!kind.severity.empty()) {
    item["severity"] = kind.severity;
    item["reason"] = kind.reason;
  }
  if (kind.name == "failed" || kind.name == "delivered") item["delivery-status"] = delivery_status(event, whom);
  if (kind.name == "rejected")
    item["reject"] = json::object{{"reason", "cancelled"}, {"description", event.reason.text}};
  return item;
}

}  // namespace postrider::mgmt
