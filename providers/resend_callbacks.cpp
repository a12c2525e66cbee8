// Resend's event callbacks: one event in JSON, signed as Svix signs (Standard Webhooks 1.0). Of a mail to several recipients there is
// an event for each of them, and none says for which. https://resend.com/docs/webhooks/introduction, https://docs.svix.com/receiving
#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "providers/callback_parts.h"
#include "providers/hmac.h"
#include "providers/ses_parts.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

constexpr std::string_view kVendor = "https://api.resend.com";

struct Kind {
  std::string_view name;  // of the event and of the hook
  EventType type;
  std::string_view member;  // of data: what is special to it; empty: nothing
  std::string_view text;    // of that
  // Of a recipient and it moves its state: where it is not known which one, the event is only told.
  bool of_one = false;
};
constexpr std::array<Kind, 9> kKinds = {{{"email.sent", EventType::processed, "", ""},
                                         {"email.delivered", EventType::delivered, "", "", true},
                                         {"email.delivery_delayed", EventType::deferred, "", ""},
                                         {"email.bounced", EventType::bounced, "bounce", "message", true},
                                         {"email.suppressed", EventType::bounced, "suppressed", "message", true},
                                         {"email.failed", EventType::bounced, "failed", "reason"},
                                         {"email.complained", EventType::complained, "", ""},
                                         {"email.opened", EventType::opened, "", ""},
                                         {"email.clicked", EventType::clicked, "click", "link"}}};

// ---- signature ------------------------------------------------------------------------------------------------------

// "whsec_" and the key in base64.
std::optional<std::string> key_of(std::string_view secret) {
  constexpr std::string_view kPrefix = "whsec_";
  if (secret.starts_with(kPrefix)) secret.remove_prefix(kPrefix.size());
  return base64_octets(secret);
}

// One of several, parted by blanks, so that keys can be changed: "v1,<base64> v1,<base64>".
bool has_signature(std::string_view list, std::string_view expected) {
  bool found = false;
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(' '));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
    found = same_secret(one, expected) || found;
  }
  return found;
}

// Svix sends its own names, Standard Webhooks others.
std::string_view field_of(const Callback& callback, std::string_view name) {
  const std::string_view own = header_of(callback, "svix-" + std::string(name));
  return own.empty() ? header_of(callback, "webhook-" + std::string(name)) : own;
}

Verdict verify(const UpstreamConfig& upstream, const Callback& callback, std::string_view, Time now) {
  const std::optional<std::string> key = key_of(upstream.webhook_secret);
  if (!key || key->empty())
    return {Authenticity::unconfigured, "webhook_secret is not set to a signing secret: its callbacks are refused"};
  const std::string_view id = field_of(callback, "id"), timestamp = field_of(callback, "timestamp");
  const std::optional<Time> signed_at = epoch_seconds(timestamp);
  if (id.empty() || id.find('.') != std::string_view::npos || !signed_at)
    return {Authenticity::forged, "the callback is not signed"};
  std::string text(id);
  text.append(".").append(timestamp).append(".").append(callback.body);
  if (!has_signature(field_of(callback, "signature"), "v1," + base64(hmac_sha256(*key, text))))
    return {Authenticity::forged, "the callback's signature is not made with webhook_secret"};
  return fresh(*signed_at, now);
}

// ---- events ---------------------------------------------------------------------------------------------------------

// Documented as a list of {name, value}, sent as an object.
std::string tag_of(const json::value& data, std::string_view name) {
  for (const json::value& tag : array_at(data, "tags"))
    if (text_at(tag, "name") == name) return id_at(tag, "value");
  return id_at(value_at(data, "tags"), name);
}

// "Name <user@example.com>" or the address alone.
std::string address_of(const json::value& mailbox) {
  std::string text = id_at(json::object{{"to", mailbox}}, "to");
  if (!text.ends_with('>')) return text;
  text.pop_back();
  return text.substr(text.rfind('<') + 1);
}

Reason reason_of(const Kind& kind, const json::value& data) {
  const json::value& detail = value_at(data, kind.member);
  const json::array& diagnostics = array_at(detail, "diagnosticCode");
  const bool has_diagnostic = !diagnostics.empty() && diagnostics.front().is_string();
  Reason reason = bounce_reason(kind.type, {text_at(detail, "type"), text_at(detail, "subType"), "",
                                            has_diagnostic ? std::string_view(diagnostics.front().get_string()) : "",
                                            text_at(detail, kind.text)});
  if (kind.member == "failed") reason.cause = Cause::route;  // quota, key, domain: nothing is wrong with the mail
  return reason;
}

// What is true of one recipient, nobody knows which, must move the state of none.
void doubt(ReportedEvent& event, const Kind& kind, std::int64_t recipients) {
  if (kind.type == EventType::processed || kind.member == "failed") return;  // of the whole mail
  std::string text = "one of " + std::to_string(recipients) + " recipients, Resend does not say which";
  if (kind.of_one) {
    text.insert(0, std::string(kind.name) + " for ");
    if (!event.reason.text.empty()) text.append(": ").append(event.reason.text);
    event.type = EventType::processed;
    event.reason.cause = Cause::none;
  }
  if (kind.of_one || event.reason.text.empty()) event.reason.text = sanitize_reason_text(text);
}

result<CallbackReading> read(const UpstreamConfig&, const Callback& callback, Time now) {
  const result<json::value> body = parse_callback(callback.body);
  if (!body) return body.error();
  if (!body->is_object()) return invalid("the callback is not an event");
  CallbackReading reading;
  const std::string_view name = text_at(*body, "type");
  const auto* kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& one) { return one.name == name; });
  const json::value& data = value_at(*body, "data");
  ReportedEvent event;
  event.message = tag_of(data, "postrider_id");
  event.provider_id = id_at(data, "email_id");
  if (kind == kKinds.end() || (event.message.empty() && event.provider_id.empty())) {
    reading.ignored = 1;
    return reading;
  }
  event.type = kind->type;
  event.at = rfc3339_at(*body, "created_at", now);
  event.reason = reason_of(*kind, data);
  event.key = field_of(callback, "id");  // the same when it is sent again
  // Our tag counts those in Cc and Bcc too, whom `to` does not name.
  const json::array& to = array_at(data, "to");
  const std::int64_t tagged = number_at(json::object{{"n", tag_of(data, "postrider_recipients")}}, "n").value_or(1);
  const std::int64_t recipients = std::max<std::int64_t>(tagged, static_cast<std::int64_t>(to.size()));
  if (recipients == 1 && to.size() == 1) event.recipient = address_of(to.front());
  if (recipients > 1) doubt(event, *kind, recipients);
  reading.events.push_back(std::move(event));
  return reading;
}

// ---- registration ---------------------------------------------------------------------------------------------------

constexpr std::size_t kMaxHooks = 100;  // of a page, and more than an account may have

Headers fields_of(const UpstreamConfig& upstream) {
  return {{"Authorization", "Bearer " + upstream.api_key}, {"Content-Type", "application/json"}};
}

bool has_event(const json::array& events, std::string_view event) {
  return std::find(events.begin(), events.end(), json::string_view(event)) != events.end();
}

result<Request> build_hook_list(const UpstreamConfig& upstream, Time) {
  return Request{"GET", api_base(upstream, kVendor) + "/webhooks?limit=" + std::to_string(kMaxHooks),
                 fields_of(upstream), ""};
}

result<std::vector<HookChange>> plan_hooks(const UpstreamConfig& upstream, const Answer& list, std::string_view url,
                                           Time) {
  if (!is_hook_url(url)) return invalid("\"" + sanitize_reason_text(url) + "\" is not a URL for callbacks");
  const json::value answer = json_of(list);
  if (list.status != 200 || !value_at(answer, "data").is_array()) return invalid("Resend did not list its webhooks");
  const json::array& hooks = array_at(answer, "data");
  const auto* hook = std::find_if(hooks.begin(), hooks.end(), [&](const json::value& one) {
    return text_at(one, "endpoint") == url && !id_at(one, "id").empty();
  });
  if (hook == hooks.end() && flag_at(answer, "has_more"))
    return invalid("there are more than " + std::to_string(kMaxHooks) + " webhooks, and none of the first is this one");
  const bool is_new = hook == hooks.end();
  json::array events = is_new ? json::array() : array_at(*hook, "events");
  const std::size_t had = events.size();
  for (const Kind& kind : kKinds)
    if (!has_event(events, kind.name)) events.emplace_back(kind.name);
  const bool stands = !is_new && events.size() == had && text_at(*hook, "status") == "enabled";
  std::vector<HookChange> changes;
  if (stands) return changes;
  const std::string all = api_base(upstream, kVendor) + "/webhooks";
  json::object wanted{{"endpoint", url}, {"events", std::move(events)}};
  if (!is_new) wanted.emplace("status", "enabled");
  Request request{"POST", all, fields_of(upstream), json::serialize(wanted)};
  if (!is_new) {
    request.method = "PATCH";
    request.url = all + "/" + percent_encoded(id_at(*hook, "id"));
  }
  changes.push_back({std::move(request), is_new ? "register a webhook for all events" : "renew the webhook"});
  return changes;
}

Reading read_hook(const Answer& answer, Time now, std::string& note) {
  const json::value value = json_of(answer);
  Reading reading = reading_of_hook(answer, text_at(value, "message"), now);
  const std::string secret = id_at(value, "signing_secret");
  if (reading.kind == OutcomeKind::sent && !secret.empty()) note = "webhook_secret = \"" + secret + "\"";
  return reading;
}

}  // namespace

constexpr Callbacks resend_callbacks{UpstreamType::resend, nullptr,    verify,   read,
                                     build_hook_list,      plan_hooks, read_hook};

}  // namespace postrider::providers
