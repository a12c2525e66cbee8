#include "relay/outbound/rate_limit.h"

#include <algorithm>

namespace postrider::relay {

namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
// Clocks and alarms are in milliseconds: one that comes this little too early is let through, so that a high rate is reached.
constexpr std::int64_t kTolerance = 10 * kNsPerMs;
// A clock that was set back leaves the arrival time far ahead: nothing this far away was meant.
constexpr std::int64_t kFarAhead = 24LL * 3600 * 1000 * kNsPerMs;

std::int64_t ns(Time at) {
  return to_ms(at) * kNsPerMs;
}

}  // namespace

void RateLimit::set(Rate rate) {
  const std::int64_t per = rate.per.count() * kNsPerMs;
  spacing_ns_.store(rate.count == 0 ? 0 : std::max<std::int64_t>(1, per / rate.count), std::memory_order_relaxed);
}

std::int64_t RateLimit::base(Time now) const {
  const std::int64_t next = next_ns_.load(std::memory_order_relaxed);
  return next - ns(now) > kFarAhead ? ns(now) : std::max(next, ns(now));
}

bool RateLimit::take(Time now) {
  const std::int64_t spacing = spacing_ns_.load(std::memory_order_relaxed);
  if (spacing == 0) return true;
  std::int64_t next = next_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t start = next - ns(now) > kFarAhead ? ns(now) : std::max(next, ns(now));
    if (start - ns(now) > std::min(kTolerance, spacing / 2)) return false;
    if (next_ns_.compare_exchange_weak(next, start + spacing, std::memory_order_relaxed)) return true;
  }
}

void RateLimit::charge(std::uint32_t more, Time now) {
  const std::int64_t spacing = spacing_ns_.load(std::memory_order_relaxed);
  if (spacing == 0 || more == 0) return;
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
  if (spacing == 0) return now;
  const std::int64_t wait = base(now) - ns(now) - std::min(kTolerance, spacing / 2);
  return wait <= 0 ? now : now + Duration((wait + kNsPerMs - 1) / kNsPerMs);
}

}  // namespace postrider::relay
