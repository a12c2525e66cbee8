// StallWatch: notices attempts that are under way for too long, while they still are: a hung upstream is taken out of service long
// before its last time-out. One per dispatcher, on its thread; one alarm for all attempts.
#pragma once

#include <functional>
#include <list>
#include <memory>

#include "core/clock.h"
#include "relay/outbound/upstream.h"

namespace postrider::relay {

class StallWatch {
 public:
  // `stalled`: this upstream has one more attempt that stalls; said once an attempt.
  StallWatch(const Clock& clock, AlarmSource& alarms, std::function<void(Upstream&)> stalled);

  // Lives as long as the attempt does.
  class Attempt {
   public:
    Attempt(StallWatch& watch, std::shared_ptr<Upstream> upstream);
    ~Attempt();
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

   private:
    friend class StallWatch;
    StallWatch& watch_;
    std::shared_ptr<Upstream> upstream_;
    Duration stalls_at_;  // on the monotonic clock: setting the wall clock makes nobody stall
    bool stalled_ = false;
    std::list<Attempt*>::iterator place_;
  };

 private:
  void look();
  void set_alarm();
  Time due(const Attempt& attempt) const;

  const Clock& clock_;
  std::unique_ptr<Alarm> alarm_;
  std::function<void(Upstream&)> stalled_;
  std::list<Attempt*> under_way_;  // in the order they began
  Time alarm_at_ = kNever;
};

}  // namespace postrider::relay
