// Postmark's event callbacks: one event in JSON a request, with the login that the hook was made with; there is no signature. A hook
// belongs to a message stream and has a switch for each event. https://postmarkapp.com/developer/webhooks/webhooks-overview
#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <vector>

#include "providers/callback_parts.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

constexpr std::string_view kVendor = "https://api.postmarkapp.com";
constexpr std::string_view kDefaultStream = "outbound";
constexpr std::string_view kNoMessage = "00000000-0000-0000-0000-000000000000";  // a change that no message caused

constexpr std::array<std::string_view, 6> kTriggers = {"Open",   "Click",         "Delivery",
                                                       "Bounce", "SpamComplaint", "SubscriptionChange"};

Verdict verify(const UpstreamConfig& upstream, const Callback& callback, std::string_view, Time) {
  return verify_basic(upstream, callback);
}

// Type of a bounce. Automatic answers, subscriptions and what Postmark itself cannot classify say nothing of the delivery.
std::optional<EventType> type_of_bounce(std::string_view type) {
  for (const std::string_view one :
       {"HardBounce", "SoftBounce", "Blocked", "BadEmailAddress", "ManuallyDeactivated", "VirusNotification",
        "Unconfirmed", "DMARCPolicy", "SMTPApiError", "TemplateRenderingFailed"})
    if (type == one) return EventType::bounced;
  if (type == "Transient" || type == "DnsError") return EventType::deferred;
  if (type == "SpamNotification" || type == "SpamComplaint") return EventType::complained;
  if (type == "Unsubscribe") return EventType::unsubscribed;
  return std::nullopt;
}

// Bounces and complaints that suppress an address are reported as what they are besides.
std::optional<EventType> type_of_change(const json::value& event) {
  const bool by_hand = text_at(event, "SuppressionReason") == "ManualSuppression";
  return flag_at(event, "SuppressSending") && by_hand ? std::optional(EventType::unsubscribed) : std::nullopt;
}

std::optional<EventType> type_of(const json::value& event) {
  const std::string_view record = text_at(event, "RecordType");
  if (record == "Delivery") return EventType::delivered;
  if (record == "Bounce") return type_of_bounce(text_at(event, "Type"));
  if (record == "SpamComplaint") return EventType::complained;
  if (record == "Open") return EventType::opened;
  if (record == "Click") return EventType::clicked;
  if (record == "SubscriptionChange") return type_of_change(event);
  return std::nullopt;
}

std::string_view first_text(const json::value& event, std::initializer_list<std::string_view> members) {
  for (const std::string_view member : members)
    if (const std::string_view text = text_at(event, member); !text.empty()) return text;
  return {};
}

Reason reason_of(EventType type, const json::value& event) {
  if (type == EventType::clicked) return reported_reason(type, text_at(event, "OriginalLink"));
  Reason reason = reported_reason(type, first_text(event, {"Details", "Description"}));
  for (const std::string_view one : {"VirusNotification", "DMARCPolicy", "SMTPApiError", "TemplateRenderingFailed"})
    if (text_at(event, "Type") == one) reason.cause = Cause::content;
  return reason;
}

std::string_view time_member(const json::value& event) {
  for (const std::string_view member : {"DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt"})
    if (value_at(event, member).is_string()) return member;
  return {};
}

// Only bounces and complaints have an id of their own.
std::string key_of(const json::value& event, const ReportedEvent& reported, std::string_view time) {
  std::string key(text_at(event, "RecordType"));
  for (const std::string& part : {reported.message, reported.provider_id, reported.recipient, id_at(event, "ID"),
                                  std::string(time), std::string(text_at(event, "OriginalLink"))})
    key.append("\n").append(part);
  return key;
}

result<CallbackReading> read(const UpstreamConfig&, const Callback& callback, Time now) {
  const result<json::value> event = parse_callback(callback.body);
  if (!event) return event.error();
  if (!event->is_object()) return invalid("the callback is not an event");
  CallbackReading reading;
  const std::optional<EventType> type = type_of(*event);
  ReportedEvent reported;
  reported.message = id_at(value_at(*event, "Metadata"), "postrider_id");
  reported.provider_id = id_at(*event, "MessageID");
  if (reported.provider_id == kNoMessage) reported.provider_id.clear();
  reported.recipient = id_at(*event, value_at(*event, "Email").is_string() ? "Email" : "Recipient");
  if (!type || reported.recipient.empty() || (reported.message.empty() && reported.provider_id.empty())) {
    reading.ignored = 1;
    return reading;
  }
  const std::string_view time = time_member(*event);
  reported.type = *type;
  reported.at = rfc3339_at(*event, time, now);
  reported.reason = reason_of(*type, *event);
  reported.key = key_of(*event, reported, text_at(*event, time));
  reading.events.push_back(std::move(reported));
  return reading;
}

std::string_view stream_of(const UpstreamConfig& upstream) {
  return upstream.message_stream.empty() ? kDefaultStream : std::string_view(upstream.message_stream);
}

Request request_of(const UpstreamConfig& upstream, std::string_view method, std::string_view path, std::string body) {
  Request request{std::string(method), api_base(upstream, kVendor), {}, std::move(body)};
  request.url.append(path);
  request.headers = {{"X-Postmark-Server-Token", upstream.server_token},
                     {"Content-Type", "application/json"},
                     {"Accept", "application/json"}};
  return request;
}

// Of all streams: which of them is ours is said in each entry.
result<Request> build_hook_list(const UpstreamConfig& upstream, Time) {
  return request_of(upstream, "GET", "/webhooks", "");
}

json::object wanted(const UpstreamConfig& upstream, std::string_view url) {
  json::object triggers;
  for (const std::string_view name : kTriggers) triggers.emplace(name, json::object{{"Enabled", true}});
  triggers.at("Open").as_object().emplace("PostFirstOpenOnly", false);
  for (const std::string_view name : {"Bounce", "SpamComplaint"})
    triggers.at(name).as_object().emplace("IncludeContent", false);  // a body of the mail, which is not read here
  return {{"Url", url},
          {"HttpAuth", json::object{{"Username", upstream.webhook_username}, {"Password", upstream.webhook_password}}},
          {"Triggers", std::move(triggers)}};
}

// A password that the list does not show is taken for ours.
bool is_as_wanted(const UpstreamConfig& upstream, const json::value& hook) {
  const json::value& login = value_at(hook, "HttpAuth");
  const json::value& triggers = value_at(hook, "Triggers");
  const bool same_password =
      !value_at(login, "Password").is_string() || text_at(login, "Password") == upstream.webhook_password;
  return text_at(login, "Username") == upstream.webhook_username && same_password &&
         std::all_of(kTriggers.begin(), kTriggers.end(),
                     [&](std::string_view name) { return flag_at(value_at(triggers, name), "Enabled"); });
}

result<std::vector<HookChange>> plan_hooks(const UpstreamConfig& upstream, const Answer& list, std::string_view url,
                                           Time) {
  const json::value body = json_of(list);
  const json::value& hooks = value_at(body, "Webhooks");
  if (!hooks.is_array()) return invalid("postmark's answer is not a list of webhooks");
  if (!is_hook_url(url)) return invalid("\"" + sanitize_reason_text(url) + "\" is not an address for callbacks");
  if (upstream.webhook_username.empty() || upstream.webhook_password.empty())
    return invalid("webhook_username and webhook_password are not set: postmark's callbacks are known by them");
  std::vector<HookChange> changes;
  for (const json::value& hook : hooks.get_array()) {
    if (text_at(hook, "Url") != url || text_at(hook, "MessageStream") != stream_of(upstream)) continue;
    if (is_as_wanted(upstream, hook)) return changes;
    const std::optional<std::int64_t> id = number_at(hook, "ID");
    if (!id) return invalid("postmark's list gives no id for the webhook of this address");
    changes.push_back(
        {request_of(upstream, "PUT", "/webhooks/" + std::to_string(*id), json::serialize(wanted(upstream, url))),
         "register all events, with the login"});
    return changes;
  }
  json::object made = wanted(upstream, url);
  made.emplace("MessageStream", stream_of(upstream));
  changes.push_back({request_of(upstream, "POST", "/webhooks", json::serialize(made)),
                     "register all events of the stream " + std::string(stream_of(upstream))});
  return changes;
}

Reading read_hook(const Answer& answer, Time now, std::string&) {
  const json::value body = json_of(answer);
  return reading_of_hook(answer, text_at(body, "Message"), now);
}

}  // namespace

constexpr Callbacks postmark_callbacks{UpstreamType::postmark, nullptr,    verify,   read,
                                       build_hook_list,        plan_hooks, read_hook};

}  // namespace postrider::providers
