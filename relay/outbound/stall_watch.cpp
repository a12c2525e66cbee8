#include "relay/outbound/stall_watch.h"

#include <algorithm>
#include <utility>

namespace postrider::relay {

StallWatch::StallWatch(const Clock& clock, AlarmSource& alarms, std::function<void(Upstream&)> stalled)
    : clock_(clock), alarm_(alarms.make_alarm()), stalled_(std::move(stalled)) {}

StallWatch::Attempt::Attempt(StallWatch& watch, std::shared_ptr<Upstream> upstream)
    : watch_(watch),
      upstream_(std::move(upstream)),
      stalls_at_(watch.clock_.monotonic() + upstream_->policy().stall_after) {
  upstream_->enter();
  place_ = watch_.under_way_.insert(watch_.under_way_.end(), this);
  if (watch_.due(*this) < watch_.alarm_at_) watch_.set_alarm();
}

StallWatch::Attempt::~Attempt() {
  watch_.under_way_.erase(place_);
  if (stalled_) upstream_->note_unstalled();
  upstream_->leave();
}

// Attempts at upstreams of different patience stand side by side only after a reload: the walk ends at the first that is younger
// than the shortest, and the alarm looks at the head.
void StallWatch::look() {
  alarm_at_ = kNever;
  const Duration now = clock_.monotonic();
  for (Attempt* const attempt : under_way_) {
    if (attempt->stalls_at_ > now) break;
    if (std::exchange(attempt->stalled_, true)) continue;
    stalled_(*attempt->upstream_);
  }
  set_alarm();
}

void StallWatch::set_alarm() {
  const auto next = std::find_if(under_way_.begin(), under_way_.end(), [](const Attempt* a) { return !a->stalled_; });
  if (next == under_way_.end()) return;
  alarm_at_ = due(**next);
  alarm_->set(alarm_at_, [this] { look(); });
}

// Alarms go by the wall clock, which may be set: one that comes too early is set anew.
Time StallWatch::due(const Attempt& attempt) const {
  return clock_.now() + (attempt.stalls_at_ - clock_.monotonic());
}

}  // namespace postrider::relay
