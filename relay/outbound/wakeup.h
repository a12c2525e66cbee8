// Wakeup: lets one coroutine sleep until a signal. A signal that comes while nobody sleeps is kept, so that none is lost;
// many make one. On its Loop's thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/loop.h"

namespace postrider::relay {

inline constexpr Duration kStoreTrouble = std::chrono::seconds(1);  // until a store that refused is asked again

class Wakeup {
 public:
  explicit Wakeup(net::Loop& loop);
  void signal();
  boost::asio::awaitable<void> wait();  // also returns when the waiting task is cancelled

 private:
  boost::asio::steady_timer never_;  // Asio has no condition: a timer that does not expire, and is cancelled to wake
  bool signalled_ = false;
};

}  // namespace postrider::relay
