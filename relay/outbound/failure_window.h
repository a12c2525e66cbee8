// FailureWindow: the share of hand-overs that failed by the route in about the last `window`, over all threads, as two counters of
// half a window each. Lock-free; a count that falls between two halves may be lost, which no decision here notices.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/time.h"

namespace postrider::relay {

class FailureWindow {
 public:
  struct Counts {
    std::uint32_t all = 0, failed = 0;
  };
  // Counts one and says what the window holds with it.
  Counts note(bool failed, Time now, Duration window);
  Counts counts(Time now, Duration window) const;
  void clear();

 private:
  // Number of the half window in the upper 32 bits, then 16 bits each of all and failed.
  std::atomic<std::uint64_t> current_{0}, before_{0};
};

}  // namespace postrider::relay
