// PATCH /v1/messages/{id}: another time, lane or expiry for a message that waits for its first try. mgmt thread.
#pragma once

#include "core/clock.h"
#include "mgmt/router.h"
#include "storage/store.h"

namespace postrider::relay {
class Submission;
}

namespace postrider::mgmt {

class ScheduleApi {
 public:
  // All outlive the router the routes are added to, and so does this. `submission` knows how long a message may wait.
  ScheduleApi(Mailbox& home, const Clock& clock, storage::Store& store, const relay::Submission& submission)
      : home_(home), clock_(clock), store_(store), submission_(submission) {}
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> amend(const Request& request);

  Mailbox& home_;
  const Clock& clock_;
  storage::Store& store_;
  const relay::Submission& submission_;
};

}  // namespace postrider::mgmt
