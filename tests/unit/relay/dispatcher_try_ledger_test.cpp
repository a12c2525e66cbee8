#include <gtest/gtest.h>

#include "relay/outbound/try_ledger.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const Time kNow = from_ms(1'800'000'000'000);
constexpr double kNoJitter = 0.0;

class TryLedgerTest : public testing::Test {
 protected:
  explicit TryLedgerTest() {
    record_.recipients.resize(3);
    for (Recipient& recipient : record_.recipients) {
      recipient.state = RecipientState::sending;
      recipient.age_from = kNow - minutes(1);
      recipient.due = kNow - minutes(1);
    }
  }
  static Reason reason(Cause cause, Stage stage = Stage::connect) { return {cause, stage, 0, "", "said so"}; }
  // The same outcome for everybody asked.
  static HandoverReport report(const TryLedger::Round& round, OutcomeKind kind, Reason why) {
    HandoverReport one;
    one.attempt.upstream = "upstream " + std::to_string(round.upstream);
    one.attempt.stage = why.stage;
    one.attempt.outcome = kind;
    one.attempt.reason = why;
    for (const std::uint32_t r : round.recipients) one.attempt.recipients.push_back({r, kind, why});
    return one;
  }
  MessageRecord record_;
  RetryPolicy policy_;
};

TEST_F(TryLedgerTest, WhoWaitsTogetherIsDueTogether) {
  TryLedger ledger(record_, 1);
  for (std::uint32_t r = 0; r < 3; ++r) ledger.plan(r, {0});
  const auto round = ledger.next_round();
  ledger.note(*round, report(*round, OutcomeKind::deferred, reason(Cause::route)));
  const storage::Settlement settlement = ledger.settle(policy_, kNow, 0.5);
  ASSERT_EQ(settlement.updates.size(), 3u);
  EXPECT_GT(settlement.updates[0].due, kNow + policy_.retry_interval);
  EXPECT_EQ(settlement.updates[1].due, settlement.updates[0].due);
  EXPECT_EQ(settlement.updates[2].due, settlement.updates[0].due);
}

TEST_F(TryLedgerTest, GathersRecipientsThatGoToTheSameUpstream) {
  TryLedger ledger(record_, 2);
  ledger.plan(0, {0, 1});
  ledger.plan(1, {1});
  ledger.plan(2, {0});
  auto round = ledger.next_round();
  ASSERT_TRUE(round);
  EXPECT_EQ(round->upstream, 0u);
  EXPECT_EQ(round->recipients, (std::vector<std::uint32_t>{0, 2}));
  ledger.note(*round, report(*round, OutcomeKind::deferred, reason(Cause::route)));
  round = ledger.next_round();
  ASSERT_TRUE(round);
  EXPECT_EQ(round->upstream, 1u);
  EXPECT_EQ(round->recipients, (std::vector<std::uint32_t>{0, 1}));
  ledger.note(*round, report(*round, OutcomeKind::sent, reason(Cause::none, Stage::final_dot)));
  EXPECT_FALSE(ledger.next_round());

  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  ASSERT_EQ(settlement.updates.size(), 3u);
  EXPECT_EQ(settlement.updates[0].trigger, Trigger::hand_over);
  EXPECT_EQ(settlement.updates[0].upstream, "upstream 1");
  EXPECT_EQ(settlement.updates[1].trigger, Trigger::hand_over);
  EXPECT_EQ(settlement.updates[2].trigger, Trigger::defer);
  EXPECT_EQ(settlement.updates[2].upstream, "upstream 0");
}

TEST_F(TryLedgerTest, ManyAttemptsAreOneTry) {
  TryLedger ledger(record_, 2);
  ledger.plan(0, {0, 1});
  while (const auto round = ledger.next_round()) {
    ledger.note(*round, report(*round, OutcomeKind::deferred, reason(Cause::route)));
  }
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  ASSERT_EQ(settlement.attempts.size(), 2u);
  EXPECT_FALSE(settlement.attempts[0].counted);
  EXPECT_TRUE(settlement.attempts[1].counted);
  EXPECT_TRUE(settlement.updates[0].spends_try);
}

TEST_F(TryLedgerTest, AThrottleOutweighsARouteFailureWhoeverComesFirst) {
  for (const bool throttle_first : {true, false}) {
    TryLedger ledger(record_, 2);
    ledger.plan(0, {0, 1});
    while (const auto round = ledger.next_round()) {
      const bool throttles = (round->upstream == 0) == throttle_first;
      HandoverReport one = report(*round, OutcomeKind::deferred, reason(throttles ? Cause::throttle : Cause::route));
      if (throttles) one.throttled_until = kNow + minutes(3);
      ledger.note(*round, std::move(one));
    }
    const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
    EXPECT_FALSE(settlement.updates[0].spends_try);
    EXPECT_EQ(settlement.updates[0].due, kNow + minutes(3));
  }
}

TEST_F(TryLedgerTest, IncapabilityBouncesOnlyWhenEveryUpstreamWasAsked) {
  for (const std::size_t upstreams : {2u, 3u}) {
    TryLedger ledger(record_, upstreams);
    ledger.plan(0, {0, 1});  // with three, the third is out of service
    while (const auto round = ledger.next_round()) {
      ledger.note(*round, report(*round, OutcomeKind::bounced, reason(Cause::capability, Stage::mail)));
    }
    const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
    EXPECT_EQ(settlement.updates[0].trigger, upstreams == 2 ? Trigger::refuse : Trigger::defer);
  }
}

TEST_F(TryLedgerTest, UncertainStopsAtOnce) {
  TryLedger ledger(record_, 2);
  ledger.plan(0, {0, 1});
  const auto round = ledger.next_round();
  ledger.note(*round, report(*round, OutcomeKind::uncertain, reason(Cause::uncertain, Stage::final_dot)));
  EXPECT_FALSE(ledger.next_round());
}

TEST_F(TryLedgerTest, WhoWasNotAskedIsGivenBackInItsPlace) {
  TryLedger ledger(record_, 1);
  ledger.plan(0, {});
  ledger.plan(1, {0});
  ledger.skip(*ledger.next_round());
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_TRUE(settlement.attempts.empty());
  for (const storage::RecipientUpdate& update : settlement.updates) {
    EXPECT_EQ(update.trigger, Trigger::unclaim);
    EXPECT_EQ(update.due, kNow - minutes(1));
    EXPECT_FALSE(update.spends_try);
  }
}

TEST_F(TryLedgerTest, WhoIsTooOldIsGivenUpWithTheLastWordOfTheUpstream) {
  record_.recipients[0].reason = {Cause::recipient, Stage::rcpt, 452, "4.2.2", "mailbox full"};
  TryLedger ledger(record_, 1);
  ledger.plan_give_up(0);
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_EQ(settlement.updates[0].trigger, Trigger::give_up);
  EXPECT_EQ(settlement.updates[0].reason.cause, Cause::age);
  EXPECT_EQ(settlement.updates[0].reason.code, 452);
  EXPECT_EQ(settlement.updates[0].reason.text, "gave up after 5d: mailbox full");
}

TEST_F(TryLedgerTest, StoppingGivesBackWhatHadNoAnswer) {
  TryLedger ledger(record_, 2);
  for (const std::uint32_t r : {0u, 1u, 2u}) ledger.plan(r, {0, 1});
  const auto round = ledger.next_round();
  HandoverReport one = report(*round, OutcomeKind::deferred, reason(Cause::route, Stage::rcpt));
  one.attempt.recipients[1] = {1, OutcomeKind::bounced, reason(Cause::recipient, Stage::rcpt)};
  one.attempt.recipients[2] = {2, OutcomeKind::deferred, reason(Cause::recipient, Stage::rcpt)};
  ledger.note(*round, std::move(one));
  ledger.stop();
  EXPECT_FALSE(ledger.next_round());
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_EQ(settlement.updates[0].trigger, Trigger::unclaim);
  EXPECT_EQ(settlement.updates[1].trigger, Trigger::refuse);
  EXPECT_EQ(settlement.updates[2].trigger, Trigger::defer);
  EXPECT_EQ(settlement.attempts.size(), 1u);
}

TEST_F(TryLedgerTest, ATransportThatForgetsARecipientPastTheDotLeavesItUncertain) {
  TryLedger ledger(record_, 1);
  ledger.plan(0, {0});
  ledger.plan(1, {0});
  const auto round = ledger.next_round();
  HandoverReport one = report(*round, OutcomeKind::sent, reason(Cause::none, Stage::final_dot));
  one.attempt.reason = reason(Cause::uncertain, Stage::final_dot);
  one.attempt.recipients.pop_back();
  ledger.note(*round, std::move(one));
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_EQ(settlement.updates[0].trigger, Trigger::hand_over);
  EXPECT_EQ(settlement.updates[1].trigger, Trigger::defer);
  EXPECT_EQ(settlement.updates[1].reason.cause, Cause::uncertain);
}

}  // namespace
}  // namespace postrider::relay
