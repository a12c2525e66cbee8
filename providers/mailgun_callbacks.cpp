// Mailgun's event callbacks: one event in JSON a request; the signature stands in the body and is over time and token alone. Hooks are
// registered for a domain, event by event. https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks
#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <vector>

#include "providers/callback_parts.h"
#include "providers/hmac.h"
#include "providers/mailgun_form.h"
#include "providers/sigv4.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

// Repeated for eight hours at growing intervals, and it is not documented that a repetition is signed anew.
constexpr Duration kMaxAge = kMaxNonceAge;
constexpr std::size_t kMaxUrls = 3;  // of one kind of event

// All that read() understands; Mailgun's names for hooks differ from those of events.
constexpr std::array<std::string_view, 8> kHooks = {"accepted", "delivered", "temporary_fail", "permanent_fail",
                                                    "opened",   "clicked",   "unsubscribed",   "complained"};

// What happened to which message. Not all of event-data: it is not documented that a repetition is the same octet for octet, nor that
// nothing was learned of the event in between.
std::string content_of(const json::value& event) {
  const json::value& headers = value_at(value_at(event, "message"), "headers");
  return json::serialize(json::array{value_at(event, "id"), value_at(event, "event"), value_at(event, "severity"),
                                     value_at(event, "timestamp"), value_at(event, "recipient"),
                                     value_at(headers, "message-id"),
                                     value_at(value_at(event, "user-variables"), "postrider_id")});
}

Verdict verify(const UpstreamConfig& upstream, const Callback& callback, std::string_view, Time now) {
  if (upstream.webhook_key.empty())
    return {Authenticity::unconfigured, "webhook_key is not set: its callbacks are refused"};
  const result<json::value> body = parse_callback(callback.body);
  if (!body) return {Authenticity::forged, body.error().text};
  const json::value& given = value_at(*body, "signature");
  const std::string timestamp = id_at(given, "timestamp"), token = id_at(given, "token");
  const std::optional<Time> signed_at = epoch_seconds(timestamp);
  if (!signed_at || token.empty()) return {Authenticity::forged, "the callback is not signed"};
  const std::string expected = hex(hmac_sha256(upstream.webhook_key, timestamp + token));
  // Of a subaccount: the main account's key signs as well.
  if (!same_secret(expected, text_at(given, "signature")) && !same_secret(expected, text_at(given, "parent-signature")))
    return {Authenticity::forged, "the callback's signature is not made with webhook_key"};
  Verdict verdict = fresh(*signed_at, now, kMaxAge);
  verdict.nonce = timestamp + token;  // all that is signed: where one ends and the other begins is not
  verdict.content = content_of(value_at(*body, "event-data"));
  return verdict;
}

std::optional<EventType> type_of(const json::value& event) {
  const std::string_view name = text_at(event, "event");
  if (name == "accepted") return EventType::processed;
  if (name == "delivered") return EventType::delivered;
  if (name == "failed" && text_at(event, "severity") == "temporary") return EventType::deferred;
  if (name == "failed" && text_at(event, "severity") == "permanent") return EventType::bounced;
  if (name == "rejected") return EventType::bounced;  // by Mailgun itself, the whole message
  if (name == "opened") return EventType::opened;
  if (name == "clicked") return EventType::clicked;
  if (name == "complained") return EventType::complained;
  if (name == "unsubscribed") return EventType::unsubscribed;
  return std::nullopt;
}

Reason reason_of(EventType type, const json::value& event) {
  if (type == EventType::clicked) return reported_reason(type, text_at(event, "url"));
  const json::value& status = value_at(event, "delivery-status");
  const json::value& reject = value_at(event, "reject");
  const std::string_view texts[] = {text_at(status, "message"), text_at(status, "description"),
                                    text_at(reject, "reason"), text_at(event, "reason")};
  const auto* text =
      std::find_if(std::begin(texts), std::end(texts), [](std::string_view one) { return !one.empty(); });
  Reason reason = reported_reason(type, text == std::end(texts) ? std::string_view() : *text);
  if (reject.is_object()) reason.cause = Cause::content;
  // 605 to 607 are its own: the address is on Mailgun's list of suppressions.
  const std::int64_t code = number_at(status, "code").value_or(0);
  if (code >= 200 && code < 700) reason.code = static_cast<int>(code);
  for (const std::string_view member : {"enhanced-code", "bounce-code"})
    if (is_enhanced_code(text_at(status, member))) reason.enhanced = text_at(status, member);
  return reason;
}

std::string without_brackets(std::string id) {
  if (id.size() > 2 && id.front() == '<' && id.back() == '>') return id.substr(1, id.size() - 2);
  return id;
}

result<CallbackReading> read(const UpstreamConfig&, const Callback& callback, Time now) {
  const result<json::value> body = parse_callback(callback.body);
  if (!body) return body.error();
  const json::value& event = value_at(*body, "event-data");
  if (!event.is_object()) return invalid("the callback has no event-data");
  CallbackReading reading;
  const std::optional<EventType> type = type_of(event);
  ReportedEvent reported;
  reported.message = id_at(value_at(event, "user-variables"), "postrider_id");
  reported.provider_id = without_brackets(id_at(value_at(value_at(event, "message"), "headers"), "message-id"));
  if (!type || (reported.message.empty() && reported.provider_id.empty())) {
    reading.ignored = 1;
    return reading;
  }
  reported.type = *type;
  reported.at = epoch_at(event, "timestamp", now);
  reported.recipient = id_at(event, "recipient");  // rejected has none: all of them
  reported.reason = reason_of(*type, event);
  // The event's id is its own for a day only.
  const std::string id = id_at(event, "id"), token = id_at(value_at(*body, "signature"), "token");
  reported.key = (id.empty() ? token : id) + "@" + std::to_string(to_ms(reported.at));
  reading.events.push_back(std::move(reported));
  return reading;
}

result<Request> build_hook_list(const UpstreamConfig& upstream, Time) {
  return mailgun_request(upstream, "GET", "/v3/domains/", "/webhooks");
}

std::vector<std::string> urls_of(const json::value& hook) {
  std::vector<std::string> urls;
  for (const json::value& url : array_at(hook, "urls"))
    if (url.is_string()) urls.emplace_back(url.get_string());
  if (const std::string_view only = text_at(hook, "url"); urls.empty() && !only.empty()) urls.emplace_back(only);
  return urls;
}

// A kind of event without addresses is made, one that has some is replaced by those and ours.
result<HookChange> change_of(const UpstreamConfig& upstream, std::string_view hook, std::vector<std::string> urls,
                             std::string_view url) {
  const bool is_new = urls.empty();
  if (urls.size() >= kMaxUrls)
    return invalid("mailgun sends an event to " + std::to_string(kMaxUrls) + " addresses at most, and \"" +
                   std::string(hook) + "\" has as many: remove one there first");
  urls.emplace_back(url);
  MailgunForm form("postrider-hooks", 1024);
  if (is_new) form.field("id", hook);
  for (const std::string& one : urls) {
    if (!is_hook_url(one))
      return invalid("not an address for \"" + std::string(hook) + "\": " + sanitize_reason_text(one));
    form.field("url", one);
  }
  const std::string after = is_new ? "/webhooks" : "/webhooks/" + std::string(hook);
  result<Request> request = std::move(form).request(upstream, is_new ? "POST" : "PUT", "/v3/domains/", after);
  if (!request) return request.error();
  return HookChange{std::move(*request), "register the event " + std::string(hook)};
}

result<std::vector<HookChange>> plan_hooks(const UpstreamConfig& upstream, const Answer& list, std::string_view url,
                                           Time) {
  const json::value body = json_of(list);
  const json::value& hooks = value_at(body, "webhooks");
  if (!hooks.is_object()) return invalid("mailgun's answer is not a list of webhooks");
  std::vector<HookChange> changes;
  for (const std::string_view hook : kHooks) {
    std::vector<std::string> urls = urls_of(value_at(hooks, hook));
    if (std::find(urls.begin(), urls.end(), url) != urls.end()) continue;
    result<HookChange> change = change_of(upstream, hook, std::move(urls), url);
    if (!change) return change.error();
    changes.push_back(std::move(*change));
  }
  return changes;
}

Reading read_hook(const Answer& answer, Time now, std::string&) {
  const json::value body = json_of(answer);
  const std::string_view message = text_at(body, "message"), reason = text_at(body, "Reason");
  return reading_of_hook(answer, message.empty() ? reason : message, now);
}

}  // namespace

constexpr Callbacks mailgun_callbacks{UpstreamType::mailgun, nullptr,    verify,   read,
                                      build_hook_list,       plan_hooks, read_hook};

}  // namespace postrider::providers
