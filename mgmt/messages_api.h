// /v1/messages: listing, one message with its history, and steering it; bodies are mgmt/body_api.h, many at once
// mgmt/bulk_api.h. Reads and steers through the store only; the store wakes the dispatchers. mgmt thread.
#pragma once

#include "core/clock.h"
#include "mgmt/http.h"
#include "mgmt/router.h"
#include "storage/store.h"

namespace postrider::mgmt {

class MessagesApi {
 public:
  // All three outlive the router the routes are added to, and so does this.
  MessagesApi(Mailbox& home, const Clock& clock, storage::Store& store);
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> list(const Request& request);
  boost::asio::awaitable<Response> show(const Request& request);
  boost::asio::awaitable<Response> steer(const Request& request, storage::SteerVerb verb);

  Mailbox& home_;
  const Clock& clock_;
  storage::Store& store_;
};

// The query parameters of a listing, as API and `spool list` take them; the fault names the parameter.
result<storage::ListQuery> parse_list_query(const std::vector<std::pair<std::string, std::string>>& parameters);

}  // namespace postrider::mgmt
