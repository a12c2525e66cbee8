#include "mgmt/content_coding.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "mgmt/media_type.h"

namespace postrider::mgmt {

namespace {

using boost::beast::iequals;

bool is_text(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return type.starts_with("text/") || type == kJson || type.ends_with("+json");
}

}  // namespace

std::optional<Coding> coding_of(const Request& request) {
  const std::size_t count = request.header_count("content-encoding");
  const std::string_view name = request.header("content-encoding");
  if (count == 0 || (count == 1 && iequals(name, "identity"))) return Coding::identity;
  if (count == 1 && (iequals(name, "gzip") || iequals(name, "x-gzip"))) return Coding::gzip;
  return std::nullopt;
}

void pack(const Request& request, Response& response) {
  if (response.stream || response.body.size() <= kWorthPacking || !is_text(response.content_type)) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!accepts_gzip(request.header("accept-encoding"))) return;
  response.body = gzip(response.body);
  response.headers.emplace_back("Content-Encoding", "gzip");
}

}  // namespace postrider::mgmt
