// A small blocking HTTP client for the command line, which talks to the daemon's own management API. Not for the daemon
// itself: it blocks its thread. Follows no redirect, uses no proxy, keeps no connection.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace postrider::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http or https
  HttpHeaders headers;
  std::string body;
  Duration timeout = std::chrono::seconds(30);
  std::string ca_file;  // empty: the system's store
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  // names in lower case
  std::string body;

  std::string_view header(std::string_view lower_case_name) const;  // the first of that name, or empty
};

inline constexpr std::size_t kMaxHttpAnswer = 64u << 20;

// Faults: invalid (the request itself), unavailable (with a sentence for a person: "nothing listens on 127.0.0.1:8025").
// Any status is an answer, not a fault.
result<HttpResponse> http_call(const HttpRequest& request);

}  // namespace postrider::net
