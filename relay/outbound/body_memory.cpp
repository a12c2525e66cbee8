#include "relay/outbound/body_memory.h"

#include <algorithm>

namespace postrider::relay {

std::optional<Reservation> BodyMemory::Waiter::ask() {
  const Waiter* holder = memory_.turn_.load(std::memory_order_relaxed);
  if (holder != nullptr && holder != this) return std::nullopt;
  const std::uint64_t limit = memory_.budget_.limit(), wanted = std::min(octets_, limit);
  std::optional<Reservation> reserved = memory_.budget_.reserve(wanted);
  if (reserved) {
    give_back_turn();
  } else if (holder == nullptr && wanted > limit / kLargePart) {
    memory_.turn_.compare_exchange_strong(holder, this, std::memory_order_relaxed);
  }
  return reserved;
}

void BodyMemory::Waiter::give_back_turn() {
  const Waiter* mine = this;
  memory_.turn_.compare_exchange_strong(mine, nullptr, std::memory_order_relaxed);
}

}  // namespace postrider::relay
