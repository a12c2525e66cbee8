// Operators at odd moments: while a message waits, while it is being sent, and after its end.
#include <gtest/gtest.h>

#include "tests/simulation/world.h"

namespace postrider::sim {
namespace {

using storage::SteerVerb;

class Steering : public OnBothStores {
 protected:
  static WorldOptions on_this_store() {
    WorldOptions options;
    options.store = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(, Steering, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

TEST_P(Steering, RetryMakesADeferredMessageDueNow) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) { return nth == 1 ? deferred() : sent(); };
  const MessageId id = world.submit({});
  world.run_for(minutes(1));
  ASSERT_TRUE(world.steer(id, SteerVerb::retry));
  world.settle_down();
  EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(world.tries(id).back() - world.tries(id).front(), minutes(1));
}

TEST_P(Steering, RetryOfAParkedMessageStartsTriesAnew) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) { return nth < 7 ? deferred() : sent(); };
  const MessageId id = world.submit({});
  world.run_for(hours(1));
  ASSERT_EQ(world.state(id), RecipientState::failed);
  ASSERT_TRUE(world.steer(id, SteerVerb::retry));
  world.run_for(hours(1));
  EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(world.tries(id).size(), 7u);
}

TEST_P(Steering, AHeldMessageIsNotTried) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) { return nth == 1 ? deferred() : sent(); };
  const MessageId id = world.submit({});
  world.settle_down();
  ASSERT_TRUE(world.steer(id, SteerVerb::hold));
  world.run_for(hours(24));
  EXPECT_EQ(world.tries(id).size(), 1u);
  ASSERT_TRUE(world.steer(id, SteerVerb::release));
  world.settle_down();
  EXPECT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Steering, CancelWhileSendingTakesEffectWhenTheAttemptFails) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) {
    Play play = deferred();
    play.takes = seconds(30);
    return play;
  };
  const MessageId id = world.submit({});
  world.settle_down();
  ASSERT_TRUE(world.steer(id, SteerVerb::cancel));
  EXPECT_EQ(world.state(id), RecipientState::sending);
  world.run_for(hours(1));
  EXPECT_EQ(world.state(id), RecipientState::cancelled);
  EXPECT_EQ(world.tries(id).size(), 1u);
}

TEST_P(Steering, CancelWhileSendingLosesAgainstAHandOver) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(seconds(30)); };
  const MessageId id = world.submit({});
  world.settle_down();
  ASSERT_TRUE(world.steer(id, SteerVerb::cancel));
  world.run_for(minutes(1));
  EXPECT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Steering, HoldWhileSendingThenReleaseThenSent) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) {
    Play play = nth == 1 ? deferred() : sent();
    play.takes = seconds(30);
    return play;
  };
  const MessageId id = world.submit({});
  world.settle_down();
  ASSERT_TRUE(world.steer(id, SteerVerb::hold));
  world.run_for(hours(1));
  ASSERT_EQ(world.state(id), RecipientState::held);
  ASSERT_TRUE(world.steer(id, SteerVerb::release));
  world.run_for(minutes(1));
  EXPECT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Steering, CancelOfADueMessageThatWaitsForASlotIsNotSent) {
  WorldOptions options = on_this_store();
  options.dispatch.max_in_flight = 1;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(minutes(1)); };
  const MessageId first = world.submit({});
  const MessageId second = world.submit({});  // no slot: it waits in the spool
  world.settle_down();
  ASSERT_TRUE(world.steer(second, SteerVerb::cancel));
  world.run_for(minutes(5));
  EXPECT_EQ(world.state(first), RecipientState::sent);
  EXPECT_EQ(world.state(second), RecipientState::cancelled);
  EXPECT_TRUE(world.tries(second).empty());
}

}  // namespace
}  // namespace postrider::sim
