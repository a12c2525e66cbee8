// GET /v1/stats: the relay at a glance, for the operator: spool, what happened since the start and how fast, the process. Reads
// snapshots only; costs an alarm every ten seconds between requests. mgmt thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/metrics.h"
#include "mgmt/http.h"
#include "mgmt/rates.h"
#include "mgmt/router.h"
#include "storage/store.h"

namespace postrider::mgmt {

// What the API tells of the process it is in.
struct DaemonFacts {
  std::string version, hostname;
  std::uint32_t relay_threads = 0;
  std::function<std::uint64_t()> log_dropped;  // lines the log lost; null: not known
};

class StatsApi {
 public:
  // All references outlive the router the route is added to, and so does this. `alarm` is the mgmt Loop's.
  StatsApi(const Clock& clock, std::unique_ptr<Alarm> alarm, const storage::Store& store,
           const MetricsRegistry& metrics, DaemonFacts facts);
  void add_routes(Router& router);
  void start();  // the clock of `uptime` and rates
  void stop();

 private:
  boost::asio::awaitable<Response> show(const Request& request);
  void sample();

  const Clock& clock_;
  std::unique_ptr<Alarm> alarm_;
  const storage::Store& store_;
  const MetricsRegistry& metrics_;
  DaemonFacts facts_;
  Time started_at_{};
  Duration started_{};
  RateMeter accepted_, sent_;
};

}  // namespace postrider::mgmt
