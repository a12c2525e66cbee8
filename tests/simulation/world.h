// World: the production dispatchers over a real store, with simulated time and scripted upstreams. One thread drives it:
// it runs everything until loops and store are quiet, and only then lets time pass to the next alarm.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/log.h"
#include "net/loop.h"
#include "net/task_group.h"
#include "relay/outbound/dispatcher.h"
#include "relay/outbound/expirer.h"
#include "relay/outbound/reviver.h"
#include "relay/outbound/upstream_control.h"
#include "relay/outbound/upstream_keeper.h"
#include "storage/memory_store.h"
#include "tests/simulation/quiet_store.h"
#include "tests/simulation/script_transport.h"
#include "tests/simulation/sim_time.h"

namespace postrider::sim {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

enum class StoreKind : unsigned char { memory, lmdb };

struct WorldOptions {
  StoreKind store = StoreKind::memory;
  std::vector<std::string> upstreams{"primary"};  // in order of preference
  // What else the configuration of an upstream says.
  std::function<void(UpstreamConfig&)> configure = [](UpstreamConfig&) {};
  bool revive_failed = false;
  relay::HealthPolicy health;
  relay::DispatchOptions dispatch{.retry = {}, .jitter_seed = 7};
  std::uint32_t dispatchers = 1;
};

struct Letter {
  std::vector<std::string> to{"someone@example.net"};
  std::string sender = "app@example.com";
  Lane lane = Lane::normal;
  std::string body = "Subject: hello\r\n\r\nhello\r\n";
  std::optional<Time> due;  // default: now
  Time expires_at = kNever;
  std::vector<std::string> tags;
  std::uint32_t dispatcher = 0;  // the thread that accepts it
  std::uint32_t staged_chunks = 0;
};

class World {
 public:
  explicit World(WorldOptions options);
  ~World();

  SimTime time;
  Script script;
  WorldOptions& options() { return options_; }

  // As a door does: reserve, accept, deliver. Returns when the accept is answered; nothing else has run yet for certain.
  MessageId submit(const Letter& letter);
  // Without the offer to deliver at once, as the management thread does.
  MessageId submit_for_later(const Letter& letter);

  void settle_down();        // everything that can happen at this instant
  void run_until(Time end);  // everything until then
  void run_for(Duration span) { run_until(time.now() + span); }
  void set_clock(Time at) { time.set_wall(at); }

  MessageRecord find(const MessageId& id);
  RecipientState state(const MessageId& id) { return find(id).state(); }
  std::vector<Event> history(const MessageId& id);
  std::vector<Attempt> attempts(const MessageId& id);
  result<storage::Steered> steer(const MessageId& id, storage::SteerVerb verb,
                                 std::optional<std::uint32_t> recipient = {});
  void suppress(const std::string& address);
  void unsuppress(const std::string& address);
  std::vector<Time> tries(const MessageId& id) const;  // when it was handed over

  void drain(Duration grace);
  // The process dies as things stand, and another opens the same spool.
  void crash();

  QuietStore& store() { return *store_; }
  storage::MemoryStore& memory_store();  // with StoreKind::memory
  relay::Routes& routes() { return *routes_; }
  relay::UpstreamControl& control() { return *control_; }
  // What a reload does, with the configuration as `configure` gives it now.
  void reload();
  std::vector<Event> all_events();
  relay::Dispatcher& dispatcher(std::size_t i = 0) { return *dispatchers_[i]; }
  bool would_take_fresh(const Letter& letter = {});  // into flight, at once

 private:
  void start_process(std::unique_ptr<storage::Store> store);
  std::unique_ptr<storage::Store> open_store();
  storage::NewMessage message_of(const Letter& letter);
  MessageId accept(const Letter& letter, bool offer);
  std::size_t poll_loops();

  // Starts a verb of the store and runs everything until it is answered.
  template <typename T>
  result<T> ask(const std::function<void(Done<T>)>& start) {
    std::optional<result<T>> answer;
    start(Done<T>(*loops_.front(), [&answer](result<T> value) { answer.emplace(std::move(value)); }));
    while (!answer) {
      if (poll_loops() == 0) store_->deliver_answers();
    }
    return std::move(*answer);
  }

  WorldOptions options_;
  NullLog log_;
  std::string directory_;
  MessageIdSource ids_{42};
  std::vector<std::unique_ptr<net::Loop>> loops_;
  std::unique_ptr<QuietStore> store_;
  std::vector<UpstreamConfig> configs() const;
  std::vector<std::unique_ptr<relay::Transport>> transports(net::Loop& loop);
  void keep_house();
  void end_house();

  std::unique_ptr<relay::Noticeboard> board_;
  std::shared_ptr<relay::Routes> routes_;
  std::vector<std::unique_ptr<relay::Dispatcher>> dispatchers_;
  std::unique_ptr<relay::UpstreamKeeper> keeper_;
  std::unique_ptr<relay::Reviver> reviver_;
  std::unique_ptr<relay::Expirer> expirer_;
  std::unique_ptr<relay::UpstreamControl> control_;
};

// Tests that take a while of simulated history run on both stores.
class OnBothStores : public testing::TestWithParam<StoreKind> {};
std::string store_name(const testing::TestParamInfo<StoreKind>& info);

}  // namespace postrider::sim
