// The window in which a message may be sent twice: cut off after the dot, by the network, by a crash of ours, by our end.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/world.h"

namespace postrider::sim {
namespace {

class Uncertain : public OnBothStores {
 protected:
  static WorldOptions on_this_store() {
    WorldOptions options;
    options.store = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(, Uncertain, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

std::size_t uncertain_attempts(World& world, const MessageId& id) {
  const std::vector<Attempt> attempts = world.attempts(id);
  return static_cast<std::size_t>(std::count_if(attempts.begin(), attempts.end(),
                                                [](const Attempt& a) { return a.outcome == OutcomeKind::uncertain; }));
}

TEST_P(Uncertain, IsOnRecordAndTriedAgain) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) {
    return nth == 1 ? cut_after_dot() : sent();
  };
  const MessageId id = world.submit({});
  world.settle_down();
  EXPECT_EQ(world.find(id).recipients[0].reason.cause, Cause::uncertain);
  world.run_for(minutes(11));
  EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(world.tries(id).size(), 2u);
  EXPECT_EQ(uncertain_attempts(world, id), 1u);
}

TEST_P(Uncertain, IsNotOfferedToAnotherUpstreamInTheSameTry) {
  WorldOptions options = on_this_store();
  options.upstreams = {"primary", "backup"};
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return cut_after_dot(); };
  const MessageId id = world.submit({});
  world.settle_down();
  ASSERT_EQ(world.script.calls.size(), 1u);
  EXPECT_EQ(world.find(id).recipients[0].upstream, "primary");
}

TEST_P(Uncertain, GoesToTheSameUpstreamFirstInTheNextTry) {
  WorldOptions options = on_this_store();
  options.upstreams = {"primary", "backup"};
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) {
    return nth == 1 ? route_failure() : nth == 2 ? cut_after_dot() : sent();
  };
  const MessageId id = world.submit({});
  world.run_for(minutes(11));
  EXPECT_EQ(world.state(id), RecipientState::sent);
  ASSERT_EQ(world.script.calls.size(), 3u);
  EXPECT_EQ(world.script.calls[1].upstream, 1u);
  EXPECT_EQ(world.script.calls[2].upstream, 1u);
}

TEST_P(Uncertain, IsHeldWhenThePolicySaysSo) {
  WorldOptions options = on_this_store();
  options.dispatch.retry.on_uncertain = OnUncertain::hold;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) {
    return nth == 1 ? cut_after_dot() : sent();
  };
  const MessageId id = world.submit({});
  world.run_for(hours(24));
  EXPECT_EQ(world.state(id), RecipientState::held);
  EXPECT_EQ(world.tries(id).size(), 1u);

  ASSERT_TRUE(world.steer(id, storage::SteerVerb::release));
  world.settle_down();
  EXPECT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Uncertain, CrashWhileSendingIsAnUncertainAttemptAndTriedAtOnce) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) {
    return nth == 1 ? hangs_at(Stage::body) : sent();
  };
  const MessageId id = world.submit({});
  world.settle_down();
  EXPECT_EQ(world.state(id), RecipientState::sending);
  world.crash();
  world.settle_down();
  EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(world.tries(id).size(), 2u);
  EXPECT_EQ(uncertain_attempts(world, id), 1u);
  EXPECT_FALSE(world.attempts(id).front().counted);
}

TEST_P(Uncertain, CrashLosesNothingThatWaits) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) { return nth == 1 ? deferred() : sent(); };
  std::vector<MessageId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(world.submit({}));
  world.run_for(minutes(5));
  world.crash();
  world.run_for(minutes(6));
  for (const MessageId& id : ids) {
    EXPECT_EQ(world.state(id), RecipientState::sent);
    EXPECT_EQ(world.tries(id).size(), 2u);
    EXPECT_EQ(uncertain_attempts(world, id), 0u);
  }
}

TEST_P(Uncertain, ThirdInterruptionHolds) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return hangs_at(Stage::final_dot); };
  const MessageId id = world.submit({});
  for (int crash = 1; crash <= 3; ++crash) {
    world.settle_down();
    ASSERT_EQ(world.state(id), RecipientState::sending) << "before crash " << crash;
    world.crash();
  }
  world.run_for(hours(1));
  EXPECT_EQ(world.state(id), RecipientState::held);
  EXPECT_EQ(world.tries(id).size(), 3u);
  EXPECT_EQ(world.find(id).recipients[0].tries, 0u);
}

TEST_P(Uncertain, DrainGivesBackWhatWasNotPastTheDot) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord& message, unsigned) {
    return hangs_at(message.envelope.sender.local == "late" ? Stage::final_dot : Stage::body);
  };
  Letter late;
  late.sender = "late@example.com";
  const MessageId past_the_dot = world.submit(late);
  const MessageId before_it = world.submit({});
  world.settle_down();
  const Time start = world.time.now();
  world.drain(seconds(10));

  EXPECT_GE(world.time.now(), start + seconds(10));
  EXPECT_EQ(world.dispatcher().in_flight(), 0u);
  EXPECT_EQ(world.state(before_it), RecipientState::queued);
  EXPECT_EQ(world.find(before_it).recipients[0].tries, 0u);
  EXPECT_EQ(uncertain_attempts(world, before_it), 0u);
  EXPECT_EQ(world.find(past_the_dot).recipients[0].reason.cause, Cause::uncertain);
  EXPECT_EQ(uncertain_attempts(world, past_the_dot), 1u);
}

TEST_P(Uncertain, DrainWaitsForWhatEndsInTime) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(seconds(5)); };
  const MessageId id = world.submit({});
  world.settle_down();
  world.drain(seconds(10));
  EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(uncertain_attempts(world, id), 0u);
  EXPECT_FALSE(world.would_take_fresh());
}

}  // namespace
}  // namespace postrider::sim
