// One thread that runs one net::Loop, and the way for the main thread to have a coroutine run there and wait for its end. Owned by
// the main thread; all methods but those of the Loop are the main thread's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "core/log.h"
#include "net/loop.h"
#include "net/task_group.h"

namespace postrider::cmd {

class LoopThread {
 public:
  LoopThread(std::string name, Log& log);
  ~LoopThread() { finish(); }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  net::Loop& loop() { return loop_; }
  void run();     // starts the thread
  void finish();  // stops the Loop and joins; what the Loop still holds is never run

  // Has the coroutine that `make` gives run on the thread. The future becomes ready when it has ended, however it did.
  std::future<void> spawn(std::string_view name, std::function<boost::asio::awaitable<void>()> make);

 private:
  net::Loop loop_;
  net::TaskGroup tasks_;
  std::thread thread_;
};

}  // namespace postrider::cmd
