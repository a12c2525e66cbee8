#include "mgmt/cors.h"

#include <algorithm>

namespace postrider::mgmt {

namespace {

constexpr std::string_view kTaken = "Authorization, Content-Type, Idempotency-Key, X-Request-Id";
constexpr std::string_view kShown =
    "X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, Link, Location, "
    "Idempotency-Replayed, X-Message-Id";
constexpr std::string_view kMaxAge = "600";  // seconds for which a browser need not ask again

}  // namespace

Response Cors::options(const Request& request, const std::string& allow) const {
  Response response;
  response.status = http::status::no_content;
  response.headers.emplace_back("Allow", allow + ", OPTIONS");
  const bool asks = request.header_count("access-control-request-method") > 0;
  if (!asks || !lists(request.header("origin"))) return response;
  response.headers.emplace_back("Access-Control-Allow-Methods", allow);
  response.headers.emplace_back("Access-Control-Allow-Headers", kTaken);
  response.headers.emplace_back("Access-Control-Max-Age", kMaxAge);
  return response;
}

void Cors::add_to(const Request& request, Response& response) const {
  if (origins_.empty()) return;
  response.headers.emplace_back("Vary", "Origin");
  const std::string_view origin = request.header("origin");
  if (!lists(origin)) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Access-Control-Expose-Headers", kShown);
}

bool Cors::lists(std::string_view origin) const {
  return std::find(origins_.begin(), origins_.end(), origin) != origins_.end();
}

}  // namespace postrider::mgmt
