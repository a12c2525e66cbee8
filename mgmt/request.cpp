#include "mgmt/request.h"

#include <algorithm>
#include <boost/url/encoding_opts.hpp>
#include <boost/url/params_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/segments_view.hpp>
#include <boost/url/url_view.hpp>
#include <cstdio>

namespace postrider::mgmt {

namespace {

constexpr std::size_t kMaxRequestId = 64;

std::string text(boost::beast::string_view view) {
  return {view.data(), view.size()};
}

bool is_plain_id(const std::string& id) {
  const auto plain = [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  };
  return !id.empty() && id.size() <= kMaxRequestId && std::all_of(id.begin(), id.end(), plain);
}

bool has_one_host(const http::request<http::string_body>& message) {
  return message.version() < 11 || message.count(http::field::host) == 1;
}

// False when the target is not "/path?query".
bool read_target(Request& request) {
  const auto url = boost::urls::parse_origin_form(request.target);
  if (!url) return false;
  for (auto segment : url->segments()) request.segments.push_back(std::move(segment));
  boost::urls::encoding_opts options;
  options.space_as_plus = false;
  for (const auto& parameter : url->params(options)) request.query.emplace_back(parameter.key, parameter.value);
  return true;
}

}  // namespace

std::string RequestIds::next() {
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(random_()));
  return hex;
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

std::optional<Request> make_request(http::request<http::string_body> message, boost::asio::ip::address peer,
                                    std::string id) {
  if (!has_one_host(message)) return std::nullopt;
  Request request;
  request.method = message.method();
  request.target = text(message.target());
  if (!read_target(request)) return std::nullopt;
  std::string own_id = text(message["X-Request-Id"]);
  request.id = is_plain_id(own_id) ? std::move(own_id) : std::move(id);
  request.authorization = text(message[http::field::authorization]);
  request.origin = text(message[http::field::origin]);
  request.accept = text(message[http::field::accept]);
  request.content_type = text(message[http::field::content_type]);
  request.body = std::move(message.body());
  request.peer = std::move(peer);
  return request;
}

}  // namespace postrider::mgmt
