// Mailjet's event callbacks: one event in JSON, or an array of them, with a Basic login and no signature. A URL is registered for each
// kind of event. https://dev.mailjet.com/email/guides/webhooks/, https://dev.mailjet.com/email/reference/webhook/
#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "providers/callback_parts.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

constexpr std::string_view kVendor = "https://api.mailjet.com";

struct Kind {
  std::string_view name;  // of the event and of the hook
  EventType type;
};
constexpr std::array<Kind, 7> kKinds = {{{"sent", EventType::delivered},
                                         {"open", EventType::opened},
                                         {"click", EventType::clicked},
                                         {"bounce", EventType::bounced},
                                         {"blocked", EventType::bounced},
                                         {"spam", EventType::complained},
                                         {"unsub", EventType::unsubscribed}}};

Verdict verify(const UpstreamConfig& upstream, const Callback& callback, std::string_view, Time) {
  return verify_basic(upstream, callback);
}

// ---- events ---------------------------------------------------------------------------------------------------------

// "sent (250 2.0.0 OK 1433333948 fa5si855896wjc.199 - gsmtp)"
std::string_view server_reply(std::string_view text) {
  constexpr std::string_view kBegin = "sent (";
  if (!text.starts_with(kBegin) || !text.ends_with(')')) return text;
  text.remove_prefix(kBegin.size());
  text.remove_suffix(1);
  return text;
}

Cause cause_of(std::string_view related_to) {
  if (related_to == "content" || related_to == "spam") return Cause::content;
  return related_to == "system" ? Cause::route : Cause::recipient;
}

// "recipient: user unknown (550 5.1.1 no such user)". Code and enhanced code are those of the comment when it is a server's reply.
Reason refusal(EventType type, const json::value& event) {
  const std::string_view related_to = text_at(event, "error_related_to"), comment = text_at(event, "comment");
  Reason reason = reported_reason(type, comment);
  std::string text(related_to);
  text.append(text.empty() ? "" : ": ").append(text_at(event, "error"));
  if (!comment.empty()) text.append(" (").append(comment).append(")");
  reason.text = sanitize_reason_text(text);
  reason.cause = cause_of(related_to);
  return reason;
}

Reason reason_of(EventType type, const json::value& event) {
  if (type == EventType::delivered) return reported_reason(type, server_reply(text_at(event, "smtp_reply")));
  if (type == EventType::clicked) return reported_reason(type, text_at(event, "url"));
  if (type == EventType::complained) return reported_reason(type, text_at(event, "source"));
  if (type == EventType::bounced || type == EventType::deferred) return refusal(type, event);
  return reported_reason(type, "");
}

// A bounce by greylisting is no end: "delivery will be re-attempted".
EventType type_of(const Kind& kind, const json::value& event) {
  const bool again = kind.name == "bounce" && text_at(event, "error") == "greylisted" && !flag_at(event, "hard_bounce");
  return again ? EventType::deferred : kind.type;
}

void add_event(CallbackReading& reading, const json::value& event, Time now) {
  const std::string_view name = text_at(event, "event");
  const auto* kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& one) { return one.name == name; });
  ReportedEvent reported;
  reported.message = id_at(event, "CustomID");
  reported.provider_id = id_at(event, "MessageID");
  if (reported.provider_id.empty()) reported.provider_id = id_at(event, "mj_message_id");  // the same, in older events
  if (kind == kKinds.end() || (reported.message.empty() && reported.provider_id.empty())) {
    ++reading.ignored;
    return;
  }
  reported.type = type_of(*kind, event);
  reported.at = epoch_at(event, "time", now);
  reported.recipient = id_at(event, "email");
  reported.reason = reason_of(reported.type, event);
  // Events have no name of their own.
  for (const std::string_view part : {name, std::string_view(reported.message), std::string_view(reported.provider_id),
                                      std::string_view(reported.recipient), text_at(event, "url")})
    reported.key.append(part).append("\n");
  reported.key.append(id_at(event, "time"));
  reading.events.push_back(std::move(reported));
}

result<CallbackReading> read(const UpstreamConfig&, const Callback& callback, Time now) {
  const result<json::value> body = parse_callback(callback.body);
  if (!body) return body.error();
  CallbackReading reading;
  const json::array* grouped = body->if_array();
  if (grouped == nullptr && !body->is_object()) return invalid("the callback is neither an event nor a list of events");
  if (grouped != nullptr && grouped->size() > kMaxReports) return too_many_reports();
  if (grouped == nullptr) add_event(reading, *body, now);
  for (std::size_t i = 0; grouped != nullptr && i < grouped->size(); ++i) add_event(reading, (*grouped)[i], now);
  return reading;
}

// ---- registration ---------------------------------------------------------------------------------------------------

std::string hooks_url(const UpstreamConfig& upstream) {
  return api_base(upstream, kVendor) + "/v3/REST/eventcallbackurl";
}

Headers fields_of(const UpstreamConfig& upstream) {
  return {{"Authorization", basic_login(upstream.api_key, upstream.api_secret)}, {"Content-Type", "application/json"}};
}

// "https://user:password@host/path": where Mailjet wants the login.
std::string with_login(const UpstreamConfig& upstream, std::string_view url) {
  const std::size_t host = url.find("://") + 3;
  std::string out(url.substr(0, host));
  out.append(percent_encoded(upstream.webhook_username)).append(":");
  out.append(percent_encoded(upstream.webhook_password)).append("@");
  return out.append(url.substr(host));
}

std::string without_login(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const std::size_t host = scheme + 3;
  const std::size_t at = url.substr(0, url.find('/', host)).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)).append(url.substr(at + 1));
}

// The one of that kind that sends here, perhaps with another login; null: none. Other addresses may be registered beside it.
const json::value* find_hook(const json::array& hooks, std::string_view event, std::string_view url) {
  const auto* found = std::find_if(hooks.begin(), hooks.end(), [&](const json::value& one) {
    return text_at(one, "EventType") == event && without_login(text_at(one, "Url")) == url && !id_at(one, "ID").empty();
  });
  return found == hooks.end() ? nullptr : found;
}

result<Request> build_hook_list(const UpstreamConfig& upstream, Time) {
  return Request{"GET", hooks_url(upstream) + "?Limit=1000", fields_of(upstream), ""};  // 10 without
}

result<std::vector<HookChange>> plan_hooks(const UpstreamConfig& upstream, const Answer& list, std::string_view url,
                                           Time) {
  if (upstream.webhook_username.empty() || upstream.webhook_password.empty())
    return invalid("webhook_username and webhook_password are not set: callbacks would be refused");
  if (!is_hook_url(url)) return invalid("\"" + sanitize_reason_text(url) + "\" is not a URL for callbacks");
  const json::value answer = json_of(list);
  if (list.status != 200 || !value_at(answer, "Data").is_array())
    return invalid("Mailjet did not list its event callbacks");
  const std::string full_url = with_login(upstream, url);
  std::vector<HookChange> changes;
  for (const Kind& kind : kKinds) {
    const json::value* hook = find_hook(array_at(answer, "Data"), kind.name, url);
    // Version 2: the events of a second in one request.
    json::object wanted{{"Url", full_url}, {"Version", 2}, {"Status", "alive"}, {"IsBackup", false}};
    const std::string event(kind.name);
    if (hook == nullptr) {
      wanted.emplace("EventType", event);
      changes.push_back(
          {{"POST", hooks_url(upstream), fields_of(upstream), json::serialize(wanted)}, "register the event " + event});
      continue;
    }
    const bool stands = text_at(*hook, "Url") == full_url && number_at(*hook, "Version") == 2 &&
                        text_at(*hook, "Status") == "alive" && !flag_at(*hook, "IsBackup");
    if (stands) continue;
    const std::string one = hooks_url(upstream) + "/" + percent_encoded(id_at(*hook, "ID"));
    changes.push_back({{"PUT", one, fields_of(upstream), json::serialize(wanted)}, "renew the event " + event});
  }
  return changes;
}

Reading read_hook(const Answer& answer, Time now, std::string&) {
  return reading_of_hook(answer, text_at(json_of(answer), "ErrorMessage"), now);
}

}  // namespace

constexpr Callbacks mailjet_callbacks{UpstreamType::mailjet, nullptr,    verify,   read,
                                      build_hook_list,       plan_hooks, read_hook};

}  // namespace postrider::providers
