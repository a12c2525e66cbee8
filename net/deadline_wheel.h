// One coarse timer for all connections of a Loop: a wheel of 250 ms ticks, armed only while something waits.
// A connection has one Deadline for its life and moves it; expiry calls back on the loop's thread, up to one
// tick late, never early.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "core/time.h"

namespace postrider::net {

class DeadlineWheel;

// Intrusive: no allocation to set or clear. Destruction clears. Not movable: lives in the object it guards.
// `expired` may set or clear any deadline, this one too, but must not destroy this one, nor throw.
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
  DeadlineWheel& wheel_;  // touched by destruction only while linked: the wheel unlinks all that outlive it
  std::function<void()> expired_;
  Deadline* prev_ = nullptr;
  Deadline* next_ = nullptr;
  std::int64_t due_tick_ = 0;   // what was asked for
  std::int64_t slot_tick_ = 0;  // where it hangs: it may hang earlier than it is due and is moved on when met
  std::size_t slot_ = kUnlinked;
  static constexpr std::size_t kUnlinked = static_cast<std::size_t>(-1);
};

class DeadlineWheel {
 public:
  using Milliseconds = std::function<std::int64_t()>;  // never goes back

  explicit DeadlineWheel(boost::asio::io_context& io);  // ticks by the steady clock
  // For tests: time is what `now` says, and passes only by advance().
  explicit DeadlineWheel(Milliseconds now);
  ~DeadlineWheel();
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  static constexpr Duration kTick{250};

  void advance();  // expires what is due by now; the timer calls it
  std::size_t waiting() const { return waiting_; }

 private:
  friend class Deadline;
  void set(Deadline& d, Duration from_now);
  void hang(Deadline& d);
  void link(Deadline& d, std::size_t slot);
  void unlink(Deadline& d);
  void collect(std::int64_t now_tick);
  void arm();
  std::int64_t current_tick() const { return now_() / kTick.count(); }

  static constexpr std::int64_t kSlots = 512;
  static constexpr std::size_t kFiring = kSlots;  // one more list: due, and about to be told
  Milliseconds now_;
  std::optional<boost::asio::steady_timer> timer_;
  std::vector<Deadline*> slots_;
  std::size_t waiting_ = 0;
  std::int64_t done_tick_ = 0;
  bool armed_ = false;
};

}  // namespace postrider::net
