// GET /v1/events: the feed of all events, with a cursor, and on request a wait for the next one. A waiting request is a
// suspended coroutine and a timer: no thread, no read transaction. The store gives no notice of commits to readers; so a
// request that waits looks at the newest sequence number, an atomic snapshot, every 250 ms. mgmt thread.
#pragma once

#include "core/clock.h"
#include "mgmt/event_feed.h"
#include "mgmt/router.h"

namespace postrider::mgmt {

class EventsApi {
 public:
  static constexpr std::uint64_t kMaxWait = 60;  // seconds
  static constexpr Duration kLook = std::chrono::milliseconds(250);
  static constexpr std::size_t kMaxWaiting = 256;  // 503 beyond: there must be connections left for others

  EventsApi(Mailbox& home, const Clock& clock, storage::Store& store);
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> list(const Request& request);
  // Until something is newer than `seen`; false when the time is up or the server stops.
  boost::asio::awaitable<bool> wait_for_news(std::uint64_t seen, Duration until);

  const Clock& clock_;
  EventFeed feed_;
  std::size_t waiting_ = 0;
};

}  // namespace postrider::mgmt
