// BodyMemory: the memory for whole bodies and their requests, over all threads and upstreams. Under steady small mail there is always
// some of it free, and never enough for a large body: so one large body at a time has the turn, and while it waits nobody else is
// given anything. Any thread, lock-free.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "core/budget.h"

namespace postrider::relay {

class BodyMemory {
 public:
  // Of the limit; what needs more may have the turn.
  static constexpr std::uint64_t kLargePart = 16;

  explicit BodyMemory(std::uint64_t limit) : budget_(limit) {}

  // Somebody who wants memory, from the first question to the answer. Gives the turn back when it goes.
  class Waiter {
   public:
    // A body larger than all of the memory goes alone.
    Waiter(BodyMemory& memory, std::uint64_t octets) : memory_(memory), octets_(octets) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() { give_back_turn(); }

    std::optional<Reservation> ask();  // nothing: ask again later
    bool has_turn() const { return memory_.turn_.load(std::memory_order_relaxed) == this; }

   private:
    void give_back_turn();
    BodyMemory& memory_;
    const std::uint64_t octets_;
  };

  Budget& budget() { return budget_; }

 private:
  Budget budget_;
  std::atomic<const Waiter*> turn_{nullptr};
};

}  // namespace postrider::relay
