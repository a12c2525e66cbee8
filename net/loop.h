// Loop: one named thread with one io_context: a Mailbox for other threads, a Clock, Alarms, and the coarse deadline wheel.
// A connection lives on one Loop for life. run() is called by the thread that owns it; stop() from any thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/done.h"

namespace postrider::net {

class DeadlineWheel;

class SystemClock final : public Clock {
 public:
  Time now() const override;
  Duration monotonic() const override;
};

class Loop final : public Mailbox, public AlarmSource {
 public:
  explicit Loop(std::string name);
  ~Loop() override;

  boost::asio::io_context& io() { return io_; }
  const std::string& name() const { return name_; }
  const Clock& clock() const { return clock_; }
  DeadlineWheel& deadlines() { return *wheel_; }

  void post(std::vector<Task> tasks) override;                // any thread; one wake-up a call
  std::unique_ptr<Alarm> make_alarm() override;               // owner thread

  void run();   // until stop(); names the thread
  void stop();  // any thread

 private:
  std::string name_;
  boost::asio::io_context io_;
  SystemClock clock_;
  std::unique_ptr<DeadlineWheel> wheel_;
};

}  // namespace postrider::net
