// Loop: one named thread with one io_context: a Mailbox for other threads, a Clock, Alarms, and the coarse
// deadline wheel. A connection lives on one Loop for life. run() is called by the thread that owns it; stop()
// from any thread.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

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
  Loop(std::string name, const Clock* clock);  // for tests: alarms go by that one, which outlives the Loop
  ~Loop() override;

  boost::asio::io_context& io() { return io_; }
  const std::string& name() const { return name_; }
  const Clock& clock() const { return clock_; }
  DeadlineWheel& deadlines() { return *wheel_; }

  void post(std::vector<Task> tasks) override;   // any thread; one wake-up a call
  void post(Task task);                          // any thread; the same for one
  std::unique_ptr<Alarm> make_alarm() override;  // owner thread; must go before the Loop

  // Told of exceptions that escape a posted task, an alarm or any other handler; the loop goes on. Set before
  // run(); without one they go to standard error.
  void set_error_handler(std::function<void(const std::string& what)> handler);

  void run();   // until stop(); names the thread
  void stop();  // any thread

 private:
  void report(const std::string& what) noexcept;
  void run_task(Task& task);

  std::string name_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  SystemClock system_clock_;
  const Clock& clock_;
  std::unique_ptr<DeadlineWheel> wheel_;
  std::function<void(const std::string&)> on_error_;
};

}  // namespace postrider::net
