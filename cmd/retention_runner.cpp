#include "cmd/retention_runner.h"

namespace postrider::cmd {

RetentionRunner::RetentionRunner(Mailbox& home, const Clock& clock, std::unique_ptr<Alarm> alarm, storage::Store& store,
                                 const mgmt::RetentionRules& rules, mgmt::RetentionBook& book, Log& log)
    : home_(home), clock_(clock), alarm_(std::move(alarm)), store_(store), rules_(rules), book_(book), log_(log) {}

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
  store_.retire(rules_.request(clock_.now()),
                Done<storage::Retired>(home_, [this](const result<storage::Retired>& retired) { finished(retired); }));
}

void RetentionRunner::finished(const result<storage::Retired>& retired) {
  if (stopped_) return;
  if (!retired) {
    log_.warn("retention.failed", {{"error", retired.error().text}});
    return wait(kPause);
  }
  book_.add(*retired, clock_.now());
  if (retired->messages + retired->bodies > 0)
    log_.info("retention.retired", {{"messages", std::to_string(retired->messages)},
                                    {"bodies", std::to_string(retired->bodies)},
                                    {"bytes", std::to_string(retired->bytes)}});
  wait(retired->more ? kShortPause : kPause);
}

}  // namespace postrider::cmd
