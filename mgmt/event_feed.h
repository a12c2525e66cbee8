// The events of all messages and upstreams in commit order, page by page, through filters: what GET /v1/events reads. Bounded
// in rows looked at and messages looked up; every step is a short read of the store's. mgmt thread.
#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "mgmt/http.h"
#include "storage/store.h"

namespace postrider::mgmt {

struct EventFilter {
  std::uint64_t after = 0;       // sequence number, exclusive
  bool from_end = false;         // instead: only what is not there yet
  std::vector<EventType> types;  // none: all
  std::optional<MessageId> message;
  std::string upstream;              // none: all; else events of this upstream, and attempts at it
  std::optional<Time> since, until;  // since inclusive, until exclusive
  std::size_t limit = 100;

  bool fits(const Event& event) const;
};

// Reads after, type, message, upstream, since, until and limit; the fault names the parameter.
result<EventFilter> read_event_filter(const Request& request);

struct EventPage {
  boost::json::array events;
  std::uint64_t next = 0;  // pass as `after`
  bool more = false;       // there may be more already
};

struct EventFeedLimits {
  std::size_t page = 500;            // rows read at a time
  std::size_t max_rows = 20'000;     // looked at for one page
  std::size_t max_messages = 2'000;  // looked up for one page
};

class EventFeed {
 public:
  EventFeed(Mailbox& home, storage::Store& store, EventFeedLimits limits = {});

  // Where a first page begins: `after`, the end, or for `since` the place in the feed that it names, found by bisection.
  boost::asio::awaitable<result<std::uint64_t>> start(const EventFilter& filter);
  // Events after `filter.after` that fit and that `principal` may see.
  boost::asio::awaitable<result<EventPage>> read(EventFilter filter, Principal principal);
  std::uint64_t last() const { return store_.stats().last_seq; }

 private:
  struct Reading;
  boost::asio::awaitable<result<EventPage>> read_message(EventFilter filter, Principal principal);
  boost::asio::awaitable<result<std::vector<Event>>> rows(std::uint64_t after, std::size_t limit);
  boost::asio::awaitable<result<std::shared_ptr<const MessageRecord>>> look_up(const Event& event, Reading& reading);

  Mailbox& home_;
  storage::Store& store_;
  EventFeedLimits limits_;
};

}  // namespace postrider::mgmt
