// Who goes first and how much goes at once: slots, lanes, senders, several dispatchers, a store in trouble, a clock that jumps.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/world.h"

namespace postrider::sim {
namespace {

class Sharing : public OnBothStores {
 protected:
  static WorldOptions on_this_store() {
    WorldOptions options;
    options.store = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(, Sharing, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

TEST_P(Sharing, NoMoreIsInFlightThanAllowed) {
  WorldOptions options = on_this_store();
  options.dispatch.max_in_flight = 7;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(seconds(1)); };
  std::vector<MessageId> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(i % 2 == 0 ? world.submit({}) : world.submit_for_later({}));
  world.run_for(seconds(20));
  for (const MessageId& id : ids) EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(world.script.most_under_way, 7u);
  EXPECT_EQ(world.dispatcher().in_flight(), 0u);
}

TEST_P(Sharing, LanesShareByWeightAndTheLowOneIsNotStarved) {
  WorldOptions options = on_this_store();
  options.dispatch.max_in_flight = 1;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(seconds(1)); };
  const Time start = world.time.now() + seconds(10);
  for (int i = 0; i < 64; ++i) {
    for (const Lane lane : {Lane::low, Lane::normal, Lane::high}) {
      Letter letter;
      letter.lane = lane;
      letter.due = start;
      world.submit_for_later(letter);
    }
  }
  world.run_until(start + seconds(32) - Duration{1});
  const auto of = [&](Lane lane) {
    return std::count_if(world.script.calls.begin(), world.script.calls.end(),
                         [&](const HandoverCall& call) { return call.lane == lane; });
  };
  EXPECT_EQ(of(Lane::high), 24);
  EXPECT_EQ(of(Lane::normal), 6);
  EXPECT_EQ(of(Lane::low), 2);
}

TEST_P(Sharing, SendersTakeTurns) {
  WorldOptions options = on_this_store();
  options.dispatch.max_in_flight = 1;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(seconds(1)); };
  const Time start = world.time.now() + seconds(10);
  Letter letter;
  letter.due = start;
  letter.sender = "newsletter@example.com";
  for (int i = 0; i < 100; ++i) world.submit_for_later(letter);
  letter.due = start + Duration{1};  // later than every newsletter
  letter.sender = "password-reset@example.com";
  const MessageId urgent = world.submit_for_later(letter);
  world.run_until(start + seconds(5));
  ASSERT_EQ(world.tries(urgent).size(), 1u);
  EXPECT_LE(world.tries(urgent)[0] - start, seconds(2));
}

TEST_P(Sharing, ABurstLongerThanTheWindowDoesNotHoldOtherSenders) {
  WorldOptions options = on_this_store();
  options.dispatch.max_in_flight = 1;
  options.dispatch.window = 16;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(seconds(1)); };
  Letter letter;
  letter.sender = "newsletter@example.com";
  for (int i = 0; i < 300; ++i) world.submit(letter);
  world.run_for(seconds(5));
  letter.sender = "password-reset@example.com";
  const MessageId urgent = world.submit(letter);
  world.run_for(seconds(5));
  ASSERT_EQ(world.tries(urgent).size(), 1u);
}

TEST_P(Sharing, FreshMessagesDoNotStarveThoseThatWait) {
  WorldOptions options = on_this_store();
  options.dispatch.max_in_flight = 4;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(seconds(1)); };
  for (int i = 0; i < 4; ++i) world.submit({});
  const MessageId waiting = world.submit_for_later({});
  for (int second = 0; second < 20 && world.tries(waiting).empty(); ++second) {
    for (int i = 0; i < 8; ++i) world.submit({});
    world.run_for(seconds(1));
  }
  ASSERT_EQ(world.tries(waiting).size(), 1u);
}

TEST_P(Sharing, DispatchersNeverSendTheSameMessageAtOnce) {
  WorldOptions options = on_this_store();
  options.dispatchers = 2;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) {
    Play play = nth < 3 ? deferred() : sent();
    play.takes = seconds(7);
    return play;
  };
  std::vector<MessageId> ids;
  for (std::uint32_t i = 0; i < 60; ++i) {
    Letter letter;
    letter.dispatcher = i % 2;  // about half of them belong to the other's shard
    ids.push_back(i % 3 == 0 ? world.submit_for_later(letter) : world.submit(letter));
  }
  world.run_for(minutes(5));
  for (std::size_t i = 0; i < ids.size(); i += 4) ASSERT_TRUE(world.steer(ids[i], storage::SteerVerb::retry));
  world.run_for(minutes(40));
  for (const MessageId& id : ids) {
    EXPECT_EQ(world.state(id), RecipientState::sent);
    const std::vector<Time> tries = world.tries(id);
    EXPECT_EQ(tries.size(), 3u);
    EXPECT_LE(tries.back() - tries.front(), minutes(22)) << "a due time of the other's shard was missed";
  }
  EXPECT_TRUE(world.script.twice_at_once.empty());
}

TEST_P(Sharing, ClockSetForwardADay) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) { return nth == 1 ? deferred() : sent(); };
  std::vector<MessageId> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(world.submit({}));
  world.run_for(minutes(1));
  world.set_clock(world.time.now() + hours(24));
  world.run_for(seconds(2));
  for (const MessageId& id : ids) {
    EXPECT_EQ(world.state(id), RecipientState::sent);
    EXPECT_EQ(world.tries(id).size(), 2u);
  }
}

TEST_P(Sharing, ClockSetBackAnHour) {
  WorldOptions options = on_this_store();
  options.health.open_after = 1;
  World world(options);
  bool down = true;
  world.script.play = [&down](std::size_t, const MessageRecord&, unsigned) { return down ? route_failure() : sent(); };
  const MessageId before = world.submit({});
  world.run_for(minutes(1));
  world.set_clock(world.time.now() - hours(1));
  world.run_for(seconds(1));
  down = false;
  // The probe interval is not an hour longer now: what comes in is tried at once, and the circuit closes.
  const MessageId after = world.submit({});
  world.run_for(seconds(2));
  EXPECT_EQ(world.state(after), RecipientState::sent);
  EXPECT_EQ(world.tries(before).size(), 1u);
  world.run_for(minutes(75));
  EXPECT_EQ(world.state(before), RecipientState::sent);
}

TEST(StoreTrouble, SettlementsAreKeptAndOfferedAgainAndNothingIsClaimedMeanwhile) {
  World world({});
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(seconds(1)); };
  std::vector<MessageId> in_flight;
  for (int i = 0; i < 10; ++i) in_flight.push_back(world.submit({}));
  Letter later;
  later.due = world.time.now() + seconds(5);
  const MessageId waiting = world.submit_for_later(later);
  world.settle_down();
  world.memory_store().fail_writes(true);
  world.run_for(minutes(10));
  EXPECT_EQ(world.script.calls.size(), in_flight.size());
  EXPECT_FALSE(world.would_take_fresh());

  world.memory_store().fail_writes(false);
  world.run_for(seconds(2));
  for (const MessageId& id : in_flight) {
    EXPECT_EQ(world.state(id), RecipientState::sent);
    EXPECT_EQ(world.tries(id).size(), 1u);
  }
  world.run_for(seconds(2));
  EXPECT_EQ(world.state(waiting), RecipientState::sent);
}

}  // namespace
}  // namespace postrider::sim
