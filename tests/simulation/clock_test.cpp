// The wall clock is set while mail waits. Due times are wall time: what is due by the clock goes within a second, and nobody waits for
// a time that was near by the clock as it was and is far away now.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/world.h"

namespace postrider::sim {
namespace {

class ClockSet : public OnBothStores {
 protected:
  static WorldOptions with(std::vector<std::string> upstreams = {"only"}) {
    WorldOptions options;
    options.store = GetParam();
    options.upstreams = std::move(upstreams);
    return options;
  }
  static Letter due(Time at) {
    Letter letter;
    letter.due = at;
    return letter;
  }
  static std::size_t count_sent(World& world, const std::vector<MessageId>& ids) {
    return static_cast<std::size_t>(std::count_if(
        ids.begin(), ids.end(), [&](const MessageId& id) { return world.state(id) == RecipientState::sent; }));
  }
};
INSTANTIATE_TEST_SUITE_P(, ClockSet, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

TEST_P(ClockSet, AScheduledMessageGoesByTheClockAsItIsThen) {
  World world(with());
  const Time start = world.time.now();
  const Time send_at = start + minutes(30);
  const MessageId id = world.submit(due(send_at));
  world.run_for(minutes(1));
  world.set_clock(start - hours(1));
  world.run_until(send_at - seconds(1));
  EXPECT_EQ(world.state(id), RecipientState::queued) << "its time has not come by the clock";
  world.run_until(send_at + seconds(1));
  EXPECT_EQ(world.state(id), RecipientState::sent);

  const MessageId next = world.submit(due(send_at + minutes(30)));
  world.run_for(minutes(1));
  world.set_clock(world.time.now() + hours(1));
  world.run_for(seconds(1));
  EXPECT_EQ(world.state(next), RecipientState::sent);
}

TEST_P(ClockSet, ARetryIsDueByTheClock) {
  for (const Duration step : {Duration(hours(1)), Duration(hours(-1))}) {
    World world(with());
    world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) { return nth == 1 ? deferred() : sent(); };
    const MessageId id = world.submit({});
    world.run_for(minutes(1));
    const Time retry_at = world.find(id).recipients[0].due;
    world.set_clock(world.time.now() + step);
    world.run_until(std::max(world.time.now(), retry_at) + seconds(1));
    EXPECT_EQ(world.state(id), RecipientState::sent);
  }
}

// Its next place in the rate was a second away, and is not an hour away now.
TEST_P(ClockSet, ARateGoesOnWhenTheClockWasSetBack) {
  WorldOptions options = with();
  options.configure = [](UpstreamConfig& config) { config.rate = Rate{1, seconds(1)}; };
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(); };
  std::vector<MessageId> ids;
  ids.reserve(20);
  for (int i = 0; i < 20; ++i) ids.push_back(world.submit_for_later(due(world.time.now() - hours(2))));
  world.run_for(seconds(5));
  EXPECT_LT(count_sent(world, ids), 10u);
  world.set_clock(world.time.now() - hours(1));
  world.run_for(seconds(20));
  EXPECT_EQ(count_sent(world, ids), ids.size());
}

TEST_P(ClockSet, AProbeGoesWithinItsIntervalWhenTheClockWasSetBack) {
  WorldOptions options = with();
  options.health.open_after = 1;
  World world(options);
  bool down = true;
  world.script.play = [&down](std::size_t, const MessageRecord&, unsigned) { return down ? route_failure() : sent(); };
  world.submit({});
  world.settle_down();
  ASSERT_EQ(world.routes().at(0).health(), relay::Health::open);
  const MessageId waits = world.submit(due(world.time.now() - hours(2)));
  world.settle_down();
  EXPECT_TRUE(world.tries(waits).empty());
  down = false;
  world.set_clock(world.time.now() - hours(1));
  world.run_for(options.health.probe_interval + seconds(1));
  EXPECT_EQ(world.state(waits), RecipientState::sent);
}

// Loaded together, as due; by the clock that was set back only some of them are, and the others must not be forgotten.
TEST_P(ClockSet, WhatIsNotDueAnyMoreIsSentWhenItIsDueAgain) {
  World world(with());
  const Time start = world.time.now();
  bool throttles = true;
  world.script.play = [&](std::size_t, const MessageRecord&, unsigned) {
    return throttles ? throttled(world.time.now() + hours(3)) : sent();
  };
  std::vector<MessageId> old, fresh{world.submit({})};
  world.settle_down();
  for (int i = 0; i < 3; ++i) {
    old.push_back(world.submit(due(start - hours(2))));
    fresh.push_back(world.submit(due(start)));
  }
  world.run_for(seconds(2));
  throttles = false;
  world.set_clock(start - hours(1));
  ASSERT_TRUE(world.control().resume("only", "ops"));
  world.run_for(seconds(2));
  EXPECT_EQ(count_sent(world, old), old.size());
  EXPECT_EQ(count_sent(world, fresh), 0u);
  world.run_until(start + seconds(1));
  EXPECT_EQ(count_sent(world, fresh), fresh.size());
}

}  // namespace
}  // namespace postrider::sim
