// Expirer: ends what its submitter gave a time to live, when that time is over and whatever the message waits for. The store has the
// index; here is the alarm. One per process, on one relay thread's Loop.
#pragma once

#include <functional>
#include <memory>

#include "core/clock.h"
#include "core/log.h"
#include "net/loop.h"
#include "net/task_group.h"
#include "relay/outbound/wakeup.h"
#include "storage/store.h"

namespace postrider::relay {

struct ExpirerParts {
  net::Loop& loop;
  const Clock& clock;
  AlarmSource& alarms;
  storage::Store& store;
  Log& log;
  std::function<void()> notice_owed;  // may be empty
  bool remove_body = true;            // retention.sent_bodies = 0
  bool notify_sender = true;          // delivery.dsn
};

class Expirer {
 public:
  explicit Expirer(ExpirerParts parts);  // before the store's first verb
  void start();                          // on the Loop's thread, as all below
  boost::asio::awaitable<void> drain();

 private:
  boost::asio::awaitable<void> run();

  ExpirerParts parts_;
  Time next_ = Time::min();  // nothing to do before
  bool stopping_ = false;
  Wakeup work_;
  std::unique_ptr<Alarm> alarm_;
  net::TaskGroup tasks_;
  std::shared_ptr<Expirer*> self_;  // what the store holds
};

}  // namespace postrider::relay
