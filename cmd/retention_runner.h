// Retires old history and bodies in small steps: one a minute, soon again while a step says there is more to do, and within a second
// when finished messages have grown over their size, so that they never stand in the way of new mail. Each step is one bounded
// operation of the store's writer, so that no mail ever waits for clean-up. Lives on the mgmt thread's Loop.
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
  static constexpr Duration kLook = std::chrono::seconds(1);  // between two looks at the size
  static constexpr Duration kShortPause = std::chrono::milliseconds(100);

  // `home` is the mailbox of the Loop that gave `alarm`; it must have stopped, or hold no answer, before destruction.
  RetentionRunner(Mailbox& home, const Clock& clock, std::unique_ptr<Alarm> alarm, storage::Store& store,
                  const mgmt::RetentionRules& rules, mgmt::RetentionBook& book, Log& log);
  void start();
  void stop();  // no further step

 private:
  void wait(Duration pause);
  void look();
  bool crowded() const;
  void step();
  void finished(const result<storage::Retired>& retired);

  Mailbox& home_;
  const Clock& clock_;
  std::unique_ptr<Alarm> alarm_;
  storage::Store& store_;
  const mgmt::RetentionRules& rules_;
  mgmt::RetentionBook& book_;
  Log& log_;
  Duration next_step_{};  // on the monotonic clock
  bool in_vain_ = false;  // the last step left what is too much: what is in its way takes longer than a look
  bool stopped_ = false;
};

}  // namespace postrider::cmd
