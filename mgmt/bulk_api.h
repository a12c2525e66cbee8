// POST /v1/messages/retry|hold|release|cancel: steering all messages that fit a filter, newest first, in bounded steps; the
// answer says where to go on. Nothing is held between requests, neither here nor in the store. mgmt thread.
#pragma once

#include "core/clock.h"
#include "mgmt/bulk_rules.h"
#include "mgmt/http.h"
#include "mgmt/router.h"
#include "storage/store.h"

namespace postrider::mgmt {

struct BulkLimits {
  std::size_t page = 250;            // messages read at a time
  std::size_t max_messages = 1000;   // that fit, for one request; a dry run, which only counts, takes
  std::size_t max_counted = 20'000;  // this many
  std::size_t max_pages = 100;       // for filters that fit little
  std::size_t batch = 200;           // recipients or messages in one operation of the store's writer
  Duration max_time = std::chrono::seconds(5);
};

class BulkApi {
 public:
  // All outlive the router the routes are added to, and so does this.
  BulkApi(Mailbox& home, const Clock& clock, storage::Store& store, BulkLimits limits = {});
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> run(const Request& request, storage::SteerVerb verb);
  boost::asio::awaitable<result<Nothing>> work(BulkOrder& order, BulkTotals& totals);
  boost::asio::awaitable<result<Nothing>> steer(const BulkOrder& order, const storage::ListPage& page,
                                                BulkTotals& totals);

  Mailbox& home_;
  const Clock& clock_;
  storage::Store& store_;
  BulkLimits limits_;
};

}  // namespace postrider::mgmt
