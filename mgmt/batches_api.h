// GET /v1/batches/{id}: what became of the messages of one call. mgmt thread.
#pragma once

#include "mgmt/router.h"
#include "storage/store.h"

namespace postrider::mgmt {

class BatchesApi {
 public:
  // Both outlive the router the routes are added to, and so does this.
  BatchesApi(Mailbox& home, storage::Store& store) : home_(home), store_(store) {}
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> show(const Request& request);

  Mailbox& home_;
  storage::Store& store_;
};

}  // namespace postrider::mgmt
