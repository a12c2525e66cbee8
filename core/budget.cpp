#include "core/budget.h"

namespace postrider {

bool Reservation::grow(std::uint64_t more) {
  if (!budget_ || !budget_->take(more)) return false;
  amount_ += more;
  return true;
}

void Reservation::release() {
  if (!budget_) return;
  budget_->used_.fetch_sub(amount_, std::memory_order_relaxed);
  budget_ = nullptr;
  amount_ = 0;
}

std::optional<Reservation> Budget::reserve(std::uint64_t amount) {
  if (!take(amount)) return std::nullopt;
  return Reservation(*this, amount);
}

bool Budget::take(std::uint64_t amount) {
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    // Written so that neither a huge amount nor a limit lowered under what is in use can wrap around.
    const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
    if (used > limit || amount > limit - used) return false;
  } while (!used_.compare_exchange_weak(used, used + amount, std::memory_order_relaxed));
  return true;
}

}  // namespace postrider
