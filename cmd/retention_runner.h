// Retires old history and bodies in small steps: one a minute, and soon again while a step says there is more to do. Each step
// is one bounded operation of the store's writer, so that no mail ever waits for clean-up. Lives on the mgmt thread's Loop.
#pragma once

#include <memory>

#include "core/clock.h"
#include "core/log.h"
#include "mgmt/retention_api.h"
#include "storage/store.h"

namespace postrider::cmd {

class RetentionRunner {
 public:
  static constexpr Duration kPause = std::chrono::minutes(1);
  static constexpr Duration kShortPause = std::chrono::milliseconds(100);

  // `home` is the mailbox of the Loop that gave `alarm`; it must have stopped, or hold no answer, before destruction.
  RetentionRunner(Mailbox& home, const Clock& clock, std::unique_ptr<Alarm> alarm, storage::Store& store,
                  const mgmt::RetentionRules& rules, mgmt::RetentionBook& book, Log& log);
  void start();
  void stop();  // no further step

 private:
  void wait(Duration pause);
  void step();
  void finished(const result<storage::Retired>& retired);

  Mailbox& home_;
  const Clock& clock_;
  std::unique_ptr<Alarm> alarm_;
  storage::Store& store_;
  const mgmt::RetentionRules& rules_;
  mgmt::RetentionBook& book_;
  Log& log_;
  bool stopped_ = false;
};

}  // namespace postrider::cmd
