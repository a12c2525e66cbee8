// A byte (or slot) budget shared by threads, and the reservation that gives back what it took. Lock-free.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace postrider {

class Budget;

class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), amount_(std::exchange(other.amount_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    if (this != &other) {
      release();
      budget_ = std::exchange(other.budget_, nullptr);
      amount_ = std::exchange(other.amount_, 0);
    }
    return *this;
  }
  ~Reservation() { release(); }

  bool grow(std::uint64_t more);  // false: the budget is used up, nothing changed
  void release();
  std::uint64_t amount() const { return amount_; }
  explicit operator bool() const { return budget_ != nullptr; }

 private:
  friend class Budget;
  Reservation(Budget& budget, std::uint64_t amount) : budget_(&budget), amount_(amount) {}
  Budget* budget_ = nullptr;
  std::uint64_t amount_ = 0;
};

class Budget {
 public:
  explicit Budget(std::uint64_t limit) : limit_(limit) {}
  std::optional<Reservation> reserve(std::uint64_t amount);
  std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  void set_limit(std::uint64_t limit) { limit_.store(limit, std::memory_order_relaxed); }

 private:
  friend class Reservation;
  bool take(std::uint64_t amount);
  std::atomic<std::uint64_t> limit_;
  std::atomic<std::uint64_t> used_{0};
};

}  // namespace postrider
