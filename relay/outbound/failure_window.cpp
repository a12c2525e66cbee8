#include "relay/outbound/failure_window.h"

#include <algorithm>

namespace postrider::relay {

namespace {

struct Half {
  std::uint32_t number = 0;
  std::uint32_t all = 0, failed = 0;

  explicit Half(std::uint64_t word)
      : number(static_cast<std::uint32_t>(word >> 32)),
        all(static_cast<std::uint32_t>(word >> 16) & 0xffff),
        failed(static_cast<std::uint32_t>(word) & 0xffff) {}
  std::uint64_t word() const { return std::uint64_t{number} << 32 | std::uint64_t{all} << 16 | failed; }
  void count(bool failure) {
    if (all == 0xffff) {  // so many at once: the share is what matters
      all /= 2;
      failed /= 2;
    }
    ++all;
    if (failure) ++failed;
  }
};

std::uint32_t number_at(Time now, Duration window) {
  const std::int64_t half = std::max<std::int64_t>(1, window.count() / 2);
  return static_cast<std::uint32_t>(to_ms(now) / half);
}

// How many halves ago it was; 0 also for the half that has just begun when a thread read the clock before that.
std::uint32_t halves_since(const Half& half, std::uint32_t number) {
  return half.number - number == 1 ? 0 : number - half.number;
}

}  // namespace

FailureWindow::Counts FailureWindow::note(bool failed, Time now, Duration window) {
  const std::uint32_t number = number_at(now, window);
  std::uint64_t word = current_.load(std::memory_order_relaxed);
  for (;;) {
    Half half(word);
    if (halves_since(half, number) != 0) {
      before_.store(word, std::memory_order_relaxed);
      half = Half(std::uint64_t{number} << 32);
    }
    half.count(failed);
    if (current_.compare_exchange_weak(word, half.word(), std::memory_order_relaxed)) break;
  }
  return counts(now, window);
}

FailureWindow::Counts FailureWindow::counts(Time now, Duration window) const {
  const std::uint32_t number = number_at(now, window);
  Counts counts;
  for (const Half half :
       {Half(current_.load(std::memory_order_relaxed)), Half(before_.load(std::memory_order_relaxed))}) {
    if (halves_since(half, number) > 1) continue;
    counts.all += half.all;
    counts.failed += half.failed;
  }
  return counts;
}

void FailureWindow::clear() {
  current_.store(0, std::memory_order_relaxed);
  before_.store(0, std::memory_order_relaxed);
}

}  // namespace postrider::relay
