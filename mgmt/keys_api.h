// /v1/keys: the API keys, for admins. A key's secret goes out once, in the answer that made it. mgmt thread.
#pragma once

#include <string>

#include "core/clock.h"
#include "core/log.h"
#include "mgmt/http.h"
#include "mgmt/key_ring.h"
#include "mgmt/router.h"

namespace postrider::mgmt {

class KeysApi {
 public:
  // `aws_key`: see mgmt/aws_auth.h.
  KeysApi(const Clock& clock, KeyRing& keys, std::string aws_key, Log& log);
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> list(const Request& request);
  boost::asio::awaitable<Response> create(const Request& request);
  boost::asio::awaitable<Response> revoke(const Request& request);

  const Clock& clock_;
  KeyRing& keys_;
  const std::string aws_key_;
  Log& log_;
};

}  // namespace postrider::mgmt
