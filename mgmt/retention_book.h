// What retention did since the start: the run under way, the last one that ended, and the last one that removed anything. Written
// by cmd's runner and by the API, read by the API; all of it on the mgmt thread.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "storage/store.h"

namespace postrider::mgmt {

// Steps of the store one after the other until there is nothing more to do.
struct RetentionRun {
  Time started_at{}, ended_at{};
  storage::Retired removed;
};

class RetentionBook {
 public:
  // `notice_owed` is called after a step that left notices to senders owed (see storage::Store::owing); may be empty.
  explicit RetentionBook(std::function<void()> notice_owed = {}) : notice_owed_(std::move(notice_owed)) {}

  // One step has ended. A run begins with the first step after the last one ended.
  void add(const storage::Retired& step, Time now) {
    if (step.owing > 0 && notice_owed_) notice_owed_();
    if (!under_way_) under_way_ = RetentionRun{now, now, {}};
    under_way_->removed.messages += step.messages;
    under_way_->removed.bodies += step.bodies;
    under_way_->removed.bytes += step.bytes;
    under_way_->removed.owing += step.owing;
    under_way_->ended_at = now;
    if (step.more) return;
    last_ = under_way_;
    under_way_.reset();
    if (last_->removed.messages + last_->removed.bodies > 0) last_removal_ = last_;
  }
  const std::optional<RetentionRun>& last() const { return last_; }
  const std::optional<RetentionRun>& last_removal() const { return last_removal_; }

 private:
  std::function<void()> notice_owed_;
  std::optional<RetentionRun> under_way_, last_, last_removal_;
};

}  // namespace postrider::mgmt
