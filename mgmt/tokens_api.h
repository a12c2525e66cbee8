// /tokens: a session for a name and a password, and whether a token is good. /v1/tokens/rotate ends all sessions. mgmt thread.
#pragma once

#include "core/clock.h"
#include "core/log.h"
#include "mgmt/auth.h"
#include "mgmt/http.h"
#include "mgmt/key_ring.h"
#include "mgmt/router.h"
#include "mgmt/sessions.h"

namespace postrider::mgmt {

class TokensApi {
 public:
  TokensApi(const Clock& clock, Authenticator& authenticator, Sessions& sessions, const KeyRing& keys, Log& log);
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> create(const Request& request);
  boost::asio::awaitable<Response> show(const Request& request);
  boost::asio::awaitable<Response> rotate(const Request& request);
  Time expiry_of(std::string_view token) const;

  const Clock& clock_;
  Authenticator& authenticator_;
  Sessions& sessions_;
  const KeyRing& keys_;
  Log& log_;
};

}  // namespace postrider::mgmt
