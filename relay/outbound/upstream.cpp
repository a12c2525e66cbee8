#include "relay/outbound/upstream.h"

#include <algorithm>
#include <utility>

namespace postrider::relay {

namespace {

constexpr Duration kLongestPause = std::chrono::hours(24);

// The word of Upstream::probe_interval_state_, taken apart.
struct ProbeInterval {
  static constexpr std::uint64_t kMostPasses = 0xff;
  std::int64_t ends_ms;
  std::uint64_t passes;

  explicit ProbeInterval(std::uint64_t word)
      : ends_ms(static_cast<std::int64_t>(word >> 8)), passes(word & kMostPasses) {}
  ProbeInterval(Time ends, std::uint64_t p) : ends_ms(to_ms(ends)), passes(p) {}
  std::uint64_t word() const { return (static_cast<std::uint64_t>(ends_ms) << 8) | passes; }
  // Also true when the clock was set back so far that the end lies further ahead than an interval is long.
  bool over(Time now, Duration interval) const {
    return to_ms(now) >= ends_ms || ends_ms - to_ms(now) > interval.count();
  }
};

}  // namespace

std::string_view to_string(Health health) {
  switch (health) {
    case Health::closed:
      return "closed";
    case Health::open:
      return "open";
    case Health::probing:
      return "probing";
  }
  return "closed";
}

ProbePass& ProbePass::operator=(ProbePass&& other) noexcept {
  if (this != &other) {
    end();
    upstream_ = std::exchange(other.upstream_, nullptr);
  }
  return *this;
}

void ProbePass::give_back() {
  if (upstream_ != nullptr) upstream_->refund_probe();
  end();
}

void ProbePass::end() {
  if (Upstream* upstream = std::exchange(upstream_, nullptr)) upstream->end_probe();
}

Upstream::Upstream(UpstreamConfig config, HealthPolicy policy)
    : config_(std::move(config)), policy_(policy), connections_(config_.max_connections) {}

bool Upstream::note_hand_over() {
  failures_.store(0, std::memory_order_relaxed);
  if (health() == Health::closed) return false;
  if (recoveries_.fetch_add(1, std::memory_order_relaxed) + 1 < policy_.recover_after) {
    probe_interval_state_.store(0, std::memory_order_relaxed);  // it works: the next probe may go at once
    return false;
  }
  return health_.exchange(Health::closed, std::memory_order_relaxed) != Health::closed;
}

bool Upstream::note_route_failure(const Reason& reason, Time now) {
  last_error_.store(std::make_shared<const std::string>(reason.text));
  recoveries_.store(0, std::memory_order_relaxed);
  const std::uint32_t failures = failures_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (failures < policy_.open_after) return false;
  Health expected = Health::closed;
  if (!health_.compare_exchange_strong(expected, Health::open, std::memory_order_relaxed)) return false;
  probe_interval_state_.store(ProbeInterval(now + policy_.probe_interval, ProbeInterval::kMostPasses).word(),
                              std::memory_order_relaxed);
  return true;
}

bool Upstream::pause_until(Time until, Time now) {
  if (until <= now) until = now + policy_.probe_interval;
  const std::int64_t wanted = to_ms(std::min(until, now + kLongestPause));
  std::int64_t current = paused_until_ms_.load(std::memory_order_relaxed);
  while (current < wanted) {
    if (paused_until_ms_.compare_exchange_weak(current, wanted, std::memory_order_relaxed)) return true;
  }
  return false;
}

std::optional<ProbePass> Upstream::begin_probe(std::uint32_t most, Time now) {
  if (health() == Health::closed || paused(now)) return std::nullopt;
  if (probes_.fetch_add(1, std::memory_order_relaxed) >= most) {
    probes_.fetch_sub(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  std::uint64_t word = probe_interval_state_.load(std::memory_order_relaxed);
  for (;;) {
    ProbeInterval interval(word);
    if (interval.over(now, policy_.probe_interval)) {
      interval = ProbeInterval(now + policy_.probe_interval, 0);
    } else if (interval.passes >= most) {
      probes_.fetch_sub(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    ++interval.passes;
    if (probe_interval_state_.compare_exchange_weak(word, interval.word(), std::memory_order_relaxed)) break;
  }
  Health expected = Health::open;
  health_.compare_exchange_strong(expected, Health::probing, std::memory_order_relaxed);
  return ProbePass(*this);
}

Time Upstream::next_probe(Time now) const {
  const ProbeInterval interval(probe_interval_state_.load(std::memory_order_relaxed));
  const Time free = interval.over(now, policy_.probe_interval) ? now : from_ms(interval.ends_ms);
  return std::max(free, paused(now) ? paused_until() : now);
}

std::string Upstream::last_error() const {
  const auto error = last_error_.load();
  return error ? *error : std::string();
}

void Upstream::end_probe() {
  if (probes_.fetch_sub(1, std::memory_order_relaxed) != 1) return;
  Health expected = Health::probing;
  health_.compare_exchange_strong(expected, Health::open, std::memory_order_relaxed);
}

void Upstream::refund_probe() {
  std::uint64_t word = probe_interval_state_.load(std::memory_order_relaxed);
  for (;;) {
    ProbeInterval interval(word);
    if (interval.passes == 0 || interval.passes == ProbeInterval::kMostPasses) return;
    --interval.passes;
    if (probe_interval_state_.compare_exchange_weak(word, interval.word(), std::memory_order_relaxed)) return;
  }
}

}  // namespace postrider::relay
