// SendGrid's event callbacks: an array of events in JSON, signed with ECDSA over the time and the body. An account's hooks are objects
// with a switch for each event. https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <memory>
#include <vector>

#include "providers/callback_parts.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

constexpr std::string_view kVendor = "https://api.sendgrid.com";
constexpr std::string_view kSettings = "/v3/user/webhooks/event/settings";
// Repeated for 24 hours, and it is not documented that a repetition is signed anew.
constexpr Duration kMaxAge = std::chrono::hours(25);

// Of a hook: the events that read() understands.
constexpr std::array<std::string_view, 10> kSwitches = {
    "processed", "delivered", "deferred",    "bounce",      "dropped",
    "open",      "click",     "spam_report", "unsubscribe", "group_unsubscribe"};

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

// As SendGrid shows it: base64 of a SubjectPublicKeyInfo (RFC 5280 4.1) in DER. Null: it is none of an elliptic curve.
Key public_key(std::string_view text) {
  const std::optional<std::string> der = base64_octets(text);
  if (!der) return nullptr;
  const auto* octets = reinterpret_cast<const unsigned char*>(der->data());
  Key key(d2i_PUBKEY(nullptr, &octets, static_cast<long>(der->size())));
  return key && EVP_PKEY_is_a(key.get(), "EC") == 1 ? std::move(key) : nullptr;
}

bool is_signed(EVP_PKEY* key, std::string_view timestamp, std::string_view body, std::string_view signature) {
  const std::unique_ptr<EVP_MD_CTX, FreeKey> context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerifyUpdate(context.get(), timestamp.data(), timestamp.size()) == 1 &&
         EVP_DigestVerifyUpdate(context.get(), body.data(), body.size()) == 1 &&
         EVP_DigestVerifyFinal(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                               signature.size()) == 1;
}

Verdict verify(const UpstreamConfig& upstream, const Callback& callback, std::string_view, Time now) {
  if (upstream.webhook_public_key.empty())
    return {Authenticity::unconfigured, "webhook_public_key is not set: its callbacks are refused"};
  const Key key = public_key(upstream.webhook_public_key);
  if (!key) return {Authenticity::unconfigured, "webhook_public_key is not a public key as SendGrid shows it"};
  const std::string_view timestamp = header_of(callback, "x-twilio-email-event-webhook-timestamp");
  const std::optional<Time> signed_at = epoch_seconds(timestamp);
  const std::optional<std::string> signature =
      base64_octets(header_of(callback, "x-twilio-email-event-webhook-signature"));
  if (!signed_at || !signature || signature->empty()) return {Authenticity::forged, "the callback is not signed"};
  if (!is_signed(key.get(), timestamp, callback.body, *signature))
    return {Authenticity::forged, "the callback's signature does not fit webhook_public_key"};
  return fresh(*signed_at, now, kMaxAge);
}

std::optional<EventType> type_of(std::string_view event) {
  if (event == "processed") return EventType::processed;
  if (event == "delivered") return EventType::delivered;
  if (event == "deferred") return EventType::deferred;
  if (event == "bounce" || event == "dropped") return EventType::bounced;
  if (event == "open") return EventType::opened;
  if (event == "click") return EventType::clicked;
  if (event == "spamreport") return EventType::complained;
  if (event == "unsubscribe" || event == "group_unsubscribe") return EventType::unsubscribed;
  return std::nullopt;
}

// Why it was dropped says whose fault it was.
Cause cause_of_drop(std::string_view reason) {
  if (reason == "Spam Content" || reason == "Invalid SMTPAPI header") return Cause::content;
  if (reason == "Recipient List over Package Quota") return Cause::route;
  return Cause::recipient;
}

Reason reason_of(EventType type, const json::value& event) {
  if (type == EventType::clicked) return reported_reason(type, text_at(event, "url"));
  const std::string_view response = text_at(event, "response"), why = text_at(event, "reason");
  Reason reason = reported_reason(type, response.empty() ? why : response);
  if (text_at(event, "event") == "dropped") reason.cause = cause_of_drop(why);
  if (is_enhanced_code(text_at(event, "status"))) reason.enhanced = text_at(event, "status");
  return reason;
}

// What X-Message-Id said when the message was taken, and the path that it went since: "NhbRmDbOTAG6zkqTpHuYFA.recvd-5645-1.0",
// "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0".
std::string message_id(const std::string& id) {
  return id.substr(0, std::min(id.find(".filter"), id.find(".recv")));
}

// Not sg_event_id, which has been seen to differ in repetitions (sendgrid-nodejs issue 1435).
std::string key_of(const json::value& event, const ReportedEvent& reported) {
  std::string key(text_at(event, "event"));
  for (const std::string& part : {reported.message, id_at(event, "sg_message_id"), reported.recipient,
                                  id_at(event, "timestamp"), std::string(text_at(event, "url"))})
    key.append("\n").append(part);
  return key;
}

std::optional<ReportedEvent> event_of(const json::value& event, Time now) {
  const std::optional<EventType> type = type_of(text_at(event, "event"));
  ReportedEvent reported;
  reported.message = id_at(event, "postrider_id");
  reported.provider_id = message_id(id_at(event, "sg_message_id"));
  reported.recipient = id_at(event, "email");
  // A bounce that comes back by mail has neither id: nobody can say of which message it is.
  if (!type || reported.recipient.empty() || (reported.message.empty() && reported.provider_id.empty()))
    return std::nullopt;
  reported.type = *type;
  reported.at = epoch_at(event, "timestamp", now);
  reported.reason = reason_of(*type, event);
  reported.key = key_of(event, reported);
  return reported;
}

result<CallbackReading> read(const UpstreamConfig&, const Callback& callback, Time now) {
  const result<json::value> body = parse_callback(callback.body);
  if (!body) return body.error();
  const json::array* events = body->if_array();
  if (events == nullptr) return invalid("the callback is not an array of events");
  if (events->size() > kMaxReports) return too_many_reports();
  CallbackReading reading;
  for (const json::value& event : *events) {
    std::optional<ReportedEvent> reported = event_of(event, now);
    if (reported)
      reading.events.push_back(std::move(*reported));
    else
      ++reading.ignored;
  }
  return reading;
}

Request request_of(const UpstreamConfig& upstream, std::string_view method, std::string_view after, std::string body) {
  Request request{std::string(method), api_base(upstream, kVendor), {}, std::move(body)};
  request.url.append(kSettings).append(after);
  request.headers = {{"Authorization", "Bearer " + upstream.api_key},
                     {"Content-Type", "application/json"},
                     {"Accept", "application/json"}};
  return request;
}

result<Request> build_hook_list(const UpstreamConfig& upstream, Time) {
  return request_of(upstream, "GET", "/all", "");
}

const json::value* hook_at(const json::array& hooks, std::string_view url) {
  const auto* hook =
      std::find_if(hooks.begin(), hooks.end(), [&](const json::value& one) { return text_at(one, "url") == url; });
  return hook == hooks.end() ? nullptr : hook;
}

bool sends_all(const json::value& hook) {
  return flag_at(hook, "enabled") &&
         std::all_of(kSwitches.begin(), kSwitches.end(), [&](std::string_view name) { return flag_at(hook, name); });
}

// An id becomes a part of the path.
bool is_path_part(std::string_view id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

json::object wanted(std::string_view url) {
  json::object hook{{"enabled", true}, {"url", url}};
  for (const std::string_view name : kSwitches) hook.emplace(name, true);
  return hook;
}

// Signing can be turned on only for a hook that has an id: one that is made now is signed by the plan that follows.
result<std::vector<HookChange>> plan_hooks(const UpstreamConfig& upstream, const Answer& list, std::string_view url,
                                           Time) {
  const json::value body = json_of(list);
  const json::value& listed = value_at(body, "webhooks");
  if (!listed.is_array()) return invalid("sendgrid's answer is not a list of event webhooks");
  if (!is_hook_url(url)) return invalid("\"" + sanitize_reason_text(url) + "\" is not an address for callbacks");
  const json::value* hook = hook_at(listed.get_array(), url);
  std::vector<HookChange> changes;
  if (hook == nullptr) {
    json::object made = wanted(url);
    made.emplace("friendly_name", "Postrider");
    changes.push_back({request_of(upstream, "POST", "", json::serialize(made)), "register all events"});
    return changes;
  }
  const std::string id = id_at(*hook, "id");
  if (!is_path_part(id)) return invalid("sendgrid's list gives no id for the hook of this address");
  if (!sends_all(*hook))
    changes.push_back({request_of(upstream, "PATCH", "/" + id, json::serialize(wanted(url))), "register all events"});
  if (text_at(*hook, "public_key").empty())
    changes.push_back({request_of(upstream, "PATCH", "/signed/" + id, json::serialize(json::object{{"enabled", true}})),
                       "turn on the signature"});
  return changes;
}

// The key is a public one. A list may have several hooks, each with its own.
void add_note(std::string& note, std::string_view key, std::string_view url) {
  if (key.empty()) return;
  note.append(note.empty() ? "" : "; ").append("webhook_public_key");
  if (!url.empty()) note.append(" for ").append(sanitize_reason_text(url));
  note.append(" is ").append(sanitize_reason_text(key));
}

Reading read_hook(const Answer& answer, Time now, std::string& note) {
  const json::value body = json_of(answer);
  add_note(note, text_at(body, "public_key"), text_at(body, "url"));
  for (const json::value& hook : array_at(body, "webhooks"))
    add_note(note, text_at(hook, "public_key"), text_at(hook, "url"));
  const json::array& errors = array_at(body, "errors");
  return reading_of_hook(answer, errors.empty() ? std::string_view() : text_at(errors.front(), "message"), now);
}

}  // namespace

constexpr Callbacks sendgrid_callbacks{UpstreamType::sendgrid, nullptr,    verify,   read,
                                       build_hook_list,        plan_hooks, read_hook};

}  // namespace postrider::providers
