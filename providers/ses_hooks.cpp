// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateConfigurationSetEventDestination.html
// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
#include "providers/ses_hooks.h"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <optional>

#include "providers/callback_parts.h"
#include "providers/ses_parts.h"
#include "providers/sigv4.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

// All that read() understands but OPEN and CLICK: these two make SES write links and an image of its own into every mail. Who
// wants that adds them to the destination by hand; they are kept.
constexpr std::array<std::string_view, 8> kEvents = {"SEND",   "DELIVERY",          "DELIVERY_DELAY", "BOUNCE",
                                                     "REJECT", "RENDERING_FAILURE", "COMPLAINT",      "SUBSCRIPTION"};
constexpr std::string_view kDestination = "postrider";

// "arn:aws:sns:eu-central-1:123456789012:mail"
struct Topic {
  std::string arn, partition, region;
};

result<Topic> parse_topic(const std::string& arn) {
  std::vector<std::string> parts;
  std::string_view rest = arn;
  while (parts.size() < 5 && rest.find(':') != std::string_view::npos) {
    parts.emplace_back(rest.substr(0, rest.find(':')));
    rest.remove_prefix(parts.back().size() + 1);
  }
  if (parts.size() != 5 || parts[0] != "arn" || parts[2] != "sns" || parts[3].empty() || rest.empty())
    return invalid("topic_arns: \"" + arn + "\" is not the ARN of an SNS topic");
  return Topic{arn, parts[1], parts[3]};
}

Fault lacks(std::string_view key) {
  return invalid("the upstream has no " + std::string(key) +
                 ": SES publishes events of a configuration set to a topic");
}

std::string destinations_url(const UpstreamConfig& upstream) {
  return ses_base(upstream) + "/v2/email/configuration-sets/" + percent_encoded(upstream.configuration_set) +
         "/event-destinations";
}

std::string_view topic_of(const json::value& destination) {
  return text_at(value_at(destination, "SnsDestination"), "TopicArn");
}

bool has_event(const json::value& destination, std::string_view event) {
  const json::array& events = array_at(destination, "MatchingEventTypes");
  return std::find(events.begin(), events.end(), json::string_view(event)) != events.end();
}

bool is_complete(const json::value& destination) {
  return flag_at(destination, "Enabled") &&
         std::all_of(kEvents.begin(), kEvents.end(), [&](auto event) { return has_event(destination, event); });
}

// The one to be used: of one of our topics, complete if there is such a one; null: none.
const json::value* find_destination(const UpstreamConfig& upstream, const json::array& destinations) {
  const json::value* found = nullptr;
  for (const json::value& one : destinations) {
    const std::vector<std::string>& arns = upstream.topic_arns;
    if (std::find(arns.begin(), arns.end(), topic_of(one)) == arns.end()) continue;
    if (found == nullptr || is_complete(one)) found = &one;
  }
  return found;
}

// One that no other destination of the set has.
std::string free_name(const json::array& destinations) {
  for (std::size_t number = 1;; ++number) {
    std::string name = std::string(kDestination) + (number == 1 ? "" : "-" + std::to_string(number));
    if (std::none_of(destinations.begin(), destinations.end(),
                     [&](const json::value& one) { return text_at(one, "Name") == name; }))
      return name;
  }
}

json::object definition(const Topic& topic, const json::value& now) {
  json::array events = array_at(now, "MatchingEventTypes");
  for (const std::string_view event : kEvents)
    if (!has_event(now, event)) events.emplace_back(event);
  return {{"Enabled", true},
          {"MatchingEventTypes", std::move(events)},
          {"SnsDestination", json::object{{"TopicArn", topic.arn}}}};
}

HookChange create_destination(const UpstreamConfig& upstream, const Topic& topic, const std::string& name, Time now) {
  const json::object body{{"EventDestinationName", name}, {"EventDestination", definition(topic, nullptr)}};
  Request request{"POST", destinations_url(upstream), {}, json::serialize(body)};
  request.headers = ses_headers(upstream, request, now);
  return {std::move(request), "publish the events of " + upstream.configuration_set + " to " + topic.arn};
}

HookChange update_destination(const UpstreamConfig& upstream, const Topic& topic, const json::value& was, Time now) {
  const std::string name(text_at(was, "Name"));
  const json::object body{{"EventDestination", definition(topic, was)}};
  Request request{"PUT", destinations_url(upstream) + "/" + percent_encoded(name), {}, json::serialize(body)};
  request.headers = ses_headers(upstream, request, now);
  return {std::move(request), "publish all events of " + upstream.configuration_set + " to " + topic.arn};
}

// Where SNS is. A server that stands in for AWS answers for both services.
std::string sns_base(const UpstreamConfig& upstream, const Topic& topic) {
  const std::string own =
      "https://sns." + topic.region + (topic.partition == "aws-cn" ? ".amazonaws.com.cn" : ".amazonaws.com");
  const std::string base = api_base(upstream, own);
  std::string_view host(base);
  host.remove_prefix(host.starts_with("https://") ? 8 : 0);
  host = host.substr(0, host.find_first_of(":/"));
  return host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") ? own : base;
}

HookChange subscribe(const UpstreamConfig& upstream, const Topic& topic, std::string_view url, Time now) {
  const std::string_view protocol = url.substr(0, url.find(':'));
  Request request{"POST", sns_base(upstream, topic) + "/", {}, "Action=Subscribe&Version=2010-03-31&TopicArn="};
  request.body.append(percent_encoded(topic.arn)).append("&Protocol=").append(protocol);
  request.body.append("&Endpoint=").append(percent_encoded(url)).append("&ReturnSubscriptionArn=true");
  const AwsCall call{
      request.method, request.url, request.body, {{"Content-Type", "application/x-www-form-urlencoded"}}};
  request.headers =
      sign(call, {upstream.access_key, upstream.secret_key, upstream.session_token}, topic.region, "sns", now);
  return {std::move(request), "subscribe to " + topic.arn + " (SNS asks here for confirmation, and gets it)"};
}

}  // namespace

result<Request> build_ses_hook_list(const UpstreamConfig& upstream, Time now) {
  if (upstream.configuration_set.empty()) return lacks("configuration_set");
  if (upstream.topic_arns.empty()) return lacks("topic_arns");
  Request request{"GET", destinations_url(upstream), {}, ""};
  request.headers = ses_headers(upstream, request, now);
  return request;
}

result<std::vector<HookChange>> plan_ses_hooks(const UpstreamConfig& upstream, const Answer& list, std::string_view url,
                                               Time now) {
  if (upstream.configuration_set.empty()) return lacks("configuration_set");
  if (upstream.topic_arns.empty()) return lacks("topic_arns");
  if (!is_hook_url(url)) return invalid("\"" + sanitize_reason_text(url) + "\" is not a URL for callbacks");
  const json::value answer = json_of(list);
  if (list.status != 200 || !answer.is_object()) return invalid("SES did not list the event destinations");
  const json::array& destinations = array_at(answer, "EventDestinations");
  const json::value* found = find_destination(upstream, destinations);
  const result<Topic> topic =
      parse_topic(found == nullptr ? upstream.topic_arns.front() : std::string(topic_of(*found)));
  if (!topic) return topic.error();
  std::vector<HookChange> changes;
  if (found == nullptr)
    changes.push_back(create_destination(upstream, *topic, free_name(destinations), now));
  else if (!is_complete(*found))
    changes.push_back(update_destination(upstream, *topic, *found, now));
  changes.push_back(subscribe(upstream, *topic, url, now));
  return changes;
}

Reading read_ses_hook(const Answer& answer, Time now, std::string&) {
  const bool subscribed = answer.status == 200 && answer.body.find("<SubscribeResponse") != std::string::npos;
  if (subscribed) return reading_of(Meaning::accepted, answer, "", 1, now);
  return reading_of_hook(answer, aws_error(answer, json_of(answer)).text(), now);
}

}  // namespace postrider::providers
