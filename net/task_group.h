// TaskGroup: where every coroutine is born. It counts them, can cancel them all, and drain() waits for the
// last to end. One thread (a Loop's). asio::co_spawn and asio::detached appear nowhere else:
// tests/include_edges.py checks.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <string_view>

#include "net/loop.h"

namespace postrider::net {

// cancel() never throws into a task: the wait a task is in ends with operation_aborted, and so does every
// later wait on a Stream (a direct write that needs no wait still goes out). A task that waits for other
// things in a loop asks cancelled().
class TaskGroup {
 public:
  // `on_error` is told of exceptions that end a task (the task ends, nothing else does). An operation_aborted
  // that escapes a cancelled task is its ordinary end and not reported.
  TaskGroup(Loop& loop, std::function<void(std::string_view task, const std::exception&)> on_error);
  ~TaskGroup();  // all tasks must have ended: drain first (or the Loop must never run again)
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // name: a literal, for errors and metrics. On the Loop's thread the task runs at once, up to its first
  // wait.
  void spawn(std::string_view name, boost::asio::awaitable<void> task);
  std::size_t size() const;
  void cancel();  // asks the tasks of this moment to stop; later ones are not affected
  // Returns when the group is empty. Has no deadline of its own: who needs one calls cancel() when it is
  // over. Not from a task of the group itself.
  boost::asio::awaitable<void> drain();
  // The same for those who are no coroutine: `then` is posted to the Loop once, when the group is (or
  // becomes) empty.
  void when_empty(Task then);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// True once the task that asks was cancelled.
boost::asio::awaitable<bool> cancelled();

}  // namespace postrider::net
