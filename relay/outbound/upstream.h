// Upstream: one configured next hop as all relay threads see it: its circuit (in service or not), its pause, its probes.
// Shared by every relay thread; all state is atomic, nothing blocks. It never talks to the network: transports do, and
// dispatchers report here what came of it.
//
//   closed --open_after consecutive route failures--> open --a probe begins--> probing --the probe failed--> open
//     ^                                                                          |
//     +--------------------- recover_after real hand-overs ----------------------+
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/budget.h"
#include "core/outcome.h"
#include "core/time.h"
#include "core/upstream_config.h"

namespace postrider::relay {

enum class Health : std::uint8_t { closed, open, probing };  // circuit: closed = in service
std::string_view to_string(Health);

struct HealthPolicy {
  std::uint32_t open_after = 5;  // consecutive route failures
  Duration probe_interval = std::chrono::seconds(30);
  std::uint32_t recover_after = 1;  // real hand-overs
};

class Upstream;

// Leave for one try at an upstream that is out of service. Ends with its destruction.
class ProbePass {
 public:
  ProbePass(ProbePass&& other) noexcept : upstream_(std::exchange(other.upstream_, nullptr)) {}
  ProbePass& operator=(ProbePass&& other) noexcept;
  ~ProbePass() { end(); }
  void give_back();  // unused: another message may have it at once

 private:
  friend class Upstream;
  explicit ProbePass(Upstream& upstream) : upstream_(&upstream) {}
  void end();
  Upstream* upstream_;
};

class Upstream {
 public:
  Upstream(UpstreamConfig config, HealthPolicy policy);

  const UpstreamConfig& config() const { return config_; }
  Health health() const { return health_.load(std::memory_order_relaxed); }
  bool paused(Time now) const { return to_ms(now) < paused_until_ms_.load(std::memory_order_relaxed); }
  Time paused_until() const { return from_ms(paused_until_ms_.load(std::memory_order_relaxed)); }
  bool in_service(Time now) const { return health() == Health::closed && !paused(now); }
  Budget& connections() { return connections_; }  // slots over all threads

  // What attempts report. Return true when the circuit opened or closed (the caller logs it and wakes who waits).
  bool note_hand_over();  // it took responsibility for a recipient
  bool note_route_failure(const Reason& reason, Time now);
  // It answered about the message (a refusal): that ends a run of route failures, but closes no circuit.
  void note_answer() { failures_.store(0, std::memory_order_relaxed); }
  // Throttled: nothing more goes to it until then. Without a time of the peer's own: for one probe interval. Never
  // longer than a day, whatever it said. Returns true when the pause is new or longer.
  bool pause_until(Time until, Time now);

  // At most `most` tries at once and in each probe interval, over all threads, while the circuit is not closed.
  std::optional<ProbePass> begin_probe(std::uint32_t most, Time now);
  // When begin_probe() is worth asking again; a probe that ends wakes its dispatcher anyway.
  Time next_probe(Time now) const;

  std::string last_error() const;  // for people; empty: none yet

 private:
  friend class ProbePass;
  void end_probe();
  void refund_probe();

  UpstreamConfig config_;
  HealthPolicy policy_;
  std::atomic<Health> health_{Health::closed};
  std::atomic<std::uint32_t> failures_{0}, recoveries_{0}, probes_{0};
  // End of the current probe interval in ms, shifted by 8, and in the low 8 bits the passes given out in it.
  std::atomic<std::uint64_t> probe_interval_state_{0};
  std::atomic<std::int64_t> paused_until_ms_{0};
  std::atomic<std::shared_ptr<const std::string>> last_error_;
  Budget connections_;
};

}  // namespace postrider::relay
