// /health, /livez, /readyz (public) and /metrics (with a key; Prometheus text, or JSON for who asks for it). mgmt thread; Readiness may be set from any thread.
#pragma once

#include <atomic>

#include "core/metrics.h"
#include "mgmt/router.h"
#include "storage/store.h"

namespace postrider::mgmt {

enum class Phase : std::uint8_t { starting, serving, stopping };

// Where the daemon is in its life, for /readyz.
class Readiness {
 public:
  void set(Phase phase) { phase_.store(phase, std::memory_order_relaxed); }
  Phase phase() const { return phase_.load(std::memory_order_relaxed); }

 private:
  std::atomic<Phase> phase_{Phase::starting};
};

class HealthApi {
 public:
  HealthApi(const Readiness& readiness, const storage::Store& store, const MetricsRegistry& metrics);
  void add_public_routes(Router& router);
  void add_metrics_route(Router& router);

 private:
  boost::asio::awaitable<Response> ready(const Request& request);
  boost::asio::awaitable<Response> metrics(const Request& request);

  const Readiness& readiness_;
  const storage::Store& store_;
  const MetricsRegistry& metrics_;
};

}  // namespace postrider::mgmt
