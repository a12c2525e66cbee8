// Upstream: one configured next hop as all relay threads see it: its circuit (in service or not), its pauses, its limits and quotas.
// Shared by every relay thread and the mgmt thread; all state is atomic, nothing blocks. It never talks to the network: transports
// do, and dispatchers report here what came of it. Found by name across a reload: its object stays, its configuration changes.
//
//   closed --open_after route failures in a row, too many of them, or attempts that stall--> open --a probe begins--> probing
//     ^                                                        ^                                                       |
//     +---- recover_after real hand-overs ---------------------+------------------- the probe failed ------------------+
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/budget.h"
#include "core/outcome.h"
#include "core/time.h"
#include "core/upstream_config.h"
#include "relay/outbound/failure_window.h"
#include "relay/outbound/quota.h"
#include "relay/outbound/rate_limit.h"

namespace postrider::relay {

enum class Health : std::uint8_t { closed, open, probing };  // circuit: closed = in service
std::string_view to_string(Health);

struct HealthPolicy {
  std::uint32_t open_after = 5;  // consecutive route failures, or attempts that are stalled at once
  Duration probe_interval = std::chrono::seconds(30);
  std::uint32_t recover_after = 1;                 // real hand-overs
  std::uint32_t open_rate = 50;                    // percent of hand-overs failed by the route; 0: not looked at
  std::uint32_t open_sample = 20;                  // hand-overs in the window before the rate says anything
  Duration open_window = std::chrono::minutes(1);  // for open_rate
  Duration stall_after = std::chrono::minutes(1);  // an attempt under way for longer is stalled
};

class Upstream;

// Leave for one try at an upstream that is out of service. Ends with its destruction.
class ProbePass {
 public:
  ProbePass(ProbePass&& other) noexcept : upstream_(std::exchange(other.upstream_, nullptr)) {}
  ProbePass& operator=(ProbePass&& other) noexcept;
  ~ProbePass() { end(); }
  void give_back();  // unused: another message may have it at once
  const Upstream* upstream() const { return upstream_; }

 private:
  friend class Upstream;
  explicit ProbePass(Upstream& upstream) : upstream_(&upstream) {}
  void end();
  Upstream* upstream_;
};

// What a report did to the circuit.
enum class Change : std::uint8_t {
  none,
  opened,
  closed,
  works_again
};  // works_again: after failures that did not open it

class Upstream {
 public:
  Upstream(UpstreamConfig config, HealthPolicy policy);

  // The reference stays good as long as the Upstream lives, also after a reload.
  const UpstreamConfig& config() const { return *config_.load(std::memory_order_acquire); }
  const std::string& name() const { return name_; }
  // A reload. What changed is tried at once: a probe that had to wait need not.
  void reconfigure(UpstreamConfig config, HealthPolicy policy);

  Health health() const { return health_.load(std::memory_order_relaxed); }
  // A pause longer than any can be is one from before the clock was set back.
  bool paused(Time now) const { return is_ahead(paused_until_ms_.load(std::memory_order_relaxed), now); }
  Time paused_until() const { return from_ms(paused_until_ms_.load(std::memory_order_relaxed)); }
  // Paused for longer than mail waits for it (spill_after): it goes to the next upstream meanwhile.
  bool skipped_for_pause(Time now) const;
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }  // by an operator
  // May be asked for due mail, now or after a short wait for room.
  bool in_service(Time now) const;
  // Could be asked as a probe: out of service by its failures only.
  bool worth_a_probe(Time now) const;

  Budget& connections() { return connections_; }  // slots over all threads
  const Budget& connections() const { return connections_; }
  RateLimit& rate() { return rate_; }
  const RateLimit& rate() const { return rate_; }
  Quota& day() { return day_; }
  Quota& month() { return month_; }
  const Quota& day() const { return day_; }
  const Quota& month() const { return month_; }
  Quota::Leave quota(Time now) const;
  Quota::Leave take_quota(std::uint32_t recipients, Time now);
  void give_back_quota(std::uint32_t recipients);
  // True once when a mark should be moved; the keeper answers with mark_moved().
  bool wants_mark();
  void mark_moved() { mark_asked_.store(false, std::memory_order_release); }
  Time quota_renewed(Time now) const;  // with quota() == used_up: when it is new

  // What attempts report. The caller tells the keeper of a change, and wakes who waits.
  // It took responsibility for a recipient. The first one of the process counts as works_again: what happened before is not known.
  Change note_hand_over(Time now);
  Change note_route_failure(const Reason& reason, Time now);
  Change note_stalled(Time now);  // one more attempt has been under way for stall_after
  void note_unstalled() { stalled_.fetch_sub(1, std::memory_order_relaxed); }
  // It answered about the message (a refusal): that ends a run of route failures, but closes no circuit.
  void note_answer(Time now);
  // Throttled: nothing more goes to it until then. Without a time of the peer's own: for one probe interval. Never
  // longer than `kLongestPause`, whatever it said. `why`, with a text, is its last error. Returns true when the pause is new or longer.
  bool pause_until(Time until, Time now, const Reason& why = {});
  static constexpr Duration kLongestPause = std::chrono::hours(24);

  // Steering. True when it changed.
  bool stop() { return !stopped_.exchange(true); }
  bool resume();  // also ends a learned pause, and lets a probe go at once

  // At most `most` tries at once and in each probe interval, over all threads, while the circuit is not closed.
  std::optional<ProbePass> begin_probe(std::uint32_t most, Time now);
  // All passes are out, and since longer than an interval: it does not even answer.
  bool probes_hang(std::uint32_t most, Time now) const;
  // When begin_probe() is worth asking again; a probe that ends wakes its dispatcher anyway.
  Time next_probe(Time now) const;

  // Counts for people; since the start of the process.
  struct Tally {
    std::array<std::uint64_t, 4> attempts{};  // by OutcomeKind
    std::uint64_t sent = 0, route_failures = 0, refusals = 0, throttles = 0;
  };
  Tally tally() const;
  void count_attempt(OutcomeKind outcome) {
    attempts_[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
  }
  void enter() { in_flight_.fetch_add(1, std::memory_order_relaxed); }
  void leave() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint32_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  std::uint32_t stalled() const { return stalled_.load(std::memory_order_relaxed); }
  FailureWindow::Counts recent(Time now) const { return window_.counts(now, policy().open_window); }
  HealthPolicy policy() const { return *policy_.load(std::memory_order_acquire); }

  struct Failure {
    Reason reason;
    Time at{};
  };
  std::shared_ptr<const Failure> last_failure() const { return last_failure_.load(); }  // null: none yet
  std::string last_error() const;                                                       // for people; empty: none yet

  // What a restart must know; see storage::UpstreamState. Before the first attempt.
  // `kept_at`: when that was written, which is when it failed, or little later.
  void restore(Health health, Stage opened_at, std::string last_error, Time paused_until, bool stopped, Time kept_at,
               Time now);

 private:
  friend class ProbePass;
  static bool is_ahead(std::int64_t until_ms, Time now) {
    return to_ms(now) < until_ms && until_ms - to_ms(now) <= kLongestPause.count();
  }
  void end_probe();
  void refund_probe();
  bool open(const Reason& reason, Time now);

  const std::string name_;
  std::atomic<const UpstreamConfig*> config_;
  std::atomic<const HealthPolicy*> policy_;
  std::vector<std::unique_ptr<const UpstreamConfig>> configs_;  // all there were: references to them are about
  std::vector<std::unique_ptr<const HealthPolicy>> policies_;

  std::atomic<Health> health_{Health::closed};
  std::atomic<bool> stopped_{false}, proven_{false};
  std::atomic<bool> mark_asked_{false};
  std::atomic<std::uint32_t> failures_{0}, recoveries_{0}, probes_{0}, stalled_{0}, in_flight_{0};
  // End of the current probe interval in ms, shifted by 8, and in the low 8 bits the passes given out in it.
  std::atomic<std::uint64_t> probe_interval_state_{0};
  std::atomic<std::int64_t> paused_until_ms_{0}, answered_ms_{0};
  std::array<std::atomic<std::uint64_t>, 4> attempts_{};
  std::atomic<std::uint64_t> sent_{0}, route_failures_{0}, refusals_{0}, throttles_{0};
  std::atomic<std::shared_ptr<const Failure>> last_failure_;
  FailureWindow window_;
  RateLimit rate_;
  Quota day_, month_;
  Budget connections_;
};

}  // namespace postrider::relay
