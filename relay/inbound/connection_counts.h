// How many connections there are, in all and from each address, over all relay threads. Lock-free: addresses are counted in a fixed
// table of counters chosen by a hash under a key of this process, so two addresses may, rarely, share a counter and with it the
// limit. A Ticket counts until it is gone. Shared by every SmtpServer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "core/network.h"

namespace postrider::relay {

class ConnectionCounts {
 public:
  using Counter = std::atomic<std::uint32_t>;

  class Ticket {
   public:
    Ticket() = default;
    explicit Ticket(Counter& counter) : counter_(&counter) {}
    Ticket(Ticket&& other) noexcept : counter_(std::exchange(other.counter_, nullptr)) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(counter_, other.counter_);
      return *this;
    }
    ~Ticket() {
      if (counter_) counter_->fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    Counter* counter_ = nullptr;
  };

  ConnectionCounts();
  // Nothing when `limit` is reached already; a limit of 0 means none.
  std::optional<Ticket> enter(std::uint32_t limit);
  std::optional<Ticket> enter(const IpAddress& address, std::uint32_t limit);
  std::uint32_t total() const { return total_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kCounters = 1 << 16;
  std::uint64_t key_;
  Counter total_{0};
  std::unique_ptr<std::array<Counter, kCounters>> by_address_;
};

}  // namespace postrider::relay
