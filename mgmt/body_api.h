// GET /v1/messages/{id}/body: the octets as they will be sent, streamed window by window, or the header alone. Reads through
// the store only, each window in a short read of its own. mgmt thread.
#pragma once

#include "mgmt/http.h"
#include "mgmt/router.h"
#include "storage/store.h"

namespace postrider::mgmt {

class BodyApi {
 public:
  // Both outlive the router the route is added to, and so does this.
  BodyApi(Mailbox& home, storage::Store& store) : home_(home), store_(store) {}
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> body(const Request& request);
  boost::asio::awaitable<Response> whole(const MessageRecord& message);
  boost::asio::awaitable<Response> header(const MessageRecord& message);
  boost::asio::awaitable<Response> removed(MessageId id);

  Mailbox& home_;
  storage::Store& store_;
};

}  // namespace postrider::mgmt
