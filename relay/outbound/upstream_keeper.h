// UpstreamKeeper: the memory of the upstreams: writes what happens to them to the log and, with its event, to the spool; begins the
// periods of their quotas and moves the durable marks. One per process, on one relay thread's Loop; news come from any thread.
// It decides nothing: circuits and preferences change where they are reported.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/log.h"
#include "net/loop.h"
#include "relay/outbound/calendar.h"
#include "relay/outbound/noticeboard.h"
#include "relay/outbound/routes.h"
#include "relay/outbound/upstream_news.h"
#include "relay/outbound/wakeup.h"
#include "storage/store.h"

namespace postrider::relay {

struct KeeperParts {
  net::Loop& loop;
  const Clock& clock;
  AlarmSource& alarms;
  storage::Store& store;
  Noticeboard& board;
  Log& log;
  std::function<void(const std::string& upstream)> works_again;  // on the Loop's thread; may be empty
};

// What was known of the upstreams when the last process ended; before the first message.
void restore_upstreams(Routes& routes, const std::vector<storage::UpstreamState>& states, Time now);

class UpstreamKeeper {
 public:
  // `states`: as given to restore_upstreams().
  UpstreamKeeper(KeeperParts parts, std::shared_ptr<Routes> routes, std::vector<storage::UpstreamState> states);
  ~UpstreamKeeper();

  void tell(UpstreamNews news);              // any thread
  void start();                              // on the Loop's thread, as all below
  void use(std::shared_ptr<Routes> routes);  // after a reload
  boost::asio::awaitable<void> drain();      // writes the exact counts

 private:
  void hear(const UpstreamNews& news);
  void write_log(const UpstreamNews& news, const Upstream& upstream) const;
  void take_preference_from_others(const std::string& upstream);
  void keep(const Upstream& upstream, std::vector<Event> events);
  void put(storage::UpstreamState state, std::vector<Event> events);
  void kept(const storage::UpstreamState& state, const std::vector<Event>& events, const result<Nothing>& answer);
  void keep_later(const std::string& upstream, const std::vector<Event>& events);
  void keep_again();
  storage::UpstreamState state_of(const Upstream& upstream, bool exact) const;
  void begin_periods();
  void await_period(Time next);
  const Calendar* calendar_of(const UpstreamConfig& config);

  KeeperParts parts_;
  std::shared_ptr<Routes> routes_;
  std::map<std::string, storage::UpstreamState, std::less<>> known_;  // as last kept, by name
  std::map<std::string, Calendar, std::less<>> calendars_;            // by zone
  std::map<std::string, std::vector<Event>, std::less<>> unkept_;     // what the store refused, by name
  std::unique_ptr<Alarm> period_ends_, again_;
  std::size_t writing_ = 0;
  bool draining_ = false;
  Wakeup written_;
  std::shared_ptr<UpstreamKeeper*> self_;  // what posted news hold
};

}  // namespace postrider::relay
