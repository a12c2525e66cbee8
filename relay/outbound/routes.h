// Routes: which upstreams may take a message, in which order, and which are out of service. Resolved at attempt time,
// never stored with the message. Shared by all relay threads: health and connection slots are atomics, no locks.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/message.h"
#include "core/upstream_config.h"
#include "relay/outbound/noticeboard.h"
#include "relay/outbound/upstream.h"

namespace postrider::relay {

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

  // By priority, equal ones in turn by weight. A recipient whose last hand-over was cut off goes to the same upstream
  // first: it may know the message already.
  RouteDecision decide(const Envelope& envelope, const Recipient& recipient, Time now) const;
  // The head of decide() for a message that is not accepted yet; nothing when no upstream is in service.
  std::optional<std::size_t> first_in_service(const Envelope& envelope, Time now) const;
  // Whom to probe while none is in service: the first that is not paused, else the one whose pause ends first.
  std::size_t preferred(Time now) const;
  // Whom one probe asks, in this order: everybody who is not paused. An upstream behind the preferred one may be well again.
  std::vector<std::size_t> probe_order(Time now) const;
  // Of no lower priority than `chosen` and out of service by its own failures: without a probe now and then nobody would
  // learn that it works again, since `chosen` takes everything.
  std::optional<std::size_t> open_beside(std::size_t chosen, Time now) const;

  std::size_t size() const { return upstreams_.size(); }
  Upstream& at(std::size_t i) { return *upstreams_[i]; }
  const Upstream& at(std::size_t i) const { return *upstreams_[i]; }
  Noticeboard& board() { return board_; }

 private:
  std::uint64_t turn() const { return turn_.fetch_add(1, std::memory_order_relaxed); }

  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::vector<std::size_t> order_;      // indices by priority; equal ones as configured
  std::vector<std::size_t> group_end_;  // for each place in order_: the end of its priority group
  mutable std::atomic<std::uint64_t> turn_{0};
  Noticeboard board_;
};

}  // namespace postrider::relay
