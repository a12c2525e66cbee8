#include "tests/simulation/world.h"

#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <utility>

#include "storage/lmdb_store.h"

namespace postrider::sim {

using namespace storage;

namespace {

constexpr int kMostSteps = 1'000'000;  // of one run: more is a storm, not a simulation

std::string new_directory() {
  static int count = 0;
  const auto path = std::filesystem::path(testing::TempDir()) /
                    ("postrider-simulation-" + std::to_string(getpid()) + "-" + std::to_string(++count));
  std::filesystem::create_directories(path);
  return path.string();
}

Body chunks_of(const std::string& octets) {
  Body body;
  body.size = octets.size();
  for (std::size_t at = 0; at < octets.size(); at += kChunkPayload) {
    body.chunks.push_back(std::make_shared<const std::string>(octets.substr(at, kChunkPayload)));
  }
  return body;
}

boost::asio::awaitable<void> drain_one(relay::Dispatcher& dispatcher, Duration grace, std::size_t& left) {
  co_await dispatcher.drain(grace);
  --left;
}

boost::asio::awaitable<void> drain_house(relay::Expirer& expirer, relay::Reviver* reviver,
                                         relay::UpstreamKeeper& keeper, std::size_t& left) {
  co_await expirer.drain();
  if (reviver != nullptr) co_await reviver->drain();
  co_await keeper.drain();
  --left;
}

}  // namespace

World::World(WorldOptions options) : options_(std::move(options)) {
  if (options_.store == StoreKind::lmdb) directory_ = new_directory();
  start_process(open_store());
}

World::~World() {
  drain(Duration{0});
  dispatchers_.clear();
  settle_down();
  end_house();
  store_->close();
  store_.reset();
  if (!directory_.empty()) std::filesystem::remove_all(directory_);
}

std::unique_ptr<Store> World::open_store() {
  if (options_.store == StoreKind::memory) return make_memory_store();
  SpoolOptions spool;
  spool.data_dir = directory_;
  spool.max_size = 64ull << 20;
  spool.reserve_bytes = 1u << 20;
  spool.settle_delay = Duration{0};
  spool.now = [this] { return time.now(); };
  return open_lmdb_store(std::move(spool), log_);
}

void World::start_process(std::unique_ptr<Store> store) {
  store_ = std::make_unique<QuietStore>(std::move(store));
  board_ = std::make_unique<relay::Noticeboard>();
  routes_ = std::make_shared<relay::Routes>(configs(), options_.health);
  loops_.clear();
  for (std::uint32_t i = 0; i < options_.dispatchers; ++i) {
    loops_.push_back(std::make_unique<net::Loop>("relay-" + std::to_string(i)));
    relay::DispatchOptions dispatch = options_.dispatch;
    dispatch.shard = i;
    dispatch.shards = options_.dispatchers;
    relay::DispatcherParts parts{*loops_.back(),
                                 time,
                                 time,
                                 *store_,
                                 routes_,
                                 transports(*loops_.back()),
                                 *board_,
                                 log_,
                                 nullptr,
                                 {},
                                 [this](relay::UpstreamNews news) {
                                   if (keeper_) keeper_->tell(std::move(news));
                                 }};
    dispatchers_.push_back(relay::make_dispatcher(std::move(parts), dispatch));
  }
  keep_house();
  for (const auto& dispatcher : dispatchers_) dispatcher->start();
}

std::vector<UpstreamConfig> World::configs() const {
  std::vector<UpstreamConfig> configs;
  for (const std::string& name : options_.upstreams) {
    UpstreamConfig config;
    config.name = name;
    config.priority = static_cast<std::uint32_t>(configs.size() + 1);
    options_.configure(config);
    configs.push_back(std::move(config));
  }
  return configs;
}

std::vector<std::unique_ptr<relay::Transport>> World::transports(net::Loop& loop) {
  std::vector<std::unique_ptr<relay::Transport>> transports;
  for (std::size_t u = 0; u < options_.upstreams.size(); ++u) {
    transports.push_back(std::make_unique<ScriptTransport>(u, options_.upstreams[u], loop, time, script));
  }
  return transports;
}

// As cmd does: the expirer listens before the store's first verb, the state of the upstreams is read before the first message.
void World::keep_house() {
  net::Loop& loop = *loops_.front();
  expirer_ = std::make_unique<relay::Expirer>(relay::ExpirerParts{loop, time, time, *store_, log_, {}});
  if (options_.revive_failed)
    reviver_ =
        std::make_unique<relay::Reviver>(relay::ReviverParts{loop, time, time, *store_, log_},
                                         relay::ReviverOptions{{100, seconds(1)}, options_.dispatch.retry.max_age});
  using States = std::vector<UpstreamState>;
  auto states = ask<States>([&](Done<States> done) { store_->upstream_states(std::move(done)); });
  ASSERT_TRUE(states) << states.error().text;
  relay::restore_upstreams(*routes_, *states, time.now());
  relay::KeeperParts parts{loop, time, time, *store_, *board_, log_, [this](const std::string& upstream) {
                             if (reviver_) reviver_->works_again(upstream);
                           }};
  keeper_ = std::make_unique<relay::UpstreamKeeper>(std::move(parts), routes_, std::move(*states));
  control_ = std::make_unique<relay::UpstreamControl>(
      relay::ControlParts{time, *board_, [this](relay::UpstreamNews news) { keeper_->tell(std::move(news)); }, {}},
      routes_);
  keeper_->start();
  expirer_->start();
  if (reviver_) reviver_->start();
}

void World::end_house() {
  control_.reset();
  expirer_.reset();
  reviver_.reset();
  keeper_.reset();
}

void World::reload() {
  routes_ = std::make_shared<relay::Routes>(configs(), options_.health, routes_.get());
  for (std::size_t i = 0; i < dispatchers_.size(); ++i)
    dispatchers_[i]->use(routes_, transports(*loops_[i]), options_.dispatch);
  control_->use(routes_);
  keeper_->use(routes_);
}

std::vector<Event> World::all_events() {
  using Events = std::vector<Event>;
  std::vector<Event> all;
  for (int page = 0; page < kMostSteps; ++page) {
    EventQuery query;
    query.after = all.empty() ? 0 : all.back().seq;
    query.limit = 1000;
    const auto events = ask<Events>([&](Done<Events> done) { store_->events(query, std::move(done)); });
    if (!events) throw std::runtime_error(events.error().text);
    if (events->empty()) break;
    all.insert(all.end(), events->begin(), events->end());
  }
  return all;
}

MessageId World::submit(const Letter& letter) {
  return accept(letter, true);
}
MessageId World::submit_for_later(const Letter& letter) {
  return accept(letter, false);
}

NewMessage World::message_of(const Letter& letter) {
  NewMessage message;
  message.now = time.now();
  MessageRecord& record = message.record;
  record.id = ids_.next(time.now());
  record.envelope.sender = parse_address(letter.sender).value();
  record.envelope.lane = letter.lane;
  record.envelope.created_at = time.now();
  record.envelope.expires_at = letter.expires_at;
  record.envelope.tags = letter.tags;
  for (const std::string& to : letter.to) {
    Recipient recipient;
    recipient.address = parse_address(to).value();
    recipient.due = recipient.age_from = letter.due.value_or(time.now());
    record.recipients.push_back(std::move(recipient));
  }
  message.body = chunks_of(letter.body);
  record.body_size = letter.body.size();
  record.body_chunks = static_cast<std::uint32_t>(message.body.chunks.size());
  return message;
}

bool World::would_take_fresh(const Letter& letter) {
  return dispatchers_[letter.dispatcher]->offer(message_of(letter).record).reserved.has_value();
}

MessageId World::accept(const Letter& letter, bool offer) {
  NewMessage message = message_of(letter);
  const MessageId id = message.record.id;
  auto& chunks = message.body.chunks;
  for (std::uint32_t i = 0; i < letter.staged_chunks; ++i) {
    const StagedChunk staged{id, i, chunks[i]};
    EXPECT_TRUE(ask<Nothing>([&](Done<Nothing> done) { store_->stage(staged, std::move(done)); }));
  }
  chunks.erase(chunks.begin(), chunks.begin() + letter.staged_chunks);
  message.first_chunk = letter.staged_chunks;

  std::optional<relay::Dispatcher::Reserved> reserved;
  if (offer) {
    relay::Dispatcher::Offer made = dispatchers_[letter.dispatcher]->offer(message.record);
    message.record.wait_bucket = made.wait_bucket;
    reserved = std::move(made.reserved);
  }
  if (reserved) message.intent = Intent{reserved->upstream, reserved->notify_sender};
  relay::FreshMessage fresh{nullptr, message.body, message.first_chunk};
  const auto accepted =
      ask<Accepted>([&](Done<Accepted> done) { store_->accept(std::move(message), std::move(done)); });
  EXPECT_TRUE(accepted) << accepted.error().text;
  if (reserved && accepted) {
    fresh.record = accepted->record;
    dispatchers_[letter.dispatcher]->deliver_fresh(std::move(*reserved), std::move(fresh));
  }
  return id;
}

std::size_t World::poll_loops() {
  std::size_t ran = 0;
  for (const auto& loop : loops_) ran += loop->io().poll();
  return ran;
}

void World::settle_down() {
  bool caught_up = false;
  for (int step = 0; step < kMostSteps; ++step) {
    if (poll_loops() > 0 || store_->deliver_answers()) {
      caught_up = false;
      continue;
    }
    if (caught_up) return;
    store_->catch_up();
    caught_up = true;
  }
  throw std::runtime_error("the relay never comes to rest");
}

void World::run_until(Time end) {
  for (int step = 0; step < kMostSteps; ++step) {
    settle_down();
    const Time next = time.next_alarm();
    if (next > end) {
      if (time.now() < end) time.pass_to(end);
      return settle_down();
    }
    time.pass_to(next);
  }
  throw std::runtime_error("alarms without end");
}

MessageRecord World::find(const MessageId& id) {
  const auto found = ask<MessageRecord>([&](Done<MessageRecord> done) { store_->find(id, std::move(done)); });
  if (!found) throw std::runtime_error(found.error().text);
  return *found;
}

std::vector<Event> World::history(const MessageId& id) {
  using Events = std::vector<Event>;
  const auto events = ask<Events>([&](Done<Events> done) { store_->history(id, std::move(done)); });
  if (!events) throw std::runtime_error(events.error().text);
  return *events;
}

std::vector<Attempt> World::attempts(const MessageId& id) {
  std::vector<Attempt> attempts;
  for (const Event& event : history(id)) {
    if (event.attempt) attempts.push_back(*event.attempt);
  }
  return attempts;
}

void World::suppress(const std::string& address) {
  const Suppression entry{address, "complained", "alice", time.now()};
  EXPECT_TRUE(ask<Nothing>([&](Done<Nothing> done) { store_->put_suppression(entry, std::move(done)); }));
}

void World::unsuppress(const std::string& address) {
  EXPECT_TRUE(ask<Nothing>([&](Done<Nothing> done) { store_->remove_suppression(address, std::move(done)); }));
}

result<Steered> World::steer(const MessageId& id, SteerVerb verb, std::optional<std::uint32_t> recipient) {
  SteerRequest request;
  request.id = id;
  request.verb = verb;
  request.recipient = recipient;
  request.actor = "operator";
  request.now = time.now();
  using Answers = std::vector<result<Steered>>;
  auto answers = ask<Answers>([&](Done<Answers> done) { store_->steer({request}, std::move(done)); });
  if (!answers) return answers.error();
  return std::move(answers->front());
}

std::vector<Time> World::tries(const MessageId& id) const {
  std::vector<Time> times;
  for (const HandoverCall& call : script.calls) {
    if (call.id == id) times.push_back(call.at);
  }
  return times;
}

void World::drain(Duration grace) {
  std::size_t left = dispatchers_.size();
  std::vector<std::unique_ptr<net::TaskGroup>> groups;
  for (std::size_t i = 0; i < dispatchers_.size(); ++i) {
    groups.push_back(std::make_unique<net::TaskGroup>(
        *loops_[i], [](std::string_view, const std::exception& e) { ADD_FAILURE() << e.what(); }));
    groups.back()->spawn("drain", drain_one(*dispatchers_[i], grace, left));
  }
  ++left;
  groups.push_back(std::make_unique<net::TaskGroup>(
      *loops_.front(), [](std::string_view, const std::exception& e) { ADD_FAILURE() << e.what(); }));
  groups.back()->spawn("drain-house", drain_house(*expirer_, reviver_.get(), *keeper_, left));
  settle_down();
  while (left > 0 && time.next_alarm() != kNever) {
    time.pass_to(time.next_alarm());
    settle_down();
  }
  EXPECT_EQ(left, 0u) << "a drain that never ends";
}

void World::crash() {
  settle_down();
  std::unique_ptr<Store> next;
  if (options_.store == StoreKind::memory) {
    next = memory_store().reopen(time.now());
  } else {
    store_->close();
  }
  drain(Duration{0});  // what is left of the dead: the store takes nothing from it any more
  dispatchers_.clear();
  end_house();
  script.under_way.clear();
  routes_.reset();
  loops_.clear();
  store_.reset();
  if (!next) next = open_store();
  start_process(std::move(next));
}

MemoryStore& World::memory_store() {
  return dynamic_cast<MemoryStore&>(store_->inner());
}

std::string store_name(const testing::TestParamInfo<StoreKind>& info) {
  return info.param == StoreKind::memory ? "memory" : "lmdb";
}

}  // namespace postrider::sim
