#include "core/retry.h"

namespace postrider {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Time kStart{Duration(1'700'000'000'000)};

class Retry : public testing::Test {
 protected:
  Retry() {
    before.state = RecipientState::sending;
    before.age_from = kStart;
    outcome.reason = {Cause::recipient, Stage::rcpt, 450, "4.2.1", "mailbox busy"};
  }

  Decision decide_now(double jitter = 0) const { return decide(before, outcome, policy, now, paused_until, jitter); }

  Recipient before;
  RecipientOutcome outcome;
  RetryPolicy policy;
  Time now = kStart + minutes(1);
  Time paused_until{};
};

TEST_F(Retry, SentIsHandedOver) {
  outcome.kind = OutcomeKind::sent;
  const Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::hand_over);
  EXPECT_TRUE(decision.spends_try);
}

TEST_F(Retry, PermanentRefusalBouncesAtOnce) {
  outcome.kind = OutcomeKind::bounced;
  outcome.reason = {Cause::recipient, Stage::rcpt, 550, "5.1.1", "no such user"};
  const Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::refuse);
  EXPECT_EQ(decision.reason, outcome.reason);
}

TEST_F(Retry, FirstTryAndThreeRetriesThenGivesUp) {
  for (std::uint32_t tries = 0; tries < 3; ++tries) {
    before.tries = tries;
    const Decision decision = decide_now();
    EXPECT_EQ(decision.trigger, Trigger::defer) << tries;
    EXPECT_TRUE(decision.spends_try);
    EXPECT_EQ(decision.due, now + minutes(10));
  }
  before.tries = 3;
  const Decision last = decide_now();
  EXPECT_EQ(last.trigger, Trigger::give_up);
  EXPECT_TRUE(last.spends_try);
  EXPECT_EQ(last.reason.cause, Cause::retries);
  EXPECT_EQ(last.reason.code, 450);
  EXPECT_EQ(last.reason.enhanced, "4.2.1");
  EXPECT_EQ(last.reason.stage, Stage::rcpt);
  EXPECT_EQ(last.reason.text, "gave up after 4 tries: mailbox busy");
}

TEST_F(Retry, NoRetriesMeansOneTry) {
  policy.retries = 0;
  outcome.reason.text.clear();
  const Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::give_up);
  EXPECT_EQ(decision.reason.text, "gave up after 1 try");
}

TEST_F(Retry, JitterStretchesByUpToFivePercent) {
  EXPECT_EQ(decide_now(0).due, now + minutes(10));
  EXPECT_EQ(decide_now(0.5).due, now + minutes(10) + seconds(15));
  EXPECT_LE(decide_now(0.999999).due, now + minutes(10) + seconds(30));
  EXPECT_GT(decide_now(0.999999).due, now + minutes(10) + seconds(29));
}

TEST_F(Retry, RefusedConnectionIsATryLikeAnyOther) {
  outcome.reason = {Cause::route, Stage::connect, 0, "", "connection refused"};
  EXPECT_TRUE(decide_now().spends_try);
  before.tries = 3;
  EXPECT_EQ(decide_now().trigger, Trigger::give_up);
}

TEST_F(Retry, ThrottleNeverSpendsATry) {
  outcome.reason = {Cause::throttle, Stage::mail, 421, "4.7.0", "slow down"};
  before.tries = 3;
  paused_until = now + minutes(3);
  const Decision decision = decide_now(0.5);
  EXPECT_EQ(decision.trigger, Trigger::defer);
  EXPECT_FALSE(decision.spends_try);
  EXPECT_EQ(decision.due, paused_until);
}

TEST_F(Retry, ARouteFailureBesideALongPauseIsATryAsIfNobodyWerePaused) {
  outcome.reason = {Cause::route, Stage::connect, 0, "", "connection refused"};
  paused_until = now + hours(24);
  const Decision decision = decide_now(0.5);
  EXPECT_EQ(decision.trigger, Trigger::defer);
  EXPECT_TRUE(decision.spends_try);
  EXPECT_EQ(decision.due, now + minutes(10) + seconds(15));
}

TEST_F(Retry, ARouteFailureBesideAPauseThatEndsSoonerWaitsForThatUnspent) {
  outcome.reason = {Cause::route, Stage::connect, 0, "", "connection refused"};
  paused_until = now + minutes(9);
  const Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::defer);
  EXPECT_FALSE(decision.spends_try);
  EXPECT_EQ(decision.due, paused_until);
}

TEST_F(Retry, NoTryIsTheLastWhileSomebodyIsOnlyPaused) {
  outcome.reason = {Cause::route, Stage::connect, 0, "", "connection refused"};
  before.tries = 3;
  paused_until = now + hours(24);
  Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::defer);
  EXPECT_FALSE(decision.spends_try);
  EXPECT_EQ(decision.due, paused_until);

  paused_until = now + hours(24 * 30);
  EXPECT_EQ(decide_now().due, kStart + policy.max_age);
  paused_until = now;
  EXPECT_EQ(decide_now().trigger, Trigger::give_up);
  paused_until = now + hours(24);
  outcome.reason.cause = Cause::recipient;
  EXPECT_EQ(decide_now().trigger, Trigger::give_up) << "it answered about the recipient";
}

TEST_F(Retry, WhatTheOthersCannotTakeWaitsForThePause) {
  outcome.reason = {Cause::capability, Stage::mail, 0, "", "no SMTPUTF8"};
  paused_until = now + hours(24);
  const Decision decision = decide_now();
  EXPECT_EQ(decision.due, paused_until);
  EXPECT_FALSE(decision.spends_try);
}

TEST_F(Retry, ThrottleWithoutAnEndWaitsOneInterval) {
  outcome.reason.cause = Cause::throttle;
  EXPECT_EQ(decide_now().due, now + minutes(10));
  paused_until = now - seconds(1);
  EXPECT_EQ(decide_now().due, now + minutes(10));
}

TEST_F(Retry, ThrottleIsStillBoundedByAge) {
  outcome.reason.cause = Cause::throttle;
  now = kStart + hours(24 * 5);
  const Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::give_up);
  EXPECT_FALSE(decision.spends_try);
  EXPECT_EQ(decision.reason.cause, Cause::age);
  EXPECT_EQ(decision.reason.text, "gave up after 5d: mailbox busy");
}

TEST_F(Retry, NobodyAskedSpendsNoTry) {
  outcome.reason = {Cause::route, Stage::route, 0, "", "no upstream is in service"};
  before.tries = 3;
  const Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::defer);
  EXPECT_FALSE(decision.spends_try);
}

TEST_F(Retry, UncertainIsRetriedOrHeldByPolicy) {
  outcome.kind = OutcomeKind::uncertain;
  outcome.reason = {Cause::uncertain, Stage::final_dot, 0, "", "connection lost after the final dot"};
  Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::defer);
  EXPECT_TRUE(decision.spends_try);

  policy.on_uncertain = OnUncertain::hold;
  decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::hold);
  EXPECT_EQ(decision.reason, outcome.reason);
}

TEST_F(Retry, UncertainAsTheLastTryGivesUp) {
  outcome.kind = OutcomeKind::uncertain;
  outcome.reason = {Cause::uncertain, Stage::final_dot, 0, "", "connection lost after the final dot"};
  before.tries = 3;
  const Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::give_up);
  EXPECT_EQ(decision.reason.stage, Stage::final_dot);
  EXPECT_EQ(decision.reason.text, "gave up after 4 tries: connection lost after the final dot; it may have arrived");
}

TEST_F(Retry, InterruptionIsDueAtOnceAndNotCounted) {
  outcome.kind = OutcomeKind::uncertain;
  outcome.reason = {Cause::interrupted, Stage::final_dot, 0, "", ""};
  before.tries = 3;
  before.interruptions = 2;
  const Decision decision = decide_now(0.9);
  EXPECT_EQ(decision.trigger, Trigger::defer);
  EXPECT_FALSE(decision.spends_try);
  EXPECT_EQ(decision.due, now);
}

TEST_F(Retry, InterruptedTooOftenIsHeld) {
  outcome.reason = {Cause::interrupted, Stage::body, 0, "", ""};
  before.interruptions = 3;
  const Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::hold);
  EXPECT_EQ(decision.reason.cause, Cause::policy);
  EXPECT_EQ(decision.reason.text, "interrupted 3 times");
}

TEST_F(Retry, TooOldGivesUpWhateverTriesAreLeft) {
  now = kStart + policy.max_age;
  EXPECT_TRUE(too_old(before, policy, now));
  EXPECT_FALSE(too_old(before, policy, now - Duration(1)));
  const Decision decision = decide_now();
  EXPECT_EQ(decision.trigger, Trigger::give_up);
  EXPECT_EQ(decision.reason.cause, Cause::age);
  EXPECT_EQ(decision.reason.code, 450);
}

TEST_F(Retry, NextTryIsNeverDueAfterTheDeadline) {
  policy.retry_interval = hours(24 * 7);
  EXPECT_EQ(decide_now().due, kStart + policy.max_age);
}

TEST_F(Retry, ReasonTextStaysWithinItsBound) {
  before.tries = 3;
  outcome.reason.text = std::string(kMaxReasonText, 'x');
  EXPECT_LE(decide_now().reason.text.size(), kMaxReasonText);
}

TEST_F(Retry, AMessageHasTheConfiguredPolicyButForWhatItAskedFor) {
  policy.retries = 3;
  policy.retry_interval = minutes(10);
  policy.on_uncertain = OnUncertain::hold;
  Envelope envelope;
  EXPECT_EQ(policy_for(policy, envelope).retries, 3u);
  EXPECT_EQ(policy_for(policy, envelope).retry_interval, minutes(10));
  envelope.retry.retries = 0;
  envelope.retry.interval = seconds(30);
  const RetryPolicy own = policy_for(policy, envelope);
  EXPECT_EQ(own.retries, 0u);
  EXPECT_EQ(own.retry_interval, seconds(30));
  EXPECT_EQ(own.max_age, policy.max_age);
  EXPECT_EQ(own.on_uncertain, OnUncertain::hold);
}

TEST_F(Retry, AMessageThatWantsNoRetriesFailsWithItsFirstTry) {
  Envelope envelope;
  envelope.retry.retries = 0;
  policy = policy_for(policy, envelope);
  EXPECT_EQ(decide_now().trigger, Trigger::give_up);
}

}  // namespace
}  // namespace postrider
