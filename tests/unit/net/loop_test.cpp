#include "net/loop.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <stdexcept>
#include <thread>

#include "net/deadline_wheel.h"

namespace postrider::net {
namespace {

using namespace std::chrono_literals;

TEST(Loop, RunsABatchInOrderOnItsNamedThread) {
  Loop loop("relay-7");
  std::string seen;
  std::string name(16, '\0');
  std::thread thread([&loop] { loop.run(); });
  std::vector<Task> batch;
  batch.emplace_back([&] { seen += 'a'; });
  batch.emplace_back([&] { seen += 'b'; });
  batch.emplace_back([&] { pthread_getname_np(pthread_self(), name.data(), name.size()); });
  loop.post(std::move(batch));
  loop.post(Task([&] {
    seen += 'c';
    loop.stop();
  }));
  thread.join();
  EXPECT_EQ(seen, "abc");
  EXPECT_STREQ(name.c_str(), "relay-7");
}

TEST(Loop, GoesOnAfterATaskThatThrows) {
  Loop loop("test");
  std::vector<std::string> told;
  loop.set_error_handler([&told](const std::string& what) { told.push_back(what); });
  bool neighbour = false;
  std::vector<Task> batch;
  batch.emplace_back([] { throw std::runtime_error("first"); });
  batch.emplace_back([&neighbour] { neighbour = true; });
  loop.post(std::move(batch));
  loop.post(Task([] { throw 42; }));
  auto alarm = loop.make_alarm();
  alarm->set(loop.clock().now() + 1ms, [&loop] {
    loop.post(Task([&loop] { loop.stop(); }));
    throw std::runtime_error("alarm");
  });
  loop.run();
  EXPECT_TRUE(neighbour);
  EXPECT_EQ(told, (std::vector<std::string>{"first", "an exception of unknown type", "alarm"}));
}

TEST(Loop, AnAlarmFiresOnceAndNotBeforeItsTime) {
  Loop loop("test");
  const Time due = loop.clock().now() + 20ms;
  int fired = 0;
  Time at{};
  auto alarm = loop.make_alarm();
  alarm->set(due, [&] {
    ++fired;
    at = loop.clock().now();
    alarm->set(at + 5ms, [&loop] { loop.stop(); });
  });
  loop.run();
  EXPECT_EQ(fired, 1);
  EXPECT_GE(at, due);
}

TEST(Loop, AnAlarmSetAnewForgetsWhatWasSet) {
  Loop loop("test");
  std::string seen;
  auto alarm = loop.make_alarm();
  auto forgotten = loop.make_alarm();
  auto last = loop.make_alarm();
  const Time now = loop.clock().now();
  alarm->set(now + 1h, [&seen] { seen += "never"; });
  alarm->set(now + 5ms, [&seen] { seen += "earlier "; });
  forgotten->set(now + 5ms, [&seen] { seen += "cancelled"; });
  forgotten->cancel();
  {
    auto gone = loop.make_alarm();
    gone->set(now + 5ms, [&seen] { seen += "destroyed"; });
  }
  last->set(now + 30ms, [&] {
    seen += "last";
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(seen, "earlier last");
}

TEST(Loop, AnAlarmMovedLaterWaitsForTheLaterTime) {
  Loop loop("test");
  auto alarm = loop.make_alarm();
  const Time now = loop.clock().now();
  alarm->set(now + 1ms, [] { FAIL() << "replaced"; });
  Time at{};
  alarm->set(now + 30ms, [&] {
    at = loop.clock().now();
    loop.stop();
  });
  loop.run();
  EXPECT_GE(at, now + 30ms);
}

class SetClock final : public Clock {
 public:
  Time now() const override { return real_.now() + set_by; }
  Duration monotonic() const override { return real_.monotonic(); }
  Duration set_by{0};

 private:
  SystemClock real_;
};

TEST(Loop, AnAlarmFiresSoonAfterTheWallClockWasSetEitherWay) {
  for (const Duration step : {Duration(2h), Duration(-2h)}) {
    SetClock clock;
    Loop loop("test", &clock);
    bool fired = false;
    auto alarm = loop.make_alarm();
    alarm->set(clock.now() + 1h, [&] {
      fired = true;
      loop.stop();
    });
    loop.post(Task([&clock, step] { clock.set_by = step; }));
    loop.run();
    EXPECT_TRUE(fired);
  }
}

TEST(Loop, MayEndWithAConnectionDeadlineStillSet) {
  auto loop = std::make_unique<Loop>("test");
  auto deadline = std::make_unique<Deadline>(loop->deadlines(), [] {});
  deadline->set(1h);
  loop.reset();
  deadline.reset();  // must not touch the wheel that is gone
}

}  // namespace
}  // namespace postrider::net
