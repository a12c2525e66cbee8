// Routes: which upstreams may take a message, in which order, and which are out of service. Resolved at attempt time,
// never stored with the message. Shared by all relay threads: health and connection slots are atomics, no locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/budget.h"
#include "core/message.h"
#include "core/upstream_config.h"

namespace postrider::relay {

enum class Health : std::uint8_t { closed, open, probing };  // circuit: closed = in service
std::string_view to_string(Health);

struct HealthPolicy {
  std::uint32_t open_after = 5;       // consecutive route failures
  Duration probe_interval = std::chrono::seconds(30);
  std::uint32_t recover_after = 1;    // real hand-overs
};

class Upstream {
 public:
  Upstream(UpstreamConfig config, HealthPolicy policy);

  const UpstreamConfig& config() const { return config_; }
  Health health() const { return health_.load(std::memory_order_relaxed); }
  bool paused(Time now) const;        // throttled
  Time paused_until() const;
  bool in_service(Time now) const { return health() == Health::closed && !paused(now); }
  Budget& connections() { return connections_; }  // slots over all threads

  // What attempts report. Return true when the health changed (the caller logs it).
  bool note_hand_over();
  bool note_route_failure(const Reason& reason, Time now);
  void pause_until(Time until);

  std::string last_error() const;     // for people; copies under a small internal lock-free slot

 private:
  UpstreamConfig config_;
  HealthPolicy policy_;
  std::atomic<Health> health_{Health::closed};
  std::atomic<std::uint32_t> failures_{0}, recoveries_{0};
  std::atomic<std::int64_t> paused_until_ms_{0};
  std::atomic<std::shared_ptr<const std::string>> last_error_;
  Budget connections_;
};

struct Candidate {
  std::size_t upstream = 0;  // index into Routes
  std::string why;           // one clause, for the attempt's record and `explain`
};

struct RouteDecision {
  std::vector<Candidate> in_service;  // to be asked in this order within one try
  std::size_t preferred = 0;          // the one to probe when none is in service
};

class Routes {
 public:
  Routes(std::vector<UpstreamConfig> upstreams, HealthPolicy policy);  // at least one
  RouteDecision decide(const Envelope& envelope, const Recipient& recipient, Time now) const;
  std::size_t size() const { return upstreams_.size(); }
  Upstream& at(std::size_t i) { return *upstreams_[i]; }
  const Upstream& at(std::size_t i) const { return *upstreams_[i]; }

 private:
  std::vector<std::unique_ptr<Upstream>> upstreams_;
};

}  // namespace postrider::relay
