// Quota: how many recipients an upstream may be handed in a day or month. Counted by all relay threads on one atomic word; made
// durable ahead of use: take() only grants what the spool already counts as used, so that a crash can lose leave but never a
// count. The UpstreamKeeper moves the mark and begins new periods; see there.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/time.h"

namespace postrider::relay {

class Quota {
 public:
  // 0: no limit. Any thread.
  void set_limit(std::uint64_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  bool limited() const { return limit() != 0; }

  // Keeper only: the period that `now` lies in, with what was used of it.
  void begin_period(Time start, Time end, std::uint64_t used);
  void grant(std::uint64_t mark);  // counts up to here are durable
  Time period_start() const { return from_ms(start_ms_.load(std::memory_order_relaxed)); }
  Time period_end() const { return from_ms(end_ms_.load(std::memory_order_relaxed)); }
  std::uint64_t mark() const { return mark_.load(std::memory_order_relaxed); }
  // The mark that should be durable next; not over the limit, equal to mark() while there is no need.
  std::uint64_t wanted_mark() const;

  enum class Leave : std::uint8_t { yes, used_up, not_yet };  // not_yet: the mark or the new period is on its way
  Leave take(std::uint32_t recipients, Time now);             // all of them or none
  Leave ask(Time now) const;                                  // what take(1) would say
  void give_back(std::uint32_t recipients);
  std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  std::uint64_t left() const;

 private:
  std::uint64_t block() const;
  void ask_for(std::uint64_t mark);
  std::atomic<std::uint64_t> limit_{0}, used_{0}, mark_{0};
  std::atomic<std::uint64_t> asked_{0};  // the highest mark that somebody waits for
  std::atomic<std::int64_t> start_ms_{0}, end_ms_{0};
};

}  // namespace postrider::relay
