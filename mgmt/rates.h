// Messages a second over the last one and five minutes, from counters that only ever grow: a ring of samples taken every ten
// seconds. Pure; the caller brings the time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/time.h"

namespace postrider::mgmt {

class RateMeter {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(10);

  // `now` is monotonic. Call once an interval.
  void sample(std::uint64_t count, Duration now);
  // Mean a second from the sample `span` ago (or the oldest there is) to `count` now; nothing before the first sample.
  std::optional<double> per_second(std::uint64_t count, Duration now, Duration span) const;

 private:
  struct Sample {
    std::uint64_t count = 0;
    Duration at{};
  };
  static constexpr std::size_t kSamples = 31;  // five minutes and the one before
  std::array<Sample, kSamples> samples_{};
  std::size_t taken_ = 0;
};

}  // namespace postrider::mgmt
