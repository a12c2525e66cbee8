// TaskGroup: where every coroutine is born. It counts them, can cancel them all, and drain() waits for the last to end.
// One thread (a Loop's). asio::co_spawn and asio::detached appear nowhere else: tests/include_edges.py checks.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "net/loop.h"

namespace postrider::net {

class TaskGroup {
 public:
  // `on_error` is told of exceptions that end a task (the task ends, nothing else does).
  TaskGroup(Loop& loop, std::function<void(std::string_view task, const std::exception&)> on_error);
  ~TaskGroup();  // all tasks must have ended: drain first

  void spawn(std::string_view name, boost::asio::awaitable<void> task);  // name: a literal, for errors and metrics
  std::size_t size() const;
  void cancel();                             // asks every task to stop at its next wait
  boost::asio::awaitable<void> drain();      // returns when the group is empty

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace postrider::net
