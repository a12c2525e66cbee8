// POST /v1/messages and POST /v1/messages/batch: 202 with the ids, once the messages are durable. mgmt thread.
#pragma once

#include "mgmt/letter_request.h"
#include "mgmt/router.h"
#include "mgmt/send_door.h"
#include "mgmt/sending_limits.h"

namespace postrider::mgmt {

class SendApi {
 public:
  // Both outlive the router the routes are added to, and so does this.
  SendApi(SendDoor& door, const SendingLimits& limits) : door_(door), limits_(limits) {}
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> send(const Request& request);
  boost::asio::awaitable<Response> send_batch(const Request& request);
  boost::asio::awaitable<Response> send_items(const Request& request, std::vector<BatchItem> items);
  Response with_limits(Response response, const Request& request) const;

  SendDoor& door_;
  const SendingLimits& limits_;
};

}  // namespace postrider::mgmt
