#include "relay/outbound/span_alarm.h"

#include <utility>

namespace postrider::relay {

SpanAlarm::SpanAlarm(const Clock& clock, AlarmSource& alarms) : clock_(clock), alarm_(alarms.make_alarm()) {}

void SpanAlarm::set(Duration span, std::function<void()> over) {
  until_ = clock_.monotonic() + span;
  over_ = std::move(over);
  wait();
}

void SpanAlarm::wait() {
  alarm_->set(clock_.now() + (until_ - clock_.monotonic()), [this] {
    if (clock_.monotonic() < until_) return wait();
    const auto over = std::move(over_);
    over();
  });
}

}  // namespace postrider::relay
