#include "relay/outbound/reviver.h"

#include <algorithm>
#include <utility>

#include "net/await.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr Duration kBetweenWalks = std::chrono::minutes(1);  // an upstream that comes and goes makes no storm of walks
constexpr std::size_t kStep = 100;                           // rows of the index in one transaction

}  // namespace

Reviver::Reviver(ReviverParts parts, ReviverOptions options)
    : parts_(parts),
      options_(options),
      work_(parts.loop),
      pace_(parts.clock, parts.alarms),
      tasks_(parts.loop, [this](std::string_view task, const std::exception& e) {
        parts_.log.error("task.failed", {{"task", std::string(task)}, {"reason", e.what()}});
      }) {}

void Reviver::start() {
  tasks_.spawn("revive", run());
}

void Reviver::works_again(const std::string& upstream) {
  wanted_ = upstream;
  work_.signal();
}

asio::awaitable<void> Reviver::drain() {
  stopping_ = true;
  pace_.cancel();
  work_.signal();
  tasks_.cancel();
  co_await tasks_.drain();
}

asio::awaitable<void> Reviver::run() {
  while (!stopping_) {
    if (wanted_.empty()) {
      co_await work_.wait();
      continue;
    }
    std::string upstream = std::exchange(wanted_, {});
    co_await walk(std::move(upstream));
    co_await rest(kBetweenWalks);
  }
}

// One walk over the index; what fails meanwhile waits for the next time that an upstream works again.
asio::awaitable<void> Reviver::walk(std::string upstream) {
  storage::ReviveRequest request;
  request.limit = std::min<std::size_t>(kStep, std::max(1u, options_.pace.count));
  request.max_age = options_.max_age;
  request.reason.cause = Cause::route;
  request.reason.stage = Stage::route;
  request.reason.text = upstream + " works again";
  std::uint64_t revived = 0;
  bool more = true;
  while (more && !stopping_) {
    request.now = parts_.clock.now();
    auto start = [this, request](Done<storage::Revived> done) { parts_.store.revive(request, std::move(done)); };
    const result<storage::Revived> step = co_await net::await_done<storage::Revived>(parts_.loop, start);
    if (!step) {
      parts_.log.error("revival.failed", {{"reason", step.error().text}});
      co_await rest(kStoreTrouble);
      continue;
    }
    revived += step->messages;
    request.after = step->next;
    more = step->next.has_value();
    if (more && options_.pace.count != 0)
      co_await rest(options_.pace.per * static_cast<std::int64_t>(step->messages) / options_.pace.count);
  }
  if (revived > 0) parts_.log.info("messages.revived", {{"messages", std::to_string(revived)}, {"upstream", upstream}});
}

asio::awaitable<void> Reviver::rest(Duration time) {
  bool over = false;
  pace_.set(time, [this, &over] {
    over = true;
    work_.signal();
  });
  while (!stopping_ && !over) co_await work_.wait();
  pace_.cancel();
}

}  // namespace postrider::relay
