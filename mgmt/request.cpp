#include "mgmt/request.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/url/encoding_opts.hpp>
#include <boost/url/params_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/segments_view.hpp>
#include <boost/url/url_view.hpp>
#include <cstdio>

#include "core/utf8.h"

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

bool has_one_host(const http::request_header<>& head) {
  return head.version() < 11 || head.count(http::field::host) == 1;
}

// Any other coding leaves it open where the request ends, and what follows could pass for another (RFC 9112 6.1, 6.3).
bool has_clear_end(const http::request_header<>& head) {
  const std::size_t codings = head.count(http::field::transfer_encoding);
  if (codings == 0) return true;
  return codings == 1 && head.version() >= 11 && boost::beast::iequals(head[http::field::transfer_encoding], "chunked");
}

std::string lower(boost::beast::string_view name) {
  std::string out(name.data(), name.size());
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// False when the target is not "/path?query", or not UTF-8: all of it may come back in JSON.
bool read_target(Request& request) {
  const auto url = boost::urls::parse_origin_form(request.target);
  if (!url) return false;
  for (auto segment : url->segments()) {
    if (!is_utf8(segment)) return false;
    request.segments.push_back(std::move(segment));
  }
  boost::urls::encoding_opts options;
  options.space_as_plus = false;
  for (const auto& parameter : url->params(options)) {
    if (!is_utf8(parameter.key) || !is_utf8(parameter.value)) return false;
    request.query.emplace_back(parameter.key, parameter.value);
  }
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

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

std::size_t Request::header_count(std::string_view name) const {
  const auto same = [&](const auto& field) { return field.first == name; };
  return static_cast<std::size_t>(std::count_if(fields.begin(), fields.end(), same));
}

std::optional<Request> make_request(const http::request_header<>& head, std::string id) {
  if (!has_one_host(head) || !has_clear_end(head)) return std::nullopt;
  Request request;
  request.method = head.method();
  request.target = text(head.target());
  if (!read_target(request)) return std::nullopt;
  for (const auto& field : head) request.fields.emplace_back(lower(field.name_string()), text(field.value()));
  std::string own_id(request.header("x-request-id"));
  request.id = is_plain_id(own_id) ? std::move(own_id) : std::move(id);
  return request;
}

}  // namespace postrider::mgmt
