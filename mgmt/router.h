// The table of routes and the gate every request passes before its handler, in two steps: by its head, before a body is read (path,
// method, key, scope, Accept, query parameters, body type, in this order), so that nobody without a key makes us take 50 MiB; and, for
// a key that signs the body, again with it. Filled at start, then read-only; used on the mgmt thread.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/log.h"
#include "mgmt/auth.h"
#include "mgmt/cors.h"
#include "mgmt/http.h"
#include "mgmt/media_type.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

enum class Access : std::uint8_t { open, read, send, steer, admin };  // the scope that is needed; open: no key at all
// HttpLimits::max_body, max_message_body or max_callback_body. Without a key (Access::open) the first two are RequestBody::kFree.
enum class BodySize : std::uint8_t { small, message, callback };

struct Route {
  http::verb method = http::verb::get;
  std::string_view pattern;  // "/v1/messages/{id}"; a literal
  Access access = Access::read;
  std::string_view produces;                 // media type; empty: the handler has nothing to say but a status
  std::vector<std::string_view> parameters;  // query parameters it knows
  Handler handler;
  std::vector<std::string_view> consumes = {kJson};  // media types of a body; "*/*": any, also none
  BodySize body = BodySize::small;
  Render render = &problem;  // what the gate has to say for this route
};

// What the head of a request came to.
struct Admission {
  const Route* route = nullptr;  // of the router
  bool key_checked = true;       // false: the key signs the body, and is looked at when that is there
};

class Router {
 public:
  Router(Authenticator& authenticator, const Cors& cors, Log& log);
  void add(Route route);
  // Fields for the answers of routes that send (Access::send): what is left of the limits of who asks.
  using Meter = std::function<std::vector<std::pair<std::string, std::string>>(const Principal&)>;
  void show_limits(Meter meter) { meter_ = std::move(meter); }
  std::vector<const Route*> routes() const;  // in that order; docs/openapi.json is held against them

  // None of these throws: what the gate or a handler throws is logged and answered 500.
  // `request` has all but its body. Sets its captures and principal; or gives the refusal to send, and then no body is read.
  boost::asio::awaitable<std::variant<Admission, Response>> admit(Request& request) const;
  // The whole request, as it was admitted.
  boost::asio::awaitable<Response> handle(Request& request, Admission admission) const;
  // A refusal between the two, in the words of the route.
  Response refuse(const Admission& admission, const Refusal& refusal) const;
  const Cors& cors() const { return cors_; }

 private:
  struct Entry {
    Route route;
    std::vector<std::string_view> segments;
  };
  struct Match {
    const Route* route = nullptr;
    const Route* beside = nullptr;  // one of the same path, in whose words a wrong method is refused
    std::string allow;              // methods of the path, when the method was not among them
  };
  Match match(Request& request) const;
  boost::asio::awaitable<std::optional<Refusal>> check_key(Request& request, const Route& route,
                                                           RequestStage stage) const;
  boost::asio::awaitable<Response> answer(Request& request, const Admission& admission) const;
  Refusal failed(const Request& request, std::string_view trouble) const;

  Authenticator& authenticator_;
  const Cors& cors_;
  Log& log_;
  std::vector<Entry> entries_;
  Meter meter_;
};

}  // namespace postrider::mgmt
