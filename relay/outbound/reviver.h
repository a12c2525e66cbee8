// Reviver: brings messages back that failed because of the route, once an upstream works again: by the store's index, oldest first, so
// many a second, so that they never stand in front of fresh mail in a wave. One per process, on one relay thread's Loop.
#pragma once

#include <memory>
#include <string>

#include "core/clock.h"
#include "core/log.h"
#include "core/upstream_config.h"
#include "net/loop.h"
#include "net/task_group.h"
#include "relay/outbound/span_alarm.h"
#include "relay/outbound/wakeup.h"
#include "storage/store.h"

namespace postrider::relay {

struct ReviverOptions {
  Rate pace{100, std::chrono::seconds(1)};
  Duration max_age = std::chrono::hours(24 * 5);
};

struct ReviverParts {
  net::Loop& loop;
  const Clock& clock;
  AlarmSource& alarms;
  storage::Store& store;
  Log& log;
};

class Reviver {
 public:
  Reviver(ReviverParts parts, ReviverOptions options);
  void start();
  void works_again(const std::string& upstream);  // on the Loop's thread, as all
  void use(ReviverOptions options) { options_ = options; }
  boost::asio::awaitable<void> drain();

 private:
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> walk(std::string upstream);
  boost::asio::awaitable<void> rest(Duration time);

  ReviverParts parts_;
  ReviverOptions options_;
  std::string wanted_;  // the upstream that works again; empty: nothing to do
  bool stopping_ = false;
  Wakeup work_;
  SpanAlarm pace_;
  net::TaskGroup tasks_;
};

}  // namespace postrider::relay
