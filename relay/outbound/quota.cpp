#include "relay/outbound/quota.h"

#include <algorithm>

namespace postrider::relay {

void Quota::begin_period(Time start, Time end, std::uint64_t used) {
  start_ms_.store(to_ms(start), std::memory_order_relaxed);
  mark_.store(used, std::memory_order_relaxed);
  asked_.store(0, std::memory_order_relaxed);
  used_.store(used, std::memory_order_relaxed);
  end_ms_.store(to_ms(end), std::memory_order_release);
}

void Quota::grant(std::uint64_t mark) {
  mark_.store(std::max(mark, mark_.load(std::memory_order_relaxed)), std::memory_order_release);
}

// A hundredth of the limit is counted ahead, beside what a message has asked for: that much leave a crash can cost.
std::uint64_t Quota::block() const {
  return std::clamp<std::uint64_t>(limit() / 100, 1, 1000);
}

std::uint64_t Quota::wanted_mark() const {
  if (!limited()) return mark();
  const std::uint64_t asked = asked_.load(std::memory_order_relaxed);
  const bool need = used() + (block() + 1) / 2 > mark() || asked > mark();
  // Beside what was asked for, since others go meanwhile: who asks for many must find them when it comes again.
  return need ? std::max(mark(), std::min(std::max(used(), asked) + block(), limit())) : mark();
}

std::uint64_t Quota::left() const {
  return limit() > used() ? limit() - used() : 0;
}

Quota::Leave Quota::take(std::uint32_t recipients, Time now) {
  if (!limited()) return Leave::yes;
  if (to_ms(now) >= end_ms_.load(std::memory_order_acquire)) return Leave::not_yet;
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  for (;;) {
    if (used + recipients > limit()) return Leave::used_up;
    if (used + recipients > mark()) {
      ask_for(used + recipients);
      return Leave::not_yet;
    }
    if (used_.compare_exchange_weak(used, used + recipients, std::memory_order_relaxed)) return Leave::yes;
  }
}

void Quota::ask_for(std::uint64_t mark) {
  std::uint64_t asked = asked_.load(std::memory_order_relaxed);
  while (asked < mark && !asked_.compare_exchange_weak(asked, mark, std::memory_order_relaxed)) {
  }
}

Quota::Leave Quota::ask(Time now) const {
  if (!limited()) return Leave::yes;
  if (to_ms(now) >= end_ms_.load(std::memory_order_acquire)) return Leave::not_yet;
  if (used() >= limit()) return Leave::used_up;
  return used() >= mark() ? Leave::not_yet : Leave::yes;
}

void Quota::give_back(std::uint32_t recipients) {
  if (!limited()) return;
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  while (
      !used_.compare_exchange_weak(used, used - std::min<std::uint64_t>(used, recipients), std::memory_order_relaxed)) {
  }
}

}  // namespace postrider::relay
