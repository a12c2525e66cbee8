// POST /v1/messages and POST /v1/messages/batch: 202 with the ids, once the messages are durable. mgmt thread.
#pragma once

#include "mgmt/letter_request.h"
#include "mgmt/router.h"
#include "mgmt/send_door.h"

namespace postrider::mgmt {

class SendApi {
 public:
  // The door outlives the router the routes are added to, and so does this.
  explicit SendApi(SendDoor& door) : door_(door) {}
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> send(const Request& request);
  boost::asio::awaitable<Response> send_batch(const Request& request);
  boost::asio::awaitable<Response> send_items(const Request& request, std::vector<BatchItem> items);

  SendDoor& door_;
};

}  // namespace postrider::mgmt
