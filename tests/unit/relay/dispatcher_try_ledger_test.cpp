#include <gtest/gtest.h>

#include "relay/outbound/try_ledger.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

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
  static std::vector<Candidate> candidates(std::initializer_list<std::size_t> upstreams) {
    std::vector<Candidate> all;
    for (const std::size_t upstream : upstreams) all.push_back({upstream, "in order"});
    return all;
  }
  MessageRecord record_;
  RetryPolicy policy_;
};

TEST_F(TryLedgerTest, WhoWaitsTogetherIsDueTogether) {
  TryLedger ledger(record_);
  for (std::uint32_t r = 0; r < 3; ++r) ledger.plan(r, candidates({0}), 1);
  const auto round = ledger.next_round();
  ledger.note(*round, report(*round, OutcomeKind::deferred, reason(Cause::route)));
  const storage::Settlement settlement = ledger.settle(policy_, kNow, 0.5);
  ASSERT_EQ(settlement.updates.size(), 3u);
  EXPECT_GT(settlement.updates[0].due, kNow + policy_.retry_interval);
  EXPECT_EQ(settlement.updates[1].due, settlement.updates[0].due);
  EXPECT_EQ(settlement.updates[2].due, settlement.updates[0].due);
}

TEST_F(TryLedgerTest, GathersRecipientsThatGoToTheSameUpstream) {
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0, 1}), 2);
  ledger.plan(1, candidates({1}), 2);
  ledger.plan(2, candidates({0}), 2);
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
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0, 1}), 2);
  while (const auto round = ledger.next_round()) {
    ledger.note(*round, report(*round, OutcomeKind::deferred, reason(Cause::route)));
  }
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  ASSERT_EQ(settlement.attempts.size(), 2u);
  EXPECT_FALSE(settlement.attempts[0].counted);
  EXPECT_TRUE(settlement.attempts[1].counted);
  EXPECT_TRUE(settlement.updates[0].spends_try);
}

TEST_F(TryLedgerTest, AThrottleOfThisRecipientOutweighsARouteFailureWhoeverComesFirst) {
  for (const bool throttle_first : {true, false}) {
    TryLedger ledger(record_);
    ledger.plan(0, candidates({0, 1}), 2);
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
    TryLedger ledger(record_);
    ledger.plan(0, candidates({0, 1}), upstreams);  // with three, the third is out of service
    while (const auto round = ledger.next_round()) {
      ledger.note(*round, report(*round, OutcomeKind::bounced, reason(Cause::capability, Stage::mail)));
    }
    const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
    EXPECT_EQ(settlement.updates[0].trigger, upstreams == 2 ? Trigger::refuse : Trigger::defer);
  }
}

TEST_F(TryLedgerTest, UncertainStopsAtOnce) {
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0, 1}), 2);
  const auto round = ledger.next_round();
  ledger.note(*round, report(*round, OutcomeKind::uncertain, reason(Cause::uncertain, Stage::final_dot)));
  EXPECT_FALSE(ledger.next_round());
}

TEST_F(TryLedgerTest, WhoWasNotAskedIsGivenBackInItsPlace) {
  TryLedger ledger(record_);
  ledger.plan(0, candidates({}), 1);
  ledger.plan(1, candidates({0}), 1);
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
  TryLedger ledger(record_);
  ledger.plan_give_up(0);
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_EQ(settlement.updates[0].trigger, Trigger::give_up);
  EXPECT_EQ(settlement.updates[0].reason.cause, Cause::age);
  EXPECT_EQ(settlement.updates[0].reason.code, 452);
  EXPECT_EQ(settlement.updates[0].reason.text, "gave up after 5d: mailbox full");
}

TEST_F(TryLedgerTest, StoppingGivesBackWhatHadNoAnswer) {
  TryLedger ledger(record_);
  for (const std::uint32_t r : {0u, 1u, 2u}) ledger.plan(r, candidates({0, 1}), 2);
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
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0}), 1);
  ledger.plan(1, candidates({0}), 1);
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

TEST_F(TryLedgerTest, ARoundSaysWhyItsUpstreamIsAsked) {
  TryLedger ledger(record_);
  ledger.plan(0, {{3, "first in order"}}, 1);
  ledger.plan(1, {{3, "asked before"}}, 1);
  const auto round = ledger.next_round();
  ASSERT_TRUE(round);
  EXPECT_EQ(round->why, "first in order");
  EXPECT_EQ(round->recipients, (std::vector<std::uint32_t>{0, 1}));
}

TEST_F(TryLedgerTest, EachRecipientCountsTheUpstreamsThatAreThereForIt) {
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0}), 1);
  ledger.plan(1, candidates({0}), 2);  // the other one is out of service
  const auto round = ledger.next_round();
  ledger.note(*round, report(*round, OutcomeKind::bounced, reason(Cause::capability, Stage::mail)));
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_EQ(settlement.updates[0].trigger, Trigger::refuse);
  EXPECT_EQ(settlement.updates[0].reason.enhanced, "5.6.3");
  EXPECT_EQ(settlement.updates[1].trigger, Trigger::defer);
}

TEST_F(TryLedgerTest, AServersAnswerStaysAsItWasSaid) {
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0}), 1);
  const auto round = ledger.next_round();
  ledger.note(*round, report(*round, OutcomeKind::deferred, {Cause::capability, Stage::final_dot, 552, "", "too big"}));
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_EQ(settlement.updates[0].trigger, Trigger::refuse);
  EXPECT_EQ(settlement.updates[0].reason.enhanced, "") << "nobody said one";
}

TEST_F(TryLedgerTest, WhoFindsNoRoomWaitsUncounted) {
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0, 1}), 2);
  ledger.plan(1, candidates({1}), 2);
  ledger.plan(2, candidates({0}), 2);
  auto round = ledger.next_round();
  ledger.note(*round, report(*round, OutcomeKind::deferred, reason(Cause::route)));
  round = ledger.next_round();
  ASSERT_EQ(round->upstream, 1u);
  ledger.wait(*round, kNow + seconds(1));
  EXPECT_FALSE(ledger.next_round());
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  for (const std::size_t r : {0u, 1u}) {
    EXPECT_EQ(settlement.updates[r].trigger, Trigger::unclaim) << "whatever others answered";
    EXPECT_EQ(settlement.updates[r].due, kNow + seconds(1));
    EXPECT_FALSE(settlement.updates[r].spends_try);
  }
  EXPECT_EQ(settlement.updates[2].trigger, Trigger::defer);
  EXPECT_TRUE(settlement.updates[2].spends_try);
  ASSERT_EQ(settlement.attempts.size(), 1u);
  EXPECT_TRUE(settlement.attempts[0].counted) << "by the recipient that had nobody else";
}

TEST_F(TryLedgerTest, WhoIsGivenBackIsDueNoSoonerThanItWas) {
  record_.recipients[0].due = kNow + hours(1);  // of a message that was claimed for another recipient
  TryLedger ledger(record_);
  ledger.plan(0, {}, 1, kNow + seconds(10));
  ledger.plan(1, {}, 1, kNow + seconds(10));
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_EQ(settlement.updates[0].due, kNow + hours(1));
  EXPECT_EQ(settlement.updates[1].due, kNow + seconds(10));
}

TEST_F(TryLedgerTest, WhomNobodyTakesWaitsForAnotherConfigurationAndSaysSo) {
  TryLedger ledger(record_);
  ledger.plan_no_route(0, kNow + minutes(1));
  EXPECT_FALSE(ledger.next_round());
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  const storage::RecipientUpdate& update = settlement.updates.at(0);
  EXPECT_EQ(update.trigger, Trigger::defer);
  EXPECT_EQ(update.due, kNow + minutes(1));
  EXPECT_FALSE(update.spends_try);
  EXPECT_EQ(update.reason.cause, Cause::route);
  EXPECT_EQ(update.reason.stage, Stage::route);
  EXPECT_NE(update.reason.text, "");
}

TEST_F(TryLedgerTest, AShortThrottleIsWaitedForInsteadOfGoingOn) {
  TryLedger ledger(record_);
  for (const std::uint32_t r : {0u, 1u}) ledger.plan(r, candidates({0, 1}), 2);
  const auto round = ledger.next_round();
  HandoverReport one = report(*round, OutcomeKind::deferred, reason(Cause::throttle));
  one.attempt.recipients[1].reason = reason(Cause::route);
  one.throttled_until = kNow + seconds(20);
  ledger.note(*round, std::move(one), Pause::waited_for);
  const auto next = ledger.next_round();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->recipients, std::vector<std::uint32_t>{1}) << "only who was throttled stays";
  ledger.note(*next, report(*next, OutcomeKind::sent, reason(Cause::none, Stage::final_dot)));
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_EQ(settlement.updates[0].trigger, Trigger::defer);
  EXPECT_EQ(settlement.updates[0].due, kNow) << "the route holds it back";
  EXPECT_FALSE(settlement.updates[0].spends_try);
  EXPECT_EQ(settlement.updates[1].trigger, Trigger::hand_over);
}

// Due at once, another upstream of the same priority would take it.
TEST_F(TryLedgerTest, WhatMayHaveBeenSentWaitsForTheEndOfAShortThrottle) {
  record_.recipients[0].reason.cause = Cause::uncertain;
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0, 1}), 2);
  const auto round = ledger.next_round();
  HandoverReport one = report(*round, OutcomeKind::deferred, reason(Cause::throttle));
  one.throttled_until = kNow + seconds(20);
  ledger.note(*round, std::move(one), Pause::waited_for);
  EXPECT_FALSE(ledger.next_round());
  EXPECT_EQ(ledger.settle(policy_, kNow, kNoJitter).updates[0].due, kNow + seconds(20));
}

// One that failed, or that throttled this recipient alone, would be asked again at once, over and over.
TEST_F(TryLedgerTest, OnlyWhomEveryUpstreamAskedIsPausedForIsDueAtOnce) {
  struct Second {
    Cause cause;
    Pause pause;
    Time due;
  };
  for (const Second& second : {Second{Cause::throttle, Pause::skipped, kNow},
                               {Cause::throttle, Pause::none, kNow + minutes(3)},
                               {Cause::route, Pause::none, kNow + minutes(3)},
                               {Cause::capability, Pause::none, kNow + minutes(3)}}) {
    TryLedger ledger(record_);
    ledger.plan(0, candidates({0, 1}), 2);
    while (const auto round = ledger.next_round()) {
      const bool first = round->upstream == 0;
      HandoverReport one = report(*round, OutcomeKind::deferred, reason(first ? Cause::throttle : second.cause));
      one.throttled_until = kNow + minutes(first ? 3 : 30);
      ledger.note(*round, std::move(one), first ? Pause::skipped : second.pause);
    }
    const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
    EXPECT_EQ(settlement.updates[0].trigger, Trigger::defer);
    EXPECT_EQ(settlement.updates[0].due, second.due) << static_cast<int>(second.cause);
    EXPECT_FALSE(settlement.updates[0].spends_try);
  }
}

// Asked and throttled, or not asked for a pause from before: it is not there, and the failure of the other one is the try.
TEST_F(TryLedgerTest, BesideALongPauseARouteFailureIsTheTryWhoeverComesFirst) {
  for (const std::size_t paused : {0u, 1u, 2u}) {
    TryLedger ledger(record_);
    if (paused < 2) {
      ledger.plan(0, candidates({0, 1}), 2);
    } else {
      ledger.plan(0, candidates({0}), 2, {}, kNow + hours(24));
    }
    while (const auto round = ledger.next_round()) {
      const bool throttles = round->upstream == paused;
      HandoverReport one = report(*round, OutcomeKind::deferred, reason(throttles ? Cause::throttle : Cause::route));
      if (throttles) one.throttled_until = kNow + hours(24);
      ledger.note(*round, std::move(one), throttles ? Pause::skipped : Pause::none);
    }
    const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
    EXPECT_EQ(settlement.updates[0].reason.cause, Cause::route) << paused;
    EXPECT_TRUE(settlement.updates[0].spends_try);
    EXPECT_EQ(settlement.updates[0].due, kNow + minutes(10));
    EXPECT_TRUE(settlement.attempts.back().counted);
  }
}

TEST_F(TryLedgerTest, WhoThrottlesThisRecipientAloneIsAskedAgainBeforeALongPauseEnds) {
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0, 1}), 2);
  while (const auto round = ledger.next_round()) {
    HandoverReport one = report(*round, OutcomeKind::deferred, reason(Cause::throttle));
    const bool pauses = round->upstream == 0;
    if (pauses) one.throttled_until = kNow + hours(24);
    ledger.note(*round, std::move(one), pauses ? Pause::skipped : Pause::none);
  }
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_EQ(settlement.updates[0].due, kNow + minutes(10));
  EXPECT_FALSE(settlement.updates[0].spends_try);
}

TEST_F(TryLedgerTest, OfSeveralThrottlesTheOneThatEndsFirstDecides) {
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0, 1}), 2);
  while (const auto round = ledger.next_round()) {
    HandoverReport one = report(*round, OutcomeKind::deferred, reason(Cause::throttle));
    one.throttled_until = kNow + minutes(round->upstream == 0 ? 3 : 30);
    ledger.note(*round, std::move(one));
  }
  EXPECT_EQ(ledger.settle(policy_, kNow, kNoJitter).updates[0].due, kNow + minutes(3));
}

TEST_F(TryLedgerTest, TheProvidersIdIsKeptOfWhoTookItOnly) {
  TryLedger ledger(record_);
  ledger.plan(0, candidates({0, 1}), 2);
  while (const auto round = ledger.next_round()) {
    const bool takes = round->upstream == 1;
    HandoverReport one = takes ? report(*round, OutcomeKind::sent, reason(Cause::none, Stage::final_dot))
                               : report(*round, OutcomeKind::deferred, reason(Cause::route));
    one.attempt.remote_id = "id of " + std::to_string(round->upstream);
    one.attempt.provider_id = takes;
    ledger.note(*round, std::move(one));
  }
  const storage::Settlement settlement = ledger.settle(policy_, kNow, kNoJitter);
  EXPECT_EQ(settlement.updates[0].remote_id, "id of 1");
  EXPECT_TRUE(settlement.updates[0].provider_id);
  EXPECT_EQ(settlement.updates[0].upstream, "upstream 1");
}

}  // namespace
}  // namespace postrider::relay
