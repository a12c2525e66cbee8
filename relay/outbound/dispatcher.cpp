#include "relay/outbound/dispatcher.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "net/await.h"
#include "net/task_group.h"
#include "relay/outbound/age_watch.h"
#include "relay/outbound/dispatch_log.h"
#include "relay/outbound/dispatch_metrics.h"
#include "relay/outbound/due_window.h"
#include "relay/outbound/settle_queue.h"
#include "relay/outbound/slots.h"
#include "relay/outbound/try_runner.h"
#include "relay/outbound/wakeup.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr Duration kStoreTrouble = std::chrono::seconds(1);  // until the store is asked again whether it can settle
constexpr Duration kSettleGrace = std::chrono::seconds(5);   // for a store that refuses settlements while we drain
constexpr std::size_t kAgesAtOnce = 32;                      // records read in one go to learn how old they are

// A due entry that is to be claimed, and with what right.
struct Pick {
  storage::DueEntry entry;
  std::optional<ProbePass> probe;
};

class ThreadDispatcher final : public Dispatcher {
 public:
  ThreadDispatcher(DispatcherParts parts, DispatchOptions options);
  ~ThreadDispatcher() override;

  std::optional<Reserved> reserve(const Envelope& envelope) override;
  void deliver_fresh(Reserved reserved, FreshMessage message) override;
  void start() override;
  asio::awaitable<void> drain(Duration grace) override;
  std::size_t in_flight() const override { return slots_->used(); }

 private:
  // Claiming: one task that looks, claims, starts tries, and sleeps until there is a reason to look again.
  asio::awaitable<void> claim_due();
  bool may_claim() const;
  asio::awaitable<void> read_page(storage::DueQuery query);
  asio::awaitable<bool> learn_ages(Time now);
  std::vector<Pick> pick(Time now);
  void pick_fairly(std::vector<Pick>& picks);
  void pick_aged(std::vector<Pick>& picks, Time now);
  void pick_probes(std::vector<Pick>& picks, Time now);
  asio::awaitable<void> claim(std::vector<Pick> picks);
  void sleep_until_worth_it(Time now);
  Time service_again(Time now) const;

  asio::awaitable<void> attend(ClaimedMessage message);
  void settle(const MessageRecord& record, storage::Settlement settlement);
  void look_at(Time due);  // the window has been told
  void due_again(const MessageId& id, Lane lane, Time due);
  void slot_freed();

  DispatcherParts parts_;
  const DispatchOptions options_;
  std::shared_ptr<SlotPool> slots_;
  DueWindow window_;
  AgeWatch ages_;
  TryRunner runner_;
  SettleQueue settles_;
  net::TaskGroup tasks_;
  Wakeup work_;  // wakes claim_due()
  Wakeup idle_;  // wakes drain()
  std::unique_ptr<Alarm> alarm_, drain_alarm_;
  Time alarm_at_ = kNever;
  bool waits_for_slot_ = false;
  bool started_ = false, stopping_ = false;
  std::shared_ptr<ThreadDispatcher*> self_;  // what others hold who may call after our end
};

}  // namespace

ThreadDispatcher::ThreadDispatcher(DispatcherParts parts, DispatchOptions options)
    : parts_(std::move(parts)),
      options_(options),
      slots_(std::make_shared<SlotPool>(options_.max_in_flight, [this] { slot_freed(); })),
      window_(options_.window, options_.shard, options_.shards),
      ages_(options_.retry.max_age),
      runner_(parts_, options_),
      settles_(parts_.loop, parts_.clock, parts_.alarms, parts_.store, parts_.log,
               {[this](const MessageId& id, Lane lane, Time due) { due_again(id, lane, due); },
                [this] { work_.signal(); }, parts_.notice_owed}),
      tasks_(parts_.loop,
             [this](std::string_view task, const std::exception& e) {
               parts_.log.error("task.failed", {{"task", std::string(task)}, {"reason", e.what()}});
             }),
      work_(parts_.loop),
      idle_(parts_.loop),
      alarm_(parts_.alarms.make_alarm()),
      drain_alarm_(parts_.alarms.make_alarm()),
      self_(std::make_shared<ThreadDispatcher*>(this)) {
  if (parts_.transports.size() != parts_.routes.size()) {
    throw std::invalid_argument("a dispatcher needs one transport for each upstream");
  }
  if (options_.shards > Noticeboard::kMaxShards || options_.shard >= options_.shards) {
    throw std::invalid_argument("a dispatcher needs a shard of its own");
  }
  const auto look = [self = std::weak_ptr<ThreadDispatcher*>(self_)](Time earliest) {
    const auto alive = self.lock();
    if (!alive) return;
    (*alive)->window_.hint(earliest);
    (*alive)->look_at(earliest);
  };
  parts_.store.on_due_changed(parts_.loop, look);
  parts_.routes.board().join(options_.shard, parts_.loop, look);
}

ThreadDispatcher::~ThreadDispatcher() {
  parts_.routes.board().leave(options_.shard);
  slots_->forget_owner();
}

std::optional<Dispatcher::Reserved> ThreadDispatcher::reserve(const Envelope& envelope) {
  if (stopping_ || settles_.blocked() || !parts_.store.can_settle()) return std::nullopt;
  // What waits in the spool keeps a share of the slots, however much comes in.
  const std::size_t kept = window_.ready() ? slots_->limit() / 4 : 0;
  if (slots_->free() <= kept) return std::nullopt;
  const std::optional<std::size_t> upstream = parts_.routes.first_in_service(envelope, parts_.clock.now());
  if (!upstream) return std::nullopt;
  if (parts_.metrics != nullptr) parts_.metrics->in_flight(+1);
  return Reserved{slots_->take(), parts_.routes.at(*upstream).config().name};
}

void ThreadDispatcher::deliver_fresh(Reserved reserved, FreshMessage message) {
  ClaimedMessage claimed;
  claimed.record = std::move(message.record);
  for (std::uint32_t i = 0; i < claimed.record->recipients.size(); ++i) {
    if (claimed.record->recipients[i].state == RecipientState::sending) claimed.recipients.push_back(i);
  }
  claimed.first_in_memory = message.body.chunks.empty() ? claimed.record->body_chunks : message.first_chunk;
  claimed.body = std::move(message.body);
  claimed.slot = std::move(reserved.slot);
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
  drain_alarm_->set(parts_.clock.now() + grace, [this, &late] {
    late = true;
    idle_.signal();
  });
  while (slots_->used() > 0 && !late) co_await idle_.wait();
  drain_alarm_->cancel();
  alarm_->cancel();
  runner_.stop();
  tasks_.cancel();
  co_await tasks_.drain();
  co_await settles_.flush(kSettleGrace);
}

// ---- claiming -------------------------------------------------------------------------------------------------------

asio::awaitable<void> ThreadDispatcher::claim_due() {
  while (!stopping_) {
    const Time now = parts_.clock.now();
    waits_for_slot_ = false;
    if (may_claim()) {
      const std::optional<storage::DueQuery> query = window_.wants(now);
      if (query) {
        co_await read_page(*query);
        continue;
      }
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

bool ThreadDispatcher::may_claim() const {
  return slots_->free() > 0 && !settles_.blocked() && parts_.store.can_settle();
}

asio::awaitable<void> ThreadDispatcher::read_page(storage::DueQuery query) {
  const Lane lane = query.lane;
  auto start = [this, query](Done<storage::DuePage> done) { parts_.store.due(query, std::move(done)); };
  const result<storage::DuePage> page = co_await net::await_done<storage::DuePage>(parts_.loop, start);
  if (page) {
    window_.load(lane, *page, parts_.clock.now());
  } else {
    window_.failed(lane, parts_.clock.now());
  }
}

// While nothing is in service messages wait unclaimed and uncounted, but not for ever: true when the record of one that may
// have waited too long was read.
asio::awaitable<bool> ThreadDispatcher::learn_ages(Time now) {
  if (!window_.ready() || parts_.routes.first_in_service(Envelope{}, now)) co_return false;
  const AgeWatch::Findings findings = ages_.look(window_, kAgesAtOnce, now);
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

std::vector<Pick> ThreadDispatcher::pick(Time now) {
  std::vector<Pick> picks;
  if (!window_.ready()) return picks;
  if (parts_.routes.first_in_service(Envelope{}, now)) {
    pick_fairly(picks);
  } else {
    pick_aged(picks, now);
    pick_probes(picks, now);
  }
  return picks;
}

void ThreadDispatcher::pick_fairly(std::vector<Pick>& picks) {
  const std::size_t free = slots_->free();
  while (picks.size() < free) {
    std::optional<storage::DueEntry> entry = window_.pick_fair();
    if (!entry) return;
    picks.push_back({*entry, std::nullopt});
  }
}

void ThreadDispatcher::pick_aged(std::vector<Pick>& picks, Time now) {
  const AgeWatch::Findings findings = ages_.look(window_, slots_->free(), now);
  for (const MessageId& id : findings.too_old) {
    ages_.forget(id);
    picks.push_back({*window_.pick(id), std::nullopt});
  }
}

void ThreadDispatcher::pick_probes(std::vector<Pick>& picks, Time now) {
  Upstream& upstream = parts_.routes.at(parts_.routes.preferred(now));
  const std::size_t free = slots_->free();
  while (picks.size() < free && window_.ready()) {
    std::optional<ProbePass> pass = upstream.begin_probe(static_cast<std::uint32_t>(options_.probes), now);
    if (!pass) return;
    picks.push_back({*window_.pick_earliest(), std::move(pass)});
  }
}

asio::awaitable<void> ThreadDispatcher::claim(std::vector<Pick> picks) {
  const Time now = parts_.clock.now();
  const std::optional<std::size_t> first = parts_.routes.first_in_service(Envelope{}, now);
  const std::string& upstream = parts_.routes.at(first ? *first : parts_.routes.preferred(now)).config().name;
  std::vector<storage::ClaimRequest> requests;
  std::vector<std::shared_ptr<Slot>> slots;  // taken before the claim: fresh messages may want them while we wait
  requests.reserve(picks.size());
  slots.reserve(picks.size());
  for (const Pick& one : picks) {
    requests.push_back({one.entry.key.id, upstream, now});
    slots.push_back(slots_->take());
  }
  if (parts_.metrics != nullptr) parts_.metrics->in_flight(static_cast<int>(slots.size()));
  auto start = [this, &requests](Done<std::vector<storage::Claimed>> done) {
    parts_.store.claim(std::move(requests), std::move(done));
  };
  result<std::vector<storage::Claimed>> answer =
      co_await net::await_done<std::vector<storage::Claimed>>(parts_.loop, start);

  std::size_t got = 0;
  for (std::size_t i = 0; i < picks.size(); ++i) {
    const bool claimed = answer && i < answer->size() && (*answer)[i].record && !(*answer)[i].recipients.empty();
    if (!claimed) {
      if (!picks[i].probe) continue;
      picks[i].probe->give_back();
      parts_.routes.board().tell_all(now);
      continue;
    }
    ++got;
    ClaimedMessage message;
    message.record = std::move((*answer)[i].record);
    message.recipients = std::move((*answer)[i].recipients);
    message.first_in_memory = message.record->body_chunks;
    message.slot = std::move(slots[i]);
    message.probe = std::move(picks[i].probe);
    tasks_.spawn("hand-over", attend(std::move(message)));
  }
  if (got == 0) window_.forget(now);
}

void ThreadDispatcher::sleep_until_worth_it(Time now) {
  waits_for_slot_ = window_.ready();
  Time at = kNever;
  if (settles_.blocked() || slots_->free() == 0) {
    waits_for_slot_ = true;  // their end signals
  } else if (!parts_.store.can_settle()) {
    at = now + kStoreTrouble;
  } else {
    at = window_.next_read(now);
    if (window_.ready()) at = std::min({at, service_again(now), ages_.look(window_, 0, now).look_again});
  }
  alarm_at_ = at;
  if (at == kNever) return alarm_->cancel();
  alarm_->set(at, [this] {
    alarm_at_ = kNever;
    work_.signal();
  });
}

// With entries loaded and none picked: when an upstream comes back from a pause, or a probe may go.
Time ThreadDispatcher::service_again(Time now) const {
  Time at = kNever;
  const Upstream& preferred = parts_.routes.at(parts_.routes.preferred(now));
  const Time probe = preferred.next_probe(now);
  // A probe that could go now and did not waits for another one to end, which is told on the board.
  if (preferred.health() != Health::closed && probe > now) at = probe;
  for (std::size_t i = 0; i < parts_.routes.size(); ++i) {
    const Upstream& upstream = parts_.routes.at(i);
    if (upstream.paused(now)) at = std::min(at, upstream.paused_until());
  }
  return at;
}

// ---- tries and what follows -----------------------------------------------------------------------------------------

asio::awaitable<void> ThreadDispatcher::attend(ClaimedMessage message) {
  storage::Settlement settlement = co_await runner_.run(message);
  settle(*message.record, std::move(settlement));
  if (message.probe) {
    message.probe.reset();
    parts_.routes.board().tell_all(parts_.clock.now());  // whoever waits for the next probe, on any thread
  }
}

void ThreadDispatcher::settle(const MessageRecord& record, storage::Settlement settlement) {
  settlement.remove_sent_body = options_.remove_sent_body;
  settlement.notify_sender = options_.notify_sender;
  log_settlement(parts_.log, record, settlement);
  if (parts_.metrics != nullptr) {
    for (const storage::RecipientUpdate& update : settlement.updates) {
      parts_.metrics->settled(update.trigger);
      if (update.trigger == Trigger::hand_over) parts_.metrics->sent(settlement.now - record.envelope.created_at);
    }
  }
  settles_.add(record.envelope.lane, std::move(settlement));
}

void ThreadDispatcher::look_at(Time due) {
  if (due < alarm_at_) work_.signal();
}

void ThreadDispatcher::due_again(const MessageId& id, Lane lane, Time due) {
  const std::uint32_t shard = options_.shards == 1 ? 0 : storage::shard_of(id, options_.shards);
  if (shard != options_.shard) return parts_.routes.board().tell(shard, due);
  window_.hint(lane, due);
  look_at(due);
}

void ThreadDispatcher::slot_freed() {
  if (parts_.metrics != nullptr) parts_.metrics->in_flight(-1);
  if (waits_for_slot_) work_.signal();
  if (stopping_ && slots_->used() == 0) idle_.signal();
}

std::unique_ptr<Dispatcher> make_dispatcher(DispatcherParts parts, DispatchOptions options) {
  return std::make_unique<ThreadDispatcher>(std::move(parts), options);
}

}  // namespace postrider::relay
