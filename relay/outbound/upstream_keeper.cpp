#include "relay/outbound/upstream_keeper.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "relay/outbound/dispatch_log.h"

namespace postrider::relay {

namespace {

using News = UpstreamNews::Kind;

constexpr std::size_t kMostUnkept = 100;  // events of one upstream that wait for it

std::optional<EventType> event_of(News kind) {
  switch (kind) {
    case News::opened:
      return EventType::upstream_opened;
    case News::closed:
      return EventType::upstream_closed;
    case News::paused:
    case News::stopped:
      return EventType::upstream_paused;
    case News::resumed:
      return EventType::upstream_resumed;
    case News::preferred:
      return EventType::upstream_preferred;
    case News::promoted:
      return EventType::upstream_promoted;
    case News::rolled_back:
      return EventType::upstream_rolled_back;
    case News::works_again:
    case News::quota_marked:
      return std::nullopt;
  }
  return std::nullopt;
}

bool moves_preference(News kind) {
  return kind == News::preferred || kind == News::promoted || kind == News::rolled_back;
}

}  // namespace

void restore_upstreams(Routes& routes, const std::vector<storage::UpstreamState>& states, Time now) {
  for (const storage::UpstreamState& state : states) {
    const auto index = routes.find(state.name);
    if (!index) continue;
    const auto health = state.health == 0 ? Health::closed : Health::open;
    routes.at(*index).restore(health, static_cast<Stage>(state.opened_stage), state.last_error, state.paused_until,
                              state.stopped, state.changed_at, now);
    if (!state.preferred) continue;
    Preferred preferred;
    preferred.upstream = state.name;
    preferred.percent = state.canary_percent;
    preferred.messages = state.canary_messages;
    preferred.by = state.preferred_by;
    preferred.since = state.changed_at;
    routes.preference().set(std::move(preferred));
  }
}

UpstreamKeeper::UpstreamKeeper(KeeperParts parts, std::shared_ptr<Routes> routes,
                               std::vector<storage::UpstreamState> states)
    : parts_(std::move(parts)),
      routes_(std::move(routes)),
      period_ends_(parts_.alarms.make_alarm()),
      again_(parts_.alarms.make_alarm()),
      written_(parts_.loop),
      self_(std::make_shared<UpstreamKeeper*>(this)) {
  for (storage::UpstreamState& state : states) known_[state.name] = std::move(state);
}

UpstreamKeeper::~UpstreamKeeper() = default;

void UpstreamKeeper::tell(UpstreamNews news) {
  std::vector<Task> tasks;
  tasks.push_back(Task([self = std::weak_ptr<UpstreamKeeper*>(self_), news = std::move(news)] {
    if (const auto alive = self.lock()) (*alive)->hear(news);
  }));
  static_cast<Mailbox&>(parts_.loop).post(std::move(tasks));
}

void UpstreamKeeper::start() {
  begin_periods();
}

// What an earlier reload took away and this one brings back is as it was.
void UpstreamKeeper::use(std::shared_ptr<Routes> routes) {
  std::vector<storage::UpstreamState> back;
  for (const auto& [name, state] : known_) {
    if (!routes_->find(name) && routes->find(name)) back.push_back(state);
  }
  routes_ = std::move(routes);
  restore_upstreams(*routes_, back, parts_.clock.now());
  begin_periods();
}

boost::asio::awaitable<void> UpstreamKeeper::drain() {
  draining_ = true;
  period_ends_->cancel();
  again_->cancel();
  for (std::size_t i = 0; i < routes_->size(); ++i) {
    const Upstream& upstream = routes_->at(i);
    if (upstream.day().limited() || upstream.month().limited() || unkept_.contains(upstream.name())) keep(upstream, {});
  }
  while (writing_ > 0) co_await written_.wait();
}

void UpstreamKeeper::hear(const UpstreamNews& news) {
  if (moves_preference(news.kind)) take_preference_from_others(news.upstream);
  const auto index = routes_->find(news.upstream);
  if (!index) return;
  const Upstream& upstream = routes_->at(*index);
  write_log(news, upstream);
  if (parts_.works_again && (news.kind == News::works_again || news.kind == News::closed))
    parts_.works_again(news.upstream);
  if (news.kind == News::works_again) return;
  std::vector<Event> events;
  if (const auto type = event_of(news.kind)) {
    Event event;
    event.type = *type;
    event.at = parts_.clock.now();
    event.reason = news.reason;
    event.actor = news.actor;
    event.upstream = news.upstream;
    events.push_back(std::move(event));
  }
  if (news.kind == News::stopped) known_[news.upstream].stopped_by = news.actor;
  keep(upstream, std::move(events));
}

// Also from one that a reload took away: a start that finds it configured again must not find two that are preferred.
void UpstreamKeeper::take_preference_from_others(const std::string& upstream) {
  std::vector<storage::UpstreamState> before;
  for (const auto& [name, state] : known_) {
    if (state.preferred && (name != upstream || !routes_->find(name))) before.push_back(state);
  }
  for (storage::UpstreamState& state : before) {
    if (const auto index = routes_->find(state.name)) {
      keep(routes_->at(*index), {});
      continue;
    }
    state.preferred = false;
    put(std::move(state), {});
  }
}

void UpstreamKeeper::write_log(const UpstreamNews& news, const Upstream& upstream) const {
  switch (news.kind) {
    case News::opened:
      return log_opened(parts_.log, upstream, news.reason);
    case News::closed:
      return log_closed(parts_.log, upstream);
    case News::paused:
      return log_paused(parts_.log, upstream, news.reason);
    case News::stopped:
    case News::resumed:
    case News::preferred:
    case News::promoted:
    case News::rolled_back:
      return log_steered(parts_.log, news);
    case News::works_again:
    case News::quota_marked:
      return;
  }
}

// ---- keeping --------------------------------------------------------------------------------------------------------

void UpstreamKeeper::keep(const Upstream& upstream, std::vector<Event> events) {
  storage::UpstreamState state = state_of(upstream, draining_);
  if (auto refused = unkept_.extract(state.name)) {
    events.insert(events.begin(), std::make_move_iterator(refused.mapped().begin()),
                  std::make_move_iterator(refused.mapped().end()));
  }
  put(std::move(state), std::move(events));
}

void UpstreamKeeper::put(storage::UpstreamState state, std::vector<Event> events) {
  known_[state.name] = state;
  ++writing_;
  Done<Nothing> done(parts_.loop,
                     [self = std::weak_ptr<UpstreamKeeper*>(self_), state, events](const result<Nothing>& answer) {
                       if (const auto alive = self.lock()) (*alive)->kept(state, events, answer);
                     });
  parts_.store.put_upstream_state(std::move(state), std::move(events), std::move(done));
}

void UpstreamKeeper::kept(const storage::UpstreamState& state, const std::vector<Event>& events,
                          const result<Nothing>& answer) {
  --writing_;
  written_.signal();
  if (!answer) {
    parts_.log.error("upstream.not_kept", {{"upstream", state.name}, {"reason", answer.error().text}});
    keep_later(state.name, events);
  }
  const auto index = routes_->find(state.name);
  if (!index) return;
  Upstream& upstream = routes_->at(*index);
  upstream.mark_moved();
  if (!answer || draining_ || state.day_start != upstream.day().period_start()) return;
  upstream.day().grant(state.day_count);
  upstream.month().grant(state.month_count);
  if (upstream.day().limited() || upstream.month().limited()) parts_.board.tell_all(parts_.clock.now());
}

// Not only for the events: while the mark of a quota does not move nobody may use it, and nobody would ask again.
void UpstreamKeeper::keep_later(const std::string& upstream, const std::vector<Event>& events) {
  if (draining_) return;
  std::vector<Event>& refused = unkept_[upstream];
  for (const Event& event : events) {
    if (refused.size() < kMostUnkept) refused.push_back(event);
  }
  again_->set(parts_.clock.now() + kStoreTrouble, [this] { keep_again(); });
}

void UpstreamKeeper::keep_again() {
  std::vector<std::string> names;
  for (const auto& [name, events] : unkept_) names.push_back(name);
  for (const std::string& name : names) {
    if (const auto index = routes_->find(name)) {
      keep(routes_->at(*index), {});
    } else {
      put(known_[name], std::move(unkept_.extract(name).mapped()));
    }
  }
}

storage::UpstreamState UpstreamKeeper::state_of(const Upstream& upstream, bool exact) const {
  storage::UpstreamState state;
  state.name = upstream.name();
  state.health = static_cast<std::uint8_t>(upstream.health() == Health::closed ? Health::closed : Health::open);
  state.changed_at = parts_.clock.now();
  if (const auto failure = upstream.last_failure()) {
    state.opened_stage = static_cast<std::uint8_t>(failure->reason.stage);
    state.last_error = failure->reason.text;
  }
  if (upstream.paused(state.changed_at)) state.paused_until = upstream.paused_until();
  state.stopped = upstream.stopped();
  const auto before = known_.find(state.name);
  if (state.stopped && before != known_.end()) state.stopped_by = before->second.stopped_by;
  const std::optional<Preferred> preferred = routes_->preference().get();
  if (preferred && preferred->upstream == upstream.name()) {
    state.preferred = true;
    state.canary_percent = preferred->percent;
    state.canary_messages = preferred->messages;
    state.preferred_by = preferred->by;
  }
  state.day_start = upstream.day().period_start();
  state.month_start = upstream.month().period_start();
  state.day_count = exact ? upstream.day().used() : upstream.day().wanted_mark();
  state.month_count = exact ? upstream.month().used() : upstream.month().wanted_mark();
  return state;
}

// ---- quotas ---------------------------------------------------------------------------------------------------------

void UpstreamKeeper::begin_periods() {
  const Time now = parts_.clock.now();
  Time next = kNever;
  for (std::size_t i = 0; i < routes_->size(); ++i) {
    Upstream& upstream = routes_->at(i);
    if (!upstream.day().limited() && !upstream.month().limited()) continue;
    const Calendar* calendar = calendar_of(upstream.config());
    if (calendar == nullptr) continue;
    const auto before = known_.find(upstream.name());
    bool begun = false;
    const auto begin = [&](Quota& quota, Time start, Time end, Time kept_start, std::uint64_t kept) {
      next = std::min(next, end);
      if (quota.period_start() == start && quota.period_end() == end) return;
      quota.begin_period(start, end, before != known_.end() && kept_start == start ? kept : 0);
      begun = true;
    };
    const storage::UpstreamState kept = before != known_.end() ? before->second : storage::UpstreamState();
    begin(upstream.day(), calendar->day_start(now), calendar->next_day(now), kept.day_start, kept.day_count);
    begin(upstream.month(), calendar->month_start(now), calendar->next_month(now), kept.month_start, kept.month_count);
    if (begun || upstream.day().wanted_mark() > upstream.day().mark() ||
        upstream.month().wanted_mark() > upstream.month().mark())
      keep(upstream, {});
  }
  if (next == kNever) return period_ends_->cancel();
  await_period(next);
}

// A period that has begun is not begun again: a clock that was set back over its beginning would forget what was used.
void UpstreamKeeper::await_period(Time next) {
  period_ends_->set(next, [this, next] { parts_.clock.now() < next ? await_period(next) : begin_periods(); });
}

const Calendar* UpstreamKeeper::calendar_of(const UpstreamConfig& config) {
  const auto known = calendars_.find(config.quota_time_zone);
  if (known != calendars_.end()) return &known->second;
  const result<Calendar> calendar = Calendar::find(config.quota_time_zone);
  if (!calendar) {
    parts_.log.error("upstream.no_calendar", {{"upstream", config.name}, {"reason", calendar.error().text}});
    return nullptr;
  }
  return &calendars_.emplace(config.quota_time_zone, *calendar).first->second;
}

}  // namespace postrider::relay
