// SpanAlarm: one pending call after a span of time, however the wall clock is set meanwhile: the grace of a drain, the pace of a walk. An
// Alarm goes by the wall clock, as due times do. On the thread that owns it.
#pragma once

#include <functional>
#include <memory>

#include "core/clock.h"

namespace postrider::relay {

class SpanAlarm {
 public:
  SpanAlarm(const Clock& clock, AlarmSource& alarms);

  void set(Duration span, std::function<void()> over);  // replaces what was set
  void cancel() { alarm_->cancel(); }

 private:
  void wait();

  const Clock& clock_;
  std::unique_ptr<Alarm> alarm_;
  Duration until_{};  // on the monotonic clock
  std::function<void()> over_;
};

}  // namespace postrider::relay
