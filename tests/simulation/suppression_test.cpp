// Recipients on the suppression list, whenever they are found there: nobody hands them over, and they cost the others nothing.
#include <gtest/gtest.h>

#include "tests/simulation/world.h"

namespace postrider::sim {
namespace {

using storage::SteerVerb;

class Suppressed : public OnBothStores {
 protected:
  static WorldOptions on_this_store() {
    WorldOptions options;
    options.store = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(, Suppressed, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

Letter letter_to(const std::vector<std::string>& recipients) {
  Letter letter;
  letter.to = recipients;
  return letter;
}
const Letter kToNobody = letter_to({"gone@example.net"});

TEST_P(Suppressed, AFreshMessageIsAtItsEndWithoutATry) {
  World world(on_this_store());
  world.suppress("gone@example.net");
  const MessageId id = world.submit(kToNobody);
  world.run_for(hours(24));
  EXPECT_EQ(world.state(id), RecipientState::suppressed);
  EXPECT_TRUE(world.tries(id).empty());
  EXPECT_EQ(world.history(id).size(), 2u);
}

TEST_P(Suppressed, TheOthersOfAMessageGetIt) {
  World world(on_this_store());
  world.suppress("gone@example.net");
  const MessageId fresh = world.submit(letter_to({"a@example.net", "gone@example.net", "b@example.net"}));
  const MessageId later = world.submit_for_later(letter_to({"gone@example.net", "c@example.net"}));
  world.run_for(seconds(1));
  for (const MessageId& id : {fresh, later}) {
    for (const Recipient& recipient : world.find(id).recipients) {
      const bool gone = recipient.address.local == "gone";
      EXPECT_EQ(recipient.state, gone ? RecipientState::suppressed : RecipientState::sent);
    }
    EXPECT_EQ(world.tries(id).size(), 1u);
  }
}

TEST_P(Suppressed, BetweenTwoTries) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return deferred(); };
  const MessageId id = world.submit(kToNobody);
  world.settle_down();
  ASSERT_EQ(world.state(id), RecipientState::deferred);
  world.suppress("gone@example.net");
  world.run_for(hours(1));
  EXPECT_EQ(world.state(id), RecipientState::suppressed);
  EXPECT_EQ(world.tries(id).size(), 1u);
}

TEST_P(Suppressed, ReleasedItIsSentOnceTheEntryIsGone) {
  World world(on_this_store());
  world.suppress("gone@example.net");
  const MessageId id = world.submit(kToNobody);
  world.run_for(seconds(2));
  ASSERT_TRUE(world.steer(id, SteerVerb::release));
  world.run_for(seconds(2));
  EXPECT_EQ(world.state(id), RecipientState::suppressed) << "again";
  world.unsuppress("gone@example.net");
  ASSERT_TRUE(world.steer(id, SteerVerb::release));
  world.run_for(seconds(2));
  EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(world.tries(id).size(), 1u);
}

TEST_P(Suppressed, ARecipientThatIsDueLaterIsNotForgotten) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) { return nth == 1 ? deferred() : sent(); };
  const MessageId id = world.submit(letter_to({"gone@example.net", "b@example.net"}));
  world.run_for(minutes(1));
  world.suppress("gone@example.net");
  ASSERT_TRUE(world.steer(id, SteerVerb::retry, 0));
  world.settle_down();
  EXPECT_EQ(world.find(id).recipients[0].state, RecipientState::suppressed);
  EXPECT_EQ(world.find(id).recipients[1].state, RecipientState::deferred);
  world.run_for(minutes(11));
  EXPECT_EQ(world.find(id).recipients[1].state, RecipientState::sent);
  EXPECT_EQ(world.tries(id).size(), 2u);
}

// Places in flight and in the rate go back, or the mail behind them would wait for nobody.
TEST_P(Suppressed, ManyOfThemTakeNoRoomFromOthers) {
  for (const bool fresh : {true, false}) {
    WorldOptions options = on_this_store();
    options.dispatch.max_in_flight = 1;
    options.configure = [](UpstreamConfig& upstream) { upstream.rate = Rate{1, minutes(1)}; };
    World world(std::move(options));
    world.suppress("gone@example.net");
    for (int i = 0; i < 20; ++i) fresh ? world.submit(kToNobody) : world.submit_for_later(kToNobody);
    const MessageId other = world.submit({});
    world.run_for(seconds(1));
    EXPECT_EQ(world.state(other), RecipientState::sent) << (fresh ? "fresh" : "waiting");
    EXPECT_EQ(world.dispatcher().in_flight(), 0u);
  }
}

TEST_P(Suppressed, TheSenderIsOwedANoticeWhereThatIsOn) {
  for (const bool on : {true, false}) {
    WorldOptions options = on_this_store();
    options.dispatch.notify_sender = on;
    World world(std::move(options));
    world.suppress("gone@example.net");
    const MessageId fresh = world.submit(kToNobody), later = world.submit_for_later(kToNobody);
    world.run_for(seconds(2));
    EXPECT_EQ(world.find(fresh).owes_notice(), on);
    EXPECT_EQ(world.find(later).owes_notice(), on);
  }
}

}  // namespace
}  // namespace postrider::sim
