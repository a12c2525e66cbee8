#include "relay/outbound/rate_limit.h"

#include <algorithm>

namespace postrider::relay {

namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
// Clocks and alarms are in milliseconds, and many may have leave within one: who comes this little too early is let through, so that
// a high rate is reached. It is no gift: what follows waits for it.
constexpr std::int64_t kTolerance = 10 * kNsPerMs;
// Threads read the clock one after the other; what differs by more was set back.
constexpr std::int64_t kSetBack = 1000 * kNsPerMs;

std::int64_t ns(Time at) {
  return to_ms(at) * kNsPerMs;
}

}  // namespace

void RateLimit::set(Rate rate) {
  const std::int64_t per = rate.per.count() * kNsPerMs;
  const std::int64_t spacing = rate.count == 0 ? 0 : std::max<std::int64_t>(1, per / rate.count);
  if (spacing_ns_.exchange(spacing, std::memory_order_relaxed) == spacing) return;
  next_ns_.store(0, std::memory_order_relaxed);  // nobody waits for a rate that was
}

// After a clock was set back: by how much, until somebody has followed it.
std::int64_t RateLimit::set_back(Time now) const {
  const std::int64_t back = latest_ns_.load(std::memory_order_relaxed) - ns(now);
  return back > kSetBack ? back : 0;
}

// The arrival time is on the clock's scale: it goes back with it. One thread moves it.
void RateLimit::follow_clock(Time now) {
  std::int64_t latest = latest_ns_.load(std::memory_order_relaxed);
  while (ns(now) > latest || latest - ns(now) > kSetBack) {
    if (!latest_ns_.compare_exchange_weak(latest, ns(now), std::memory_order_relaxed)) continue;
    if (latest > ns(now)) next_ns_.fetch_sub(latest - ns(now), std::memory_order_relaxed);
    return;
  }
}

bool RateLimit::take(Time now) {
  const std::int64_t spacing = spacing_ns_.load(std::memory_order_relaxed);
  if (spacing == 0) return true;
  follow_clock(now);
  std::int64_t next = next_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t start = std::max(next, ns(now));
    if (start - ns(now) > kTolerance) return false;
    if (next_ns_.compare_exchange_weak(next, start + spacing, std::memory_order_relaxed)) return true;
  }
}

void RateLimit::charge(std::uint32_t more, Time now) {
  const std::int64_t spacing = spacing_ns_.load(std::memory_order_relaxed);
  if (spacing == 0 || more == 0) return;
  follow_clock(now);
  std::int64_t next = next_ns_.load(std::memory_order_relaxed);
  while (!next_ns_.compare_exchange_weak(next, std::max(next, ns(now)) + spacing * more, std::memory_order_relaxed)) {
  }
}

void RateLimit::give_back(std::uint32_t count) {
  const std::int64_t spacing = spacing_ns_.load(std::memory_order_relaxed);
  if (spacing != 0) next_ns_.fetch_sub(spacing * count, std::memory_order_relaxed);
}

Time RateLimit::at(Time now) const {
  const std::int64_t spacing = spacing_ns_.load(std::memory_order_relaxed);
  // take() follows a clock that was set back. Reckoned here, where nothing may move, the wait would be as long at every look.
  if (spacing == 0 || set_back(now) > 0) return now;
  const std::int64_t wait = next_ns_.load(std::memory_order_relaxed) - ns(now) - kTolerance;
  return wait <= 0 ? now : now + Duration((wait + kNsPerMs - 1) / kNsPerMs);
}

}  // namespace postrider::relay
