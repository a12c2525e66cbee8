#include "cmd/retention_runner.h"

#include <algorithm>

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
  next_step_ = clock_.monotonic() + pause;
  alarm_->set(clock_.now() + std::min(pause, kLook), [this] { look(); });
}

void RetentionRunner::look() {
  const Duration left = next_step_ - clock_.monotonic();
  if (left <= Duration::zero() || (!in_vain_ && crowded())) return step();
  alarm_->set(clock_.now() + std::min(left, kLook), [this] { look(); });
}

bool RetentionRunner::crowded() const {
  return store_.stats().finished_bytes > rules_.policy.history_max_bytes;
}

void RetentionRunner::step() {
  in_vain_ = crowded();  // until it has removed something
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
  if (retired->messages + retired->bodies > 0) {
    in_vain_ = false;
    log_.info("retention.retired", {{"messages", std::to_string(retired->messages)},
                                    {"bodies", std::to_string(retired->bodies)},
                                    {"bytes", std::to_string(retired->bytes)}});
  }
  wait(retired->more ? kShortPause : kPause);
}

}  // namespace postrider::cmd
