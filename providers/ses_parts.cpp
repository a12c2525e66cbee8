#include "providers/ses_parts.h"

#include <algorithm>
#include <array>

#include "providers/callback_parts.h"
#include "providers/sigv4.h"

namespace postrider::providers {

namespace {

constexpr std::string_view kService = "ses";  // in the signature's scope; the host says "email"

// "MessageRejected", from header, then `code`, then `__type`, as AWS's own clients look: "ns#Name:http://..." has the name within.
std::string_view error_name(const Answer& answer, const boost::json::value& json) {
  std::string_view name = answer.header("x-amzn-errortype");
  if (name.empty()) name = text_at(json, "code");
  if (name.empty()) name = text_at(json, "__type");
  name = name.substr(0, name.find(':'));
  const std::size_t hash = name.find('#');
  return hash == std::string_view::npos ? name : name.substr(hash + 1);
}

// Between "<tag>" and "</tag>", the first; empty without.
std::string_view xml_text(std::string_view body, std::string_view tag) {
  const std::string name(tag);
  const std::size_t begin = body.find("<" + name + ">");
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = body.substr(begin + tag.size() + 2);
  const std::size_t end = rest.find("</" + name + ">");
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

// What a refused signature is answered with quotes the request, a session token among its fields.
std::string_view without_request(std::string_view text) {
  return text.substr(0, text.find("The Canonical String"));
}

bool is_about_content(std::string_view sub_type) {
  constexpr std::array<std::string_view, 3> kOfContent = {"ContentRejected", "AttachmentRejected", "MessageTooLarge"};
  return std::find(kOfContent.begin(), kOfContent.end(), sub_type) != kOfContent.end();
}

}  // namespace

std::string ses_base(const UpstreamConfig& upstream) {
  return api_base(upstream, "https://email." + upstream.region + ".amazonaws.com");
}

Headers ses_headers(const UpstreamConfig& upstream, const Request& request, Time now) {
  AwsCall call{request.method, request.url, request.body, {}};
  if (!request.body.empty()) call.headers.emplace_back("Content-Type", "application/json");
  return sign(call, {upstream.access_key, upstream.secret_key, upstream.session_token}, upstream.region, kService, now);
}

std::string AwsError::text() const {
  return name.empty() || message.empty() ? name + message : name + ": " + message;
}

AwsError aws_error(const Answer& answer, const boost::json::value& json) {
  std::string_view message = text_at(json, "message");
  if (message.empty()) message = text_at(json, "Message");
  if (message.empty() && !json.is_object()) message = plain_text(answer);
  std::string_view name = error_name(answer, json);
  if (is_page(answer) && name.empty()) {  // SNS answers in XML
    name = xml_text(answer.body, "Code");
    message = xml_text(answer.body, "Message");
  }
  return {std::string(name), std::string(without_request(message))};
}

Reason bounce_reason(EventType type, const BounceWords& words) {
  std::string text(words.diagnostic);
  if (text.empty()) text = words.message;
  if (text.empty()) {
    text = words.type;
    if (!words.sub_type.empty()) text.append(text.empty() ? "" : ": ").append(words.sub_type);
  }
  Reason reason = reported_reason(type, text);
  if (is_enhanced_code(words.status)) reason.enhanced = words.status;
  if (is_about_content(words.sub_type)) reason.cause = Cause::content;
  return reason;
}

}  // namespace postrider::providers
