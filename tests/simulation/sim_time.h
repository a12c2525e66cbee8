// Simulated time: a Clock and the Alarms set on it. Nothing happens by itself: the World fires the next alarm when every
// loop and the store are quiet, so hours of retries take milliseconds and nothing depends on the machine. One thread.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "core/clock.h"

namespace postrider::sim {

class SimTime final : public Clock, public AlarmSource {
 public:
  Time now() const override { return now_; }
  Duration monotonic() const override { return monotonic_; }

  std::unique_ptr<Alarm> make_alarm() override { return std::make_unique<SimAlarm>(*this); }

  Time next_alarm() const {
    Time next = kNever;
    for (const SimAlarm* alarm : alarms_) next = std::min(next, alarm->fire_ ? alarm->due_ : kNever);
    return next;
  }
  // Time passes up to `at`; alarms due by then fire, one after the other.
  void pass_to(Time at) {
    if (at > now_) {
      monotonic_ += at - now_;
      now_ = at;
    }
    fire_due();
  }
  // The wall clock is set; no time passes. Back: all alarms fire.
  void set_wall(Time at) {
    if (at < now_) {
      for (SimAlarm* alarm : alarms_) alarm->set_back_ = true;
    }
    now_ = at;
    fire_due();
  }

 private:
  class SimAlarm final : public Alarm {
   public:
    explicit SimAlarm(SimTime& time) : time_(time) { time_.alarms_.push_back(this); }
    ~SimAlarm() override { std::erase(time_.alarms_, this); }
    void set(Time due, std::function<void()> fire) override {
      due_ = due;
      fire_ = std::move(fire);
      set_back_ = false;
    }
    void cancel() override { fire_ = nullptr; }

   private:
    friend class SimTime;
    SimTime& time_;
    Time due_{};
    std::function<void()> fire_;
    bool set_back_ = false;  // the clock was, since it was set
  };

  void fire_due() {
    for (;;) {
      const auto due = std::find_if(alarms_.begin(), alarms_.end(), [this](const SimAlarm* alarm) {
        return alarm->fire_ && (alarm->due_ <= now_ || alarm->set_back_);
      });
      if (due == alarms_.end()) return;
      const auto fire = std::exchange((*due)->fire_, nullptr);
      fire();
    }
  }

  Time now_ = from_ms(1'800'000'000'000);
  Duration monotonic_{0};
  std::vector<SimAlarm*> alarms_;
};

}  // namespace postrider::sim
