#include "net/task_group.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <stdexcept>

#include "tests/unit/net/net_test.h"

namespace postrider::net {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

class Tasks : public NetTest {
 protected:
  Tasks()
      : other_(loop_, [this](std::string_view task, const std::exception& e) {
          errors_.push_back(std::string(task) + ": " + e.what());
        }) {}
  // Runs the loop until `other_` is empty.
  void run_other() {
    other_.when_empty(Task([this] { loop_.stop(); }));
    loop_.run();
    loop_.io().restart();
  }
  std::vector<std::string> errors_;
  TaskGroup other_;
};

awaitable<void> fail() {
  throw std::runtime_error("broken disk");
  co_return;
}

TEST_F(Tasks, AnExceptionEndsOnlyItsTask) {
  other_.spawn("settle", fail());
  EXPECT_EQ(other_.size(), 1u);
  run_other();
  EXPECT_EQ(errors_, std::vector<std::string>{"settle: broken disk"});
  EXPECT_EQ(other_.size(), 0u);
}

awaitable<void> sleep_long(Loop& loop, std::string& seen) {
  asio::steady_timer timer(loop.io(), 1h);
  const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  seen += error == asio::error::operation_aborted ? "timer " : "? ";
}

awaitable<void> read_long(Stream& stream, std::string& seen) {
  char window[16];
  const IoResult first = co_await stream.read_some(window);
  seen += first.error == asio::error::operation_aborted ? "read " : "? ";
  const IoResult second = co_await stream.read_some(window);
  seen += second.error == asio::error::operation_aborted ? "again " : "? ";
  const IoResult word = co_await stream.write("421 4.3.2 bye\r\n");
  seen += word.error ? "? " : "word ";
}

awaitable<void> sleep_and_throw(Loop& loop) {
  asio::steady_timer timer(loop.io(), 1h);
  co_await timer.async_wait(asio::use_awaitable);
}

TEST_F(Tasks, CancelReachesEveryWait) {
  auto [near, far] = connected();
  std::string timer_seen, stream_seen;
  other_.spawn("timer", sleep_long(loop_, timer_seen));
  other_.spawn("stream", read_long(*near, stream_seen));
  other_.spawn("thrower", sleep_and_throw(loop_));
  EXPECT_EQ(other_.size(), 3u);
  other_.cancel();
  run_other();
  EXPECT_EQ(timer_seen, "timer ");
  EXPECT_EQ(stream_seen, "read again word ");
  EXPECT_TRUE(errors_.empty()) << errors_.front();  // the aborted wait is a cancelled task's ordinary end
}

TEST_F(Tasks, ATaskOfAnotherGroupDrains) {
  std::string seen;
  other_.spawn("timer", sleep_long(loop_, seen));
  const auto drain_it = [](TaskGroup& group, std::string& log) -> awaitable<void> {
    co_await group.drain();
    log += "drained";
  };
  loop_.post(Task([this] { other_.cancel(); }));
  run(drain_it(other_, seen));
  EXPECT_EQ(seen, "timer drained");
  run(drain_it(other_, seen));  // an empty group is drained at once
  EXPECT_EQ(seen, "timer draineddrained");
}

// A wait that ends inside emit(), as some third operation might.
awaitable<void> end_inside_cancel(int& ended) {
  auto initiate = [](auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto kept = std::make_shared<std::optional<decltype(handler)>>(std::move(handler));
    slot.assign([kept](asio::cancellation_type) {
      if (!*kept) return;
      auto once = std::move(**kept);
      kept->reset();
      std::move(once)();
    });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(initiate, asio::use_awaitable);
  ++ended;
}

TEST_F(Tasks, ManyEndWhileCancelWalksThem) {
  int ended = 0;
  for (int i = 0; i < 100; ++i) other_.spawn("one", end_inside_cancel(ended));
  loop_.post(Task([this] {
    other_.cancel();
    other_.cancel();
  }));
  run_other();
  EXPECT_EQ(ended, 100);
}

TEST_F(Tasks, ALaterTaskIsNotCancelled) {
  other_.cancel();
  bool ran = false;
  const auto ask = [](bool& out) -> awaitable<void> {
    const bool stopped = co_await cancelled();
    out = !stopped;
  };
  other_.spawn("late", ask(ran));
  run_other();
  EXPECT_TRUE(ran);
}

TEST(TaskGroupEnd, TasksOfALoopThatNeverRunsAgainAreDestroyed) {
  auto loop = std::make_unique<Loop>("test");
  std::string seen;
  {
    TaskGroup group(*loop, [](std::string_view, const std::exception&) {});
    group.spawn("timer", sleep_long(*loop, seen));
    loop->post(Task([&loop] { loop->stop(); }));
    loop->run();
  }
  loop.reset();
  EXPECT_EQ(seen, "");
}

}  // namespace
}  // namespace postrider::net
