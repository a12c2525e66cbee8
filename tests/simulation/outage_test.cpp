// Upstreams that fail as a whole: the circuit, the probes, and what the waiting costs the messages.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/simulation/world.h"

namespace postrider::sim {
namespace {

class Outage : public OnBothStores {
 protected:
  static WorldOptions on_this_store() {
    WorldOptions options;
    options.store = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(, Outage, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

TEST_P(Outage, ASingleMessageIsTriedFourTimesEvenThroughAnOpenCircuit) {
  WorldOptions options = on_this_store();
  options.health.open_after = 1;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return route_failure(); };
  const MessageId id = world.submit({});
  world.settle_down();
  EXPECT_EQ(world.routes().at(0).health(), relay::Health::open);
  EXPECT_EQ(world.routes().at(0).last_error(), "connection refused");
  world.run_for(hours(2));

  const std::vector<Time> tries = world.tries(id);
  ASSERT_EQ(tries.size(), 4u);
  for (std::size_t i = 1; i < tries.size(); ++i) {
    EXPECT_GE(tries[i] - tries[i - 1], minutes(10));
    EXPECT_LE(tries[i] - tries[i - 1], minutes(10) + seconds(31));
  }
  const MessageRecord record = world.find(id);
  EXPECT_EQ(record.state(), RecipientState::failed);
  EXPECT_EQ(record.recipients[0].reason.cause, Cause::retries);
}

TEST_P(Outage, MessagesAcceptedWhileNothingIsInServiceWaitUncounted) {
  WorldOptions options = on_this_store();
  options.health.open_after = 1;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return route_failure(); };
  world.submit({});
  world.settle_down();
  EXPECT_FALSE(world.would_take_fresh());

  std::vector<MessageId> waiting;
  for (int i = 0; i < 200; ++i) waiting.push_back(world.submit({}));
  world.run_for(minutes(5));
  const auto tried =
      std::count_if(waiting.begin(), waiting.end(), [&](const MessageId& id) { return !world.tries(id).empty(); });
  EXPECT_GT(tried, 0);
  EXPECT_LE(tried, 2 * 10 + 2);  // two probes in each of ten intervals
  for (const MessageId& id : waiting) EXPECT_EQ(world.find(id).recipients[0].tries, world.tries(id).size());
}

TEST_P(Outage, AnHourWithManyMessagesLosesAndFailsNone) {
  const bool memory = GetParam() == StoreKind::memory;
  const std::size_t count = memory ? 2000 : 300;
  World world(on_this_store());
  bool down = true;
  world.script.play = [&down](std::size_t, const MessageRecord&, unsigned) { return down ? route_failure() : sent(); };
  std::vector<MessageId> ids;
  for (std::size_t i = 0; i < count; ++i) {
    ids.push_back(world.submit({}));
    if (i % 10 == 0) world.settle_down();
  }
  world.run_for(hours(1));
  const std::size_t tries_in_outage = world.script.calls.size();
  EXPECT_LE(tries_in_outage, 10 + 2 * 121u);  // until the circuit opened, then two in each half minute

  down = false;
  world.run_for(minutes(12));
  for (const MessageId& id : ids) {
    const MessageRecord record = world.find(id);
    EXPECT_EQ(record.state(), RecipientState::sent) << to_string(record.state());
  }
  EXPECT_EQ(world.routes().at(0).health(), relay::Health::closed);
  EXPECT_EQ(world.script.calls.size(), tries_in_outage + count);
  EXPECT_LE(world.store().pages(), count + 2000);
}

TEST_P(Outage, WaitingIsBoundedByMaxAge) {
  WorldOptions options = on_this_store();
  options.health.open_after = 1;
  options.health.probe_interval = minutes(30);
  options.dispatch.retry.max_age = hours(3);
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return route_failure(); };
  std::vector<MessageId> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(world.submit({}));
  world.run_for(hours(4));
  for (const MessageId& id : ids) {
    const MessageRecord record = world.find(id);
    EXPECT_EQ(record.state(), RecipientState::failed);
    EXPECT_EQ(record.recipients[0].reason.cause, Cause::age);
  }
}

TEST_P(Outage, WithinOneTryTheNextUpstreamTakesOver) {
  WorldOptions options = on_this_store();
  options.upstreams = {"primary", "backup"};
  World world(options);
  world.script.play = [](std::size_t upstream, const MessageRecord&, unsigned) {
    return upstream == 0 ? route_failure() : sent();
  };
  const MessageId id = world.submit({});
  world.settle_down();
  EXPECT_EQ(world.state(id), RecipientState::sent);
  const std::vector<Attempt> attempts = world.attempts(id);
  ASSERT_EQ(attempts.size(), 2u);
  EXPECT_FALSE(attempts[0].counted);
  EXPECT_TRUE(attempts[1].counted);
}

TEST_P(Outage, APreferredUpstreamThatWorksAgainIsFoundThoughAnotherTakesEverything) {
  WorldOptions options = on_this_store();
  options.upstreams = {"primary", "backup"};
  options.health.open_after = 2;
  World world(options);
  bool down = true;
  world.script.play = [&down](std::size_t upstream, const MessageRecord&, unsigned) {
    return upstream == 0 && down ? route_failure() : sent();
  };
  const auto send_a_minute = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const MessageId id = world.submit({});
      world.run_for(minutes(1));
      EXPECT_EQ(world.state(id), RecipientState::sent);
    }
  };
  send_a_minute(5);
  EXPECT_EQ(world.routes().at(0).health(), relay::Health::open);
  down = false;
  send_a_minute(3);
  EXPECT_EQ(world.routes().at(0).health(), relay::Health::closed);
  EXPECT_EQ(world.script.calls.back().upstream, 0u);
}

TEST_P(Outage, ABackupThatWorksAgainIsFoundWhenAllWereOut) {
  WorldOptions options = on_this_store();
  options.upstreams = {"primary", "backup"};
  options.health.open_after = 1;
  World world(options);
  bool backup_down = true;
  world.script.play = [&](std::size_t upstream, const MessageRecord&, unsigned) {
    return upstream == 0 || backup_down ? route_failure() : sent();
  };
  const MessageId id = world.submit({});
  world.run_for(minutes(2));
  EXPECT_EQ(world.routes().at(1).health(), relay::Health::open);
  backup_down = false;
  world.run_for(minutes(10));
  EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(world.routes().at(1).health(), relay::Health::closed);
}

TEST_P(Outage, NothingIsDoneWhileEverythingWaits) {
  WorldOptions options = on_this_store();
  options.health.open_after = 1;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return hangs_at(Stage::connect); };
  world.submit({});
  world.submit({});
  world.run_for(minutes(5));  // the stalled attempts have opened the circuit: that was looked at once
  const std::size_t pages = world.store().pages();
  const std::size_t claims = world.store().claims();
  world.run_for(hours(24));
  EXPECT_EQ(world.store().pages(), pages);
  EXPECT_EQ(world.store().claims(), claims);
}

}  // namespace
}  // namespace postrider::sim
