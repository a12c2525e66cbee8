// /v1/retention: the policy, what a run would remove now, what the last one removed, and running it. For the operator. Every
// step is one bounded operation of the store; a request does a bounded number of them. mgmt thread.
#pragma once

#include "core/clock.h"
#include "mgmt/http.h"
#include "mgmt/retention_book.h"
#include "mgmt/router.h"
#include "storage/store.h"

namespace postrider::mgmt {

// Retention as it is configured. A plain value, changed on the mgmt thread only.
struct RetentionRules {
  storage::RetirePolicy policy;
  bool notify_sender = true;  // delivery.dsn

  storage::RetireRequest request(Time now) const;
};

class RetentionApi {
 public:
  // What one request does at most.
  static constexpr std::size_t kPreviewRows = 20'000;
  static constexpr int kMaxSteps = 200;
  static constexpr Duration kMaxTime = std::chrono::seconds(10);

  // All outlive the router the routes are added to, and so does this.
  RetentionApi(Mailbox& home, const Clock& clock, storage::Store& store, const RetentionRules& rules,
               RetentionBook& book);
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> show(const Request& request);
  boost::asio::awaitable<Response> run(const Request& request);
  boost::asio::awaitable<result<storage::Retired>> preview();

  Mailbox& home_;
  const Clock& clock_;
  storage::Store& store_;
  const RetentionRules& rules_;
  RetentionBook& book_;
};

}  // namespace postrider::mgmt
