#include "cmd/loop_thread.h"

namespace postrider::cmd {

namespace {

// The promise goes with the coroutine: kept at its end, broken if it threw; a waiting future wakes either way.
boost::asio::awaitable<void> keep(boost::asio::awaitable<void> task, std::shared_ptr<std::promise<void>> ended) {
  co_await std::move(task);
  ended->set_value();
}

}  // namespace

LoopThread::LoopThread(std::string name, Log& log)
    : loop_(std::move(name)), tasks_(loop_, [&log](std::string_view task, const std::exception& error) {
        log.error("task.failed", {{"task", std::string(task)}, {"reason", error.what()}});
      }) {
  loop_.set_error_handler([this, &log](const std::string& what) {
    log.error("task.failed", {{"task", loop_.name()}, {"reason", what}});
  });
}

void LoopThread::run() {
  thread_ = std::thread([this] { loop_.run(); });
}

void LoopThread::finish() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

std::future<void> LoopThread::spawn(std::string_view name, std::function<boost::asio::awaitable<void>()> make) {
  auto ended = std::make_shared<std::promise<void>>();
  std::future<void> future = ended->get_future();
  loop_.post(Task([this, name, make = std::move(make), ended = std::move(ended)]() mutable {
    tasks_.spawn(name, keep(make(), std::move(ended)));
  }));
  return future;
}

}  // namespace postrider::cmd
