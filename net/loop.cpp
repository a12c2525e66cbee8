#include "net/loop.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>

#include "net/deadline_wheel.h"

namespace postrider::net {

namespace {

// The longest sleep of an alarm, so that a wall clock that is set is noticed within a second. (A timerfd with
// TFD_TIMER_CANCEL_ON_SET would notice at once, but costs a descriptor and a system call for each change.)
constexpr Duration kLongestWait = std::chrono::milliseconds(1000);
constexpr Duration kSetBack = std::chrono::milliseconds(500);  // a clock that is slewed loses less within kLongestWait

// The timer is left running when the due time moves later or goes away: it looks again when it fires, at most
// a second on, so that set() and cancel() on a hot path cost no timer operation.
class LoopAlarm final : public Alarm {
 public:
  LoopAlarm(boost::asio::io_context& io, const Clock& clock) : state_(std::make_shared<State>(io, clock)) {}
  ~LoopAlarm() override {
    state_->fire = nullptr;
    state_->timer.cancel();
  }

  void set(Time due, std::function<void()> fire) override {
    state_->due = due;
    state_->fire = std::move(fire);
    state_->ahead = state_->wall_ahead();
    state_->arm(state_);
  }
  void cancel() override { state_->fire = nullptr; }

 private:
  struct State {
    State(boost::asio::io_context& io, const Clock& c) : timer(io), clock(c) {}

    void arm(const std::shared_ptr<State>& self) {
      const Duration sleep = std::clamp(due - clock.now(), Duration(0), kLongestWait);
      const Duration wake = clock.monotonic() + sleep;
      if (armed && wake_at <= wake) return;
      armed = true;
      wake_at = wake;
      timer.expires_after(sleep);
      timer.async_wait([self](boost::system::error_code error) {
        if (!error) self->wake(self);
      });
    }

    void wake(const std::shared_ptr<State>& self) {
      armed = false;
      if (!fire) return;
      const Duration before = std::exchange(ahead, wall_ahead());
      if (clock.now() < due && ahead > before - kSetBack) return arm(self);
      const auto call = std::move(fire);
      fire = nullptr;
      call();
    }

    Duration wall_ahead() const { return clock.now().time_since_epoch() - clock.monotonic(); }

    boost::asio::steady_timer timer;
    const Clock& clock;
    Duration ahead{};  // of the wall clock, when it was looked at last
    Time due{};
    std::function<void()> fire;
    bool armed = false;
    Duration wake_at{};
  };
  std::shared_ptr<State> state_;
};

}  // namespace

Time SystemClock::now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

Duration SystemClock::monotonic() const {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

// Concurrency hint 1: only one thread runs it, others only post.
Loop::Loop(std::string name) : Loop(std::move(name), nullptr) {}

Loop::Loop(std::string name, const Clock* clock)
    : name_(std::move(name)),
      io_(1),
      work_(boost::asio::make_work_guard(io_)),
      clock_(clock != nullptr ? *clock : system_clock_),
      wheel_(std::make_unique<DeadlineWheel>(io_)) {}

Loop::~Loop() = default;

void Loop::post(std::vector<Task> tasks) {
  boost::asio::post(io_, [this, tasks = std::move(tasks)]() mutable {
    for (Task& task : tasks) run_task(task);
  });
}

void Loop::post(Task task) {
  boost::asio::post(io_, [this, task = std::move(task)]() mutable { run_task(task); });
}

std::unique_ptr<Alarm> Loop::make_alarm() {
  return std::make_unique<LoopAlarm>(io_, clock_);
}

void Loop::set_error_handler(std::function<void(const std::string&)> handler) {
  on_error_ = std::move(handler);
}

void Loop::run() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());  // the kernel keeps 15 octets
  while (!io_.stopped()) {
    try {
      io_.run();
    } catch (const std::exception& e) {
      report(e.what());
    } catch (...) {
      report("an exception of unknown type");
    }
  }
}

void Loop::stop() {
  io_.stop();
}

void Loop::report(const std::string& what) noexcept {
  try {
    if (on_error_) return on_error_(what);
  } catch (...) {
    std::fprintf(stderr, "%s: the error handler itself failed\n", name_.c_str());
  }
  std::fprintf(stderr, "%s: %s\n", name_.c_str(), what.c_str());
}

// Each task of a batch is on its own: one that throws must not take the answers behind it along.
void Loop::run_task(Task& task) {
  try {
    task();
  } catch (const std::exception& e) {
    report(e.what());
  } catch (...) {
    report("an exception of unknown type");
  }
}

}  // namespace postrider::net
