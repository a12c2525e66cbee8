// The table of routes and the gate every request passes before its handler: path, method, key, Accept, query parameters,
// body type, in this order. Filled at start, then read-only; used on the mgmt thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"
#include "mgmt/auth.h"
#include "mgmt/http.h"

namespace postrider::mgmt {

enum class Access : std::uint8_t { open, key, operator_key };  // operator_key: not for tenants

struct Route {
  http::verb method = http::verb::get;
  std::string_view pattern;  // "/v1/messages/{id}"; a literal
  Access access = Access::key;
  std::string_view produces;                 // media type; empty: the handler has nothing to say but a status
  std::vector<std::string_view> parameters;  // query parameters it knows
  Handler handler;
};

class Router {
 public:
  Router(const Authenticator& authenticator, Log& log);
  void add(Route route);
  // Never throws: what a handler throws is logged and answered 500.
  boost::asio::awaitable<Response> handle(Request& request) const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string_view> segments;
  };
  struct Match {
    const Route* route = nullptr;
    std::string allow;  // methods of the path, when the method was not among them
  };
  Match match(Request& request) const;
  std::optional<Response> refuse(Request& request, const Route& route) const;

  const Authenticator& authenticator_;
  Log& log_;
  std::vector<Entry> entries_;
};

}  // namespace postrider::mgmt
