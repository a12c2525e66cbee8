// For commands without an event loop: starts a verb of the store and waits for its answer on the calling thread. In the daemon
// only before it serves.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "core/done.h"

namespace postrider::cmd {

// Runs what it is given on the thread that brings it; good only for answers that do no more than set a promise.
class InlineMailbox final : public Mailbox {
 public:
  void post(std::vector<Task> tasks) override {
    for (Task& task : tasks) task();
  }
};

template <typename T, typename Start>
result<T> wait_for(Start start) {
  static InlineMailbox here;  // has no state, and may be in use by the store's thread after the answer is out
  auto promise = std::make_shared<std::promise<result<T>>>();
  std::future<result<T>> answer = promise->get_future();
  start(Done<T>(here, [promise](result<T> value) { promise->set_value(std::move(value)); }));
  return answer.get();
}

}  // namespace postrider::cmd
