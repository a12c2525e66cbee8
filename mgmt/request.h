// From what Beast parsed to the Request that handlers see, and the ids requests are known by in answers and log. Pure.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "core/id.h"
#include "mgmt/http.h"

namespace postrider::mgmt {

// 64 random bits in hexadecimal: enough to find one request in a log. One per server, mgmt thread.
class RequestIds {
 public:
  explicit RequestIds(std::uint64_t seed = random_seed()) : random_(seed) {}
  std::string next();

 private:
  std::mt19937_64 random_;
};

// All but the body and where it came from. Nothing when the target is not an origin-form (RFC 9112 3.2.1) in UTF-8, a HTTP/1.1 request has no
// single Host (3.2), or a Transfer-Encoding is anything but chunked (6.3). `id` is replaced by the client's own X-Request-Id when that is plain and short.
std::optional<Request> make_request(const http::request_header<>& head, std::string id);

}  // namespace postrider::mgmt
