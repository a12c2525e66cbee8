// One coarse timer for all connections of a Loop: a wheel of 250 ms ticks, armed only while something waits. A connection
// has one Deadline for its life and moves it; expiry calls back on the loop's thread, up to one tick late, never early.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <vector>

#include "core/time.h"

namespace postrider::net {

class Loop;

class DeadlineWheel;

// Intrusive: no allocation to set or clear. Destruction clears. Not movable: lives in the object it guards.
class Deadline {
 public:
  Deadline(DeadlineWheel& wheel, std::function<void()> expired);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void set(Duration from_now);  // replaces what was set; cheap when it only moves later
  void clear();

 private:
  friend class DeadlineWheel;
  DeadlineWheel& wheel_;
  std::function<void()> expired_;
  Deadline* prev_ = nullptr;
  Deadline* next_ = nullptr;
  std::int64_t due_tick_ = 0;   // what was asked for
  std::int64_t slot_tick_ = 0;  // where it hangs: it may hang earlier than it is due and is moved on when met
};

class DeadlineWheel {
 public:
  explicit DeadlineWheel(boost::asio::io_context& io);
  ~DeadlineWheel();
  static constexpr Duration kTick{250};

 private:
  friend class Deadline;
  void insert(Deadline& d, std::int64_t tick);
  void unlink(Deadline& d);
  void arm();
  void on_tick();
  std::int64_t current_tick() const;

  static constexpr std::size_t kSlots = 512;
  boost::asio::steady_timer timer_;
  std::vector<Deadline*> slots_;
  std::size_t waiting_ = 0;
  std::int64_t done_tick_ = 0;
  bool armed_ = false;
};

}  // namespace postrider::net
