// RateLimit: so many in a time, evenly spaced, over all threads: the generic cell rate algorithm on one atomic word (ITU-T I.371, the
// "virtual scheduling" form). Nothing blocks; who gets no leave is told when to ask again.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/time.h"
#include "core/upstream_config.h"

namespace postrider::relay {

class RateLimit {
 public:
  void set(Rate rate);  // count 0: no limit. Any thread, any time; another rate than before begins anew
  bool limited() const { return spacing_ns_.load(std::memory_order_relaxed) != 0; }

  // Leave for one, or for none; see at() then.
  bool take(Time now);
  // For `more` that go with one that has leave already: they are not refused, those that follow wait for them.
  void charge(std::uint32_t more, Time now);
  void give_back(std::uint32_t count);  // they did not go after all
  Time at(Time now) const;              // when take() will next be granted, as things stand

 private:
  std::int64_t set_back(Time now) const;
  void follow_clock(Time now);

  std::atomic<std::int64_t> spacing_ns_{0};
  std::atomic<std::int64_t> next_ns_{0};    // the theoretical arrival time, in ns since the epoch
  std::atomic<std::int64_t> latest_ns_{0};  // that the clock was seen at
};

}  // namespace postrider::relay
