#include "mgmt/response_head.h"

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/serializer.hpp>

namespace postrider::mgmt {

namespace {

// IMF-fixdate (RFC 9110 5.6.7) is the mail date with GMT for the zone.
std::string http_date(Time now) {
  std::string date = format_rfc5322(now);
  const auto zone = date.rfind(' ');
  return date.substr(0, zone) + " GMT";
}

}  // namespace

bool has_content(http::status status) {
  return status != http::status::no_content;
}

std::string render_head(const Request& request, const Response& response, bool keep_alive, Time now) {
  http::response<http::empty_body> head(response.status, 11);
  head.set(http::field::date, http_date(now));
  head.set("X-Request-Id", request.id);
  head.set(http::field::cache_control, "no-store");
  head.set("X-Content-Type-Options", "nosniff");
  if (!response.content_type.empty()) head.set(http::field::content_type, response.content_type);
  for (const auto& [name, value] : response.headers) head.erase(name);  // what is said replaces what every answer has
  for (const auto& [name, value] : response.headers) head.insert(name, value);
  if (has_content(response.status)) head.content_length(response.stream ? response.stream_size : response.body.size());
  head.keep_alive(keep_alive);

  http::response_serializer<http::empty_body> serializer(head);
  std::string out;
  boost::system::error_code error;
  while (!serializer.is_done()) {
    serializer.next(error, [&](boost::system::error_code&, const auto& buffers) {
      out += boost::beast::buffers_to_string(buffers);
      serializer.consume(boost::beast::buffer_bytes(buffers));
    });
  }
  return out;
}

}  // namespace postrider::mgmt
