// Time as the components see it. Production: net::Loop's clock; tests: a simulated one that jumps from alarm to alarm.
#pragma once

#include <functional>
#include <memory>

#include "core/time.h"

namespace postrider {

// Any thread may read. `now` is wall time and may jump; `monotonic` never goes back and has no meaning but differences.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual Duration monotonic() const = 0;
};

// One pending call at a time, on the thread that owns it; set() replaces, cancel() and destruction forget.
// The due time is wall time: implementations must fire no later than one second after the wall clock passes it, also when the
// wall clock is set forward while the alarm waits. When it is set back they fire before the due time, within a second: what the
// owner waits for may be nearer now than the alarm is, so it looks at the time again.
class Alarm {
 public:
  virtual ~Alarm() = default;
  virtual void set(Time due, std::function<void()> fire) = 0;
  virtual void cancel() = 0;
};

class AlarmSource {
 public:
  virtual ~AlarmSource() = default;
  virtual std::unique_ptr<Alarm> make_alarm() = 0;
};

}  // namespace postrider
