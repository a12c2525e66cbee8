#include "relay/outbound/dispatcher.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "net/await.h"
#include "net/task_group.h"
#include "relay/outbound/age_watch.h"
#include "relay/outbound/bucket_windows.h"
#include "relay/outbound/dispatch_log.h"
#include "relay/outbound/dispatch_metrics.h"
#include "relay/outbound/fleet.h"
#include "relay/outbound/settle_queue.h"
#include "relay/outbound/span_alarm.h"
#include "relay/outbound/try_runner.h"
#include "relay/outbound/wakeup.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr Duration kSettleGrace = std::chrono::seconds(5);  // for a store that refuses settlements while we drain
constexpr Duration kListAgain = DueWindow::kReadGap;        // between two looks at what stands first in each bucket
constexpr std::size_t kPlacesPerConnection = 4;             // of an upstream, in flight in one dispatcher
constexpr std::size_t kAgesAtOnce = 32;                     // records read in one go to learn how old they are

// A due entry that is to be claimed, for whom, and with what right.
struct Pick {
  storage::DueEntry entry;
  std::size_t upstream = 0;
  std::string_view why;
  std::shared_ptr<Slot> slot;  // taken before the claim: fresh messages may want it while we wait
  bool rated = false;          // it has a place in the upstream's rate
  std::optional<ProbePass> probe;
  std::shared_ptr<void> canary;  // its place among a canary's messages
};

class ThreadDispatcher final : public Dispatcher {
 public:
  ThreadDispatcher(DispatcherParts parts, DispatchOptions options);
  ~ThreadDispatcher() override;

  Offer offer(const MessageRecord& record) override;
  void deliver_fresh(Reserved reserved, FreshMessage message) override;
  void start() override;
  asio::awaitable<void> drain(Duration grace) override;
  std::size_t in_flight() const override { return in_flight_; }
  void use(std::shared_ptr<Routes> routes, std::vector<std::unique_ptr<Transport>> transports,
           DispatchOptions options) override;
  void test(std::string upstream, Done<Attempt> done) override;

 private:
  void assemble(std::shared_ptr<Routes> routes, std::vector<std::unique_ptr<Transport>> transports);
  asio::awaitable<void> probe(std::shared_ptr<Fleet> fleet, std::size_t upstream, Done<Attempt> done);

  // Claiming: one task that looks, claims, starts tries, and sleeps until there is a reason to look again.
  asio::awaitable<void> claim_due();
  bool may_claim() const { return !settles_.blocked() && parts_.store.can_settle(); }
  asio::awaitable<bool> look_at_index(Time now);
  asio::awaitable<void> list_buckets();
  asio::awaitable<void> read_page(Bucket& bucket, storage::DueQuery query);
  asio::awaitable<bool> learn_ages(Time now);
  std::vector<Pick> pick(Time now);
  bool pick_one(Bucket& bucket, Lane lane, std::vector<Pick>& picks, Time now);
  Choice choose(const Bucket& bucket, Time now);
  void pick_aged(Bucket& bucket, std::vector<Pick>& picks, Time now);
  void pick_probes(Bucket& bucket, std::vector<Pick>& picks, Time now);
  UpstreamSet set_of(const Bucket& bucket) const { return buckets_.set_of(bucket).value_or(fleet_->routes->all()); }
  bool out_of_service(const Bucket& bucket, Time now) const {
    return !fleet_->routes->any_in_service(set_of(bucket), now);
  }
  asio::awaitable<void> claim(std::vector<Pick> picks);
  void start_try(std::shared_ptr<Fleet> fleet, Pick& pick, storage::Claimed claimed);
  void unused(Fleet& fleet, Pick& pick);
  void tell_suppressed(const MessageRecord& record, const std::vector<std::uint32_t>& recipients);
  void sleep_until_worth_it(Time now);
  bool waits_for_room(Time now) const;
  std::size_t places_at(const UpstreamConfig& upstream) const;

  asio::awaitable<void> attend(ClaimedMessage message);
  void settle(const ClaimedMessage& message, storage::Settlement settlement);
  std::uint32_t bucket_after(const ClaimedMessage& message, const storage::Settlement& settlement);
  void look_at(Time due);  // the windows have been told
  void due_again(const MessageId& id, Lane lane, std::uint32_t bucket, Time due);
  void slots_changed(int change);

  DispatcherParts parts_;
  DispatchOptions options_;
  std::size_t in_flight_ = 0;
  std::shared_ptr<Fleet> fleet_;
  BucketWindows buckets_;
  AgeWatch ages_;
  TryRunner runner_;
  SettleQueue settles_;
  net::TaskGroup tasks_;
  Wakeup work_;  // wakes claim_due()
  Wakeup idle_;  // wakes drain()
  std::unique_ptr<Alarm> alarm_;
  SpanAlarm drain_alarm_;
  Time looked_at_{}, alarm_at_ = kNever;
  Time room_at_ = kNever;         // when an upstream that had no room may have some, as pick() found
  Time listed_at_ = Time::min();  // when the buckets were listed
  std::size_t next_read_ = 0;     // bucket of the round of reads that is under way
  Time list_from_ = Time::min();  // something in a bucket that nobody named may be due then; kNever: no
  bool waits_for_slot_ = false;
  bool started_ = false, stopping_ = false;
  std::shared_ptr<ThreadDispatcher*> self_;  // what others hold who may call after our end
};

}  // namespace

ThreadDispatcher::ThreadDispatcher(DispatcherParts parts, DispatchOptions options)
    : parts_(std::move(parts)),
      options_(options),
      buckets_(options_.window, options_.shard, options_.shards),
      ages_(options_.retry.max_age),
      runner_(parts_, options_),
      settles_(
          parts_.loop, parts_.clock, parts_.alarms, parts_.store, parts_.log,
          {[this](const MessageId& id, Lane lane, std::uint32_t bucket, Time due) { due_again(id, lane, bucket, due); },
           [this] { work_.signal(); }, parts_.notice_owed}),
      tasks_(parts_.loop,
             [this](std::string_view task, const std::exception& e) {
               parts_.log.error("task.failed", {{"task", std::string(task)}, {"reason", e.what()}});
             }),
      work_(parts_.loop),
      idle_(parts_.loop),
      alarm_(parts_.alarms.make_alarm()),
      drain_alarm_(parts_.clock, parts_.alarms),
      self_(std::make_shared<ThreadDispatcher*>(this)) {
  if (options_.shards > Noticeboard::kMaxShards || options_.shard >= options_.shards) {
    throw std::invalid_argument("a dispatcher needs a shard of its own");
  }
  assemble(std::move(parts_.routes), std::move(parts_.transports));
  const auto look = [self = std::weak_ptr<ThreadDispatcher*>(self_)](Time earliest) {
    const auto alive = self.lock();
    if (!alive) return;
    (*alive)->list_from_ = std::min((*alive)->list_from_, earliest);
    (*alive)->look_at(earliest);
  };
  parts_.store.on_due_changed(parts_.loop, look);
  parts_.board.join(options_.shard, parts_.loop, look);
}

ThreadDispatcher::~ThreadDispatcher() {
  parts_.board.leave(options_.shard);
  for (const auto& pool : fleet_->slots) pool->forget_owner();
}

void ThreadDispatcher::assemble(std::shared_ptr<Routes> routes, std::vector<std::unique_ptr<Transport>> transports) {
  if (transports.size() != routes->size()) {
    throw std::invalid_argument("a dispatcher needs one transport for each upstream");
  }
  auto fleet = std::make_shared<Fleet>();
  fleet->routes = std::move(routes);
  fleet->transports = std::move(transports);
  for (std::size_t i = 0; i < fleet->routes->size(); ++i) {
    fleet->slots.push_back(std::make_shared<SlotPool>(places_at(fleet->routes->at(i).config()),
                                                      [self = std::weak_ptr<ThreadDispatcher*>(self_)](int change) {
                                                        if (const auto alive = self.lock())
                                                          (*alive)->slots_changed(change);
                                                      }));
  }
  fleet_ = std::move(fleet);
}

// More than a few for each connection would only wait for one, where spill_after cannot reach them.
std::size_t ThreadDispatcher::places_at(const UpstreamConfig& upstream) const {
  return std::min<std::size_t>(options_.max_in_flight, kPlacesPerConnection * std::max(1u, upstream.max_connections));
}

ThreadDispatcher::Offer ThreadDispatcher::offer(const MessageRecord& record) {
  Routes& routes = *fleet_->routes;
  const UpstreamSet set = routes.eligible(record);
  Offer offer;
  if (set == 0) return offer;  // nobody's mail: it is claimed, and told why it waits
  offer.wait_bucket = routes.bucket_of(set, record.envelope);
  buckets_.learn(offer.wait_bucket, set);
  const Time now = parts_.clock.now();
  if (stopping_ || settles_.blocked() || !parts_.store.can_settle() || record.due() > now) return offer;
  // What waits in the spool keeps a share of the slots, however much comes in.
  const Choice choice = routes.choose(set, fleet_->full(buckets_.ready()), Duration{0}, now);
  if (!choice.upstream) return offer;
  // Where a rate is the bottleneck, what comes in would take every place from what waits for one.
  if (routes.at(*choice.upstream).rate().limited() && buckets_.ready_beside(offer.wait_bucket)) {
    routes.at(*choice.upstream).rate().give_back(1);
    return offer;
  }
  Reserved reserved;
  reserved.fleet = fleet_;
  reserved.slot = fleet_->slots[*choice.upstream]->take();
  reserved.index = *choice.upstream;
  reserved.why = choice.why;
  reserved.canary = choice.canary;
  reserved.upstream = routes.at(*choice.upstream).name();
  reserved.notify_sender = options_.notify_sender;
  offer.reserved = std::move(reserved);
  return offer;
}

void ThreadDispatcher::deliver_fresh(Reserved reserved, FreshMessage message) {
  ClaimedMessage claimed;
  claimed.record = std::move(message.record);
  std::vector<std::uint32_t> suppressed;
  for (std::uint32_t i = 0; i < claimed.record->recipients.size(); ++i) {
    const RecipientState state = claimed.record->recipients[i].state;
    if (state == RecipientState::sending) claimed.recipients.push_back(i);
    if (state == RecipientState::suppressed) suppressed.push_back(i);
  }
  tell_suppressed(*claimed.record, suppressed);
  if (claimed.recipients.empty()) {  // all are suppressed, or its time to live was over before it was stored
    reserved.fleet->routes->at(reserved.index).rate().give_back(1);
    return;
  }
  claimed.first_in_memory = message.body.chunks.empty() ? claimed.record->body_chunks : message.first_chunk;
  claimed.body = std::move(message.body);
  claimed.fleet = std::move(reserved.fleet);
  claimed.slot = std::move(reserved.slot);
  claimed.upstream = reserved.index;
  claimed.why = reserved.why;
  claimed.rated = true;
  claimed.canary = std::move(reserved.canary);
  tasks_.spawn("hand-over", attend(std::move(claimed)));
}

void ThreadDispatcher::start() {
  if (std::exchange(started_, true)) return;
  tasks_.spawn("claim-due", claim_due());
}

asio::awaitable<void> ThreadDispatcher::drain(Duration grace) {
  stopping_ = true;
  work_.signal();
  bool late = false;
  drain_alarm_.set(grace, [this, &late] {
    late = true;
    idle_.signal();
  });
  while (in_flight_ > 0 && !late) co_await idle_.wait();
  drain_alarm_.cancel();
  alarm_->cancel();
  runner_.stop();
  tasks_.cancel();
  co_await tasks_.drain();
  co_await settles_.flush(kSettleGrace);
}

void ThreadDispatcher::use(std::shared_ptr<Routes> routes, std::vector<std::unique_ptr<Transport>> transports,
                           DispatchOptions options) {
  options.shard = options_.shard;
  options.shards = options_.shards;
  options_ = options;
  ages_.set_max_age(options_.retry.max_age);
  for (const auto& transport : fleet_->transports) transport->close_idle();
  assemble(std::move(routes), std::move(transports));
  buckets_.forget_sets();
  list_from_ = Time::min();
  work_.signal();
}

void ThreadDispatcher::test(std::string upstream, Done<Attempt> done) {
  const auto index = fleet_->routes->find(upstream);
  if (!index) return done.complete(Fault{FaultKind::not_found, "no upstream is called " + upstream});
  tasks_.spawn("upstream-test", probe(fleet_, *index, std::move(done)));
}

asio::awaitable<void> ThreadDispatcher::probe(std::shared_ptr<Fleet> fleet, std::size_t upstream, Done<Attempt> done) {
  Attempt attempt = co_await fleet->transports[upstream]->probe();
  done.complete(std::move(attempt));
}

// ---- claiming -------------------------------------------------------------------------------------------------------

asio::awaitable<void> ThreadDispatcher::claim_due() {
  while (!stopping_) {
    const Time now = parts_.clock.now();
    waits_for_slot_ = false;
    if (now < std::exchange(looked_at_, now)) buckets_.forget(now);  // what is loaded was due by a clock set back since
    if (may_claim()) {
      const bool looked = co_await look_at_index(now);
      if (looked) continue;
      const bool learnt = co_await learn_ages(now);
      if (learnt) continue;
      std::vector<Pick> picks = pick(now);
      if (!picks.empty()) {
        co_await claim(std::move(picks));
        continue;
      }
    }
    sleep_until_worth_it(now);
    co_await work_.wait();
  }
}

// One read of the index, where one is worth while. After a round of all buckets it is the turn of what was read: with many buckets
// the first wants to be read again before the last one was.
asio::awaitable<bool> ThreadDispatcher::look_at_index(Time now) {
  if (list_from_ <= now && (now >= listed_at_ + kListAgain || now < listed_at_)) {
    co_await list_buckets();
    co_return true;
  }
  for (; next_read_ < buckets_.all().size(); ++next_read_) {
    Bucket& bucket = *buckets_.all()[next_read_];
    const std::optional<storage::DueQuery> query = bucket.window.wants(now);
    if (!query) continue;
    co_await read_page(bucket, *query);
    co_return true;
  }
  next_read_ = 0;
  co_return false;
}

asio::awaitable<void> ThreadDispatcher::list_buckets() {
  list_from_ = kNever;
  listed_at_ = parts_.clock.now();
  using Heads = std::vector<storage::DueHead>;
  auto start = [this](Done<Heads> done) { parts_.store.due_heads(std::move(done)); };
  const result<Heads> heads = co_await net::await_done<Heads>(parts_.loop, start);
  if (heads) {
    buckets_.add(*heads);
  } else {
    list_from_ = listed_at_;
  }
}

asio::awaitable<void> ThreadDispatcher::read_page(Bucket& bucket, storage::DueQuery query) {
  const Lane lane = query.lane;
  auto start = [this, query](Done<storage::DuePage> done) { parts_.store.due(query, std::move(done)); };
  const result<storage::DuePage> page = co_await net::await_done<storage::DuePage>(parts_.loop, start);
  if (page) {
    bucket.window.load(lane, *page, parts_.clock.now());
  } else {
    bucket.window.failed(lane, parts_.clock.now());
  }
}

// While nothing is in service messages wait unclaimed and uncounted, but not for ever: true when the record of one that may
// have waited too long was read.
asio::awaitable<bool> ThreadDispatcher::learn_ages(Time now) {
  AgeWatch::Findings findings;
  for (const auto& bucket : buckets_.all()) {
    if (!bucket->window.ready() || !out_of_service(*bucket, now)) continue;
    findings = ages_.look(bucket->window, kAgesAtOnce, now);
    if (!findings.unknown.empty()) break;
  }
  for (const MessageId& id : findings.unknown) {
    auto start = [this, id](Done<MessageRecord> done) { parts_.store.find(id, std::move(done)); };
    const result<MessageRecord> record = co_await net::await_done<MessageRecord>(parts_.loop, start);
    if (record) {
      ages_.learn(*record, now);
    } else {
      ages_.learn_gone(id);
    }
  }
  co_return !findings.unknown.empty();
}

// One from each bucket in turn, as long as anybody has room.
std::vector<Pick> ThreadDispatcher::pick(Time now) {
  std::vector<Pick> picks;
  room_at_ = kNever;
  buckets_.share_out([&](Bucket& bucket, Lane lane) { return pick_one(bucket, lane, picks, now); });
  for (const auto& bucket : buckets_.all()) {
    if (!bucket->window.ready() || !out_of_service(*bucket, now)) continue;
    pick_aged(*bucket, picks, now);
    pick_probes(*bucket, picks, now);
  }
  return picks;
}

bool ThreadDispatcher::pick_one(Bucket& bucket, Lane lane, std::vector<Pick>& picks, Time now) {
  const Choice choice = choose(bucket, now);
  if (!choice.upstream) {
    room_at_ = std::min(room_at_, choice.look_again);
    return false;
  }
  std::optional<storage::DueEntry> entry = bucket.window.pick_fair(lane);
  picks.push_back({*entry, *choice.upstream, choice.why, fleet_->slots[*choice.upstream]->take(), true, std::nullopt,
                   choice.canary});
  return true;
}

// For messages that have to be looked at first, room anywhere is good enough: what it turns out they wait for is theirs to wait for.
Choice ThreadDispatcher::choose(const Bucket& bucket, Time now) {
  Routes& routes = *fleet_->routes;
  const UpstreamSet set = set_of(bucket), full = fleet_->full();
  const Duration waited = routes.spills() ? std::max(Duration{0}, now - bucket.window.earliest()) : Duration{0};
  Choice choice = routes.choose(set, full, waited, now);
  if (choice.upstream || buckets_.set_of(bucket) || routes.uniform()) return choice;
  for (std::size_t i = 0; i < routes.size() && !choice.upstream; ++i) {
    Choice single = routes.choose(only(i), full, waited, now);
    if (single.upstream) return single;
  }
  return choice;
}

void ThreadDispatcher::pick_aged(Bucket& bucket, std::vector<Pick>& picks, Time now) {
  const AgeWatch::Findings findings = ages_.look(bucket.window, options_.max_in_flight, now);
  for (const MessageId& id : findings.too_old) {
    std::shared_ptr<Slot> slot;
    std::size_t upstream = 0;
    for (; upstream < fleet_->slots.size() && !slot; ++upstream) slot = fleet_->slots[upstream]->take();
    if (!slot) return;
    ages_.forget(id);
    picks.push_back({*bucket.window.pick(id), upstream - 1, {}, std::move(slot), false, std::nullopt, nullptr});
  }
}

// Probes go to the preferred one; to the next only when it does not even answer those that it has.
void ThreadDispatcher::pick_probes(Bucket& bucket, std::vector<Pick>& picks, Time now) {
  Routes& routes = *fleet_->routes;
  const auto most = static_cast<std::uint32_t>(options_.probes);
  UpstreamSet set = set_of(bucket);
  while (bucket.window.ready()) {
    const std::optional<std::size_t> upstream = routes.preferred(set, now);
    if (!upstream) return;
    std::shared_ptr<Slot> slot = fleet_->slots[*upstream]->take();
    std::optional<ProbePass> pass;
    if (slot) pass = routes.at(*upstream).begin_probe(most, now);
    if (pass) {
      picks.push_back(
          {*bucket.window.pick_earliest(), *upstream, {}, std::move(slot), false, std::move(pass), nullptr});
      continue;
    }
    if (slot && !routes.at(*upstream).probes_hang(most, now)) return;
    set &= ~only(*upstream);
  }
}

asio::awaitable<void> ThreadDispatcher::claim(std::vector<Pick> picks) {
  const Time now = parts_.clock.now();
  std::vector<storage::ClaimRequest> requests;
  requests.reserve(picks.size());
  for (const Pick& one : picks) {
    requests.push_back({one.entry.key.id, fleet_->routes->at(one.upstream).name(), now, options_.notify_sender});
  }
  const std::shared_ptr<Fleet> fleet = fleet_;  // a reload may come while we wait
  auto start = [this, &requests](Done<std::vector<storage::Claimed>> done) {
    parts_.store.claim(std::move(requests), std::move(done));
  };
  result<std::vector<storage::Claimed>> answer =
      co_await net::await_done<std::vector<storage::Claimed>>(parts_.loop, start);

  std::size_t got = 0;
  for (std::size_t i = 0; i < picks.size(); ++i) {
    storage::Claimed claimed;
    if (answer && i < answer->size()) claimed = std::move((*answer)[i]);
    if (claimed.record) {
      ++got;
      tell_suppressed(*claimed.record, claimed.suppressed);
    }
    if (claimed.recipients.empty())
      unused(*fleet, picks[i]);
    else
      start_try(fleet, picks[i], std::move(claimed));
  }
  if (got > 0) co_return;
  buckets_.forget(parts_.clock.now());
}

void ThreadDispatcher::start_try(std::shared_ptr<Fleet> fleet, Pick& pick, storage::Claimed claimed) {
  ClaimedMessage message;
  message.record = std::move(claimed.record);
  message.recipients = std::move(claimed.recipients);
  message.first_in_memory = message.record->body_chunks;
  message.fleet = std::move(fleet);
  message.slot = std::move(pick.slot);
  message.upstream = pick.upstream;
  message.why = pick.why;
  message.rated = pick.rated;
  message.probe = std::move(pick.probe);
  message.canary = std::move(pick.canary);
  tasks_.spawn("hand-over", attend(std::move(message)));
}

void ThreadDispatcher::unused(Fleet& fleet, Pick& pick) {
  pick.slot.reset();
  if (pick.rated) fleet.routes->at(pick.upstream).rate().give_back(1);
  if (!pick.probe) return;
  pick.probe->give_back();
  parts_.board.tell_all(parts_.clock.now());
}

// Whoever is on the suppression list is at rest without a try.
void ThreadDispatcher::tell_suppressed(const MessageRecord& record, const std::vector<std::uint32_t>& recipients) {
  if (recipients.empty()) return;
  log_suppressed(parts_.log, record, recipients);
  if (record.owes_notice() && parts_.notice_owed) parts_.notice_owed();
}

// A slot that comes free is news for mail that has an upstream in service, or lacks one for a probe.
bool ThreadDispatcher::waits_for_room(Time now) const {
  const UpstreamSet full = fleet_->full();
  return std::any_of(buckets_.all().begin(), buckets_.all().end(), [&](const auto& bucket) {
    return bucket->window.ready() && ((set_of(*bucket) & full) != 0 || !out_of_service(*bucket, now));
  });
}

void ThreadDispatcher::sleep_until_worth_it(Time now) {
  waits_for_slot_ = waits_for_room(now);
  Time at = kNever;
  if (settles_.blocked()) {
    waits_for_slot_ = true;  // its end signals
  } else if (!parts_.store.can_settle()) {
    at = now + kStoreTrouble;
  } else {
    at = room_at_;
    if (list_from_ != kNever) at = std::min(at, std::max(list_from_, listed_at_ + kListAgain));
    for (const auto& bucket : buckets_.all()) {
      at = std::min(at, bucket->window.next_read(now));
      if (!bucket->window.ready()) continue;
      at = std::min(at, fleet_->routes->service_again(set_of(*bucket), now));
      if (out_of_service(*bucket, now)) at = std::min(at, ages_.look(bucket->window, 0, now).look_again);
    }
  }
  alarm_at_ = at;
  if (at == kNever) return alarm_->cancel();
  alarm_->set(at, [this] {
    alarm_at_ = kNever;
    work_.signal();
  });
}

// ---- tries and what follows -----------------------------------------------------------------------------------------

asio::awaitable<void> ThreadDispatcher::attend(ClaimedMessage message) {
  storage::Settlement settlement = co_await runner_.run(message);
  settle(message, std::move(settlement));
  if (message.probe) {
    message.probe.reset();
    parts_.board.tell_all(parts_.clock.now());  // whoever waits for the next probe, on any thread
  }
}

void ThreadDispatcher::settle(const ClaimedMessage& message, storage::Settlement settlement) {
  const MessageRecord& record = *message.record;
  settlement.remove_sent_body = options_.remove_sent_body;
  settlement.notify_sender = options_.notify_sender;
  settlement.wait_bucket = bucket_after(message, settlement);
  log_settlement(parts_.log, record, settlement);
  if (parts_.metrics != nullptr) {
    for (const storage::RecipientUpdate& update : settlement.updates) {
      parts_.metrics->settled(update.trigger);
      if (update.trigger == Trigger::hand_over) parts_.metrics->sent(settlement.now - record.envelope.created_at);
    }
  }
  settles_.add(record.envelope.lane, std::move(settlement));
}

// What those of its recipients that go on waiting wait for.
std::uint32_t ThreadDispatcher::bucket_after(const ClaimedMessage& message, const storage::Settlement& settlement) {
  const Routes& routes = *fleet_->routes;
  const MessageRecord& record = *message.record;
  std::optional<UpstreamSet> set;
  const auto add = [&](const Recipient& recipient) {
    set = set.value_or(0) | routes.eligible(record.envelope, recipient);
  };
  for (const Recipient& recipient : record.recipients) {
    if (recipient.state == RecipientState::queued || recipient.state == RecipientState::deferred) add(recipient);
  }
  for (const storage::RecipientUpdate& update : settlement.updates) {
    if (update.trigger == Trigger::defer || update.trigger == Trigger::unclaim)
      add(record.recipients[update.recipient]);
  }
  if (!set) return 0;
  const std::uint32_t bucket = routes.bucket_of(*set, record.envelope);
  buckets_.learn(bucket, *set);
  return bucket;
}

void ThreadDispatcher::look_at(Time due) {
  if (due < alarm_at_) work_.signal();
}

void ThreadDispatcher::due_again(const MessageId& id, Lane lane, std::uint32_t bucket, Time due) {
  const std::uint32_t shard = options_.shards == 1 ? 0 : storage::shard_of(id, options_.shards);
  if (shard != options_.shard) return parts_.board.tell(shard, due);
  buckets_.hint(bucket, lane, due);
  look_at(due);
}

void ThreadDispatcher::slots_changed(int change) {
  in_flight_ = change > 0 ? in_flight_ + 1 : in_flight_ - 1;
  if (parts_.metrics != nullptr) parts_.metrics->in_flight(change);
  if (change > 0) return;
  if (waits_for_slot_) work_.signal();
  if (stopping_ && in_flight_ == 0) idle_.signal();
}

std::unique_ptr<Dispatcher> make_dispatcher(DispatcherParts parts, DispatchOptions options) {
  return std::make_unique<ThreadDispatcher>(std::move(parts), options);
}

}  // namespace postrider::relay
