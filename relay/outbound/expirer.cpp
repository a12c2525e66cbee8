#include "relay/outbound/expirer.h"

#include <algorithm>
#include <utility>

#include "net/await.h"

namespace postrider::relay {

namespace asio = boost::asio;

Expirer::Expirer(ExpirerParts parts)
    : parts_(std::move(parts)),
      work_(parts_.loop),
      alarm_(parts_.alarms.make_alarm()),
      tasks_(parts_.loop,
             [this](std::string_view task, const std::exception& e) {
               parts_.log.error("task.failed", {{"task", std::string(task)}, {"reason", e.what()}});
             }),
      self_(std::make_shared<Expirer*>(this)) {
  parts_.store.on_expiry_changed(parts_.loop, [self = std::weak_ptr<Expirer*>(self_)](Time earliest) {
    const auto alive = self.lock();
    if (!alive || earliest >= (*alive)->next_) return;
    (*alive)->next_ = earliest;
    (*alive)->work_.signal();
  });
}

void Expirer::start() {
  tasks_.spawn("expire", run());
}

asio::awaitable<void> Expirer::drain() {
  stopping_ = true;
  alarm_->cancel();
  work_.signal();
  tasks_.cancel();
  co_await tasks_.drain();
}

asio::awaitable<void> Expirer::run() {
  while (!stopping_) {
    const Time now = parts_.clock.now();
    if (next_ > now) {
      if (next_ != kNever) alarm_->set(next_, [this] { work_.signal(); });
      co_await work_.wait();
      continue;
    }
    next_ = kNever;  // what is told while the step runs is earlier
    storage::ExpireRequest request;
    request.now = now;
    request.remove_body = parts_.remove_body;
    request.notify_sender = parts_.notify_sender;
    auto start = [this, request](Done<storage::Expired> done) { parts_.store.expire(request, std::move(done)); };
    const result<storage::Expired> step = co_await net::await_done<storage::Expired>(parts_.loop, start);
    if (!step) {
      next_ = std::min(next_, now + kStoreTrouble);
      parts_.log.error("expiry.failed", {{"reason", step.error().text}});
      continue;
    }
    next_ = std::min(next_, step->more ? now : step->next);
    if (step->owes_notice && parts_.notice_owed) parts_.notice_owed();
  }
}

}  // namespace postrider::relay
