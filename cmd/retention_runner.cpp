#include "cmd/retention_runner.h"

namespace postrider::cmd {

RetentionRunner::RetentionRunner(Mailbox& home, const Clock& clock, std::unique_ptr<Alarm> alarm, storage::Store& store,
                                 storage::RetirePolicy policy, Log& log)
    : home_(home), clock_(clock), alarm_(std::move(alarm)), store_(store), policy_(policy), log_(log) {}

void RetentionRunner::start() {
  wait(kPause);
}

void RetentionRunner::stop() {
  stopped_ = true;
  alarm_->cancel();
}

void RetentionRunner::wait(Duration pause) {
  alarm_->set(clock_.now() + pause, [this] { step(); });
}

void RetentionRunner::step() {
  storage::RetireRequest request;
  request.policy = policy_;
  request.now = clock_.now();
  store_.retire(request,
                Done<storage::Retired>(home_, [this](const result<storage::Retired>& retired) { finished(retired); }));
}

void RetentionRunner::finished(const result<storage::Retired>& retired) {
  if (stopped_) return;
  if (!retired) {
    log_.warn("retention.failed", {{"error", retired.error().text}});
    return wait(kPause);
  }
  if (retired->messages + retired->bodies > 0)
    log_.info("retention.retired", {{"messages", std::to_string(retired->messages)},
                                    {"bodies", std::to_string(retired->bodies)},
                                    {"bytes", std::to_string(retired->bytes)}});
  wait(retired->more ? kShortPause : kPause);
}

}  // namespace postrider::cmd
