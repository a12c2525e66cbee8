#include "relay/outbound/http_outcome.h"

#include <gtest/gtest.h>

namespace postrider::relay {
namespace {

using net::HttpStage;

net::HttpOutcome broken_at(HttpStage stage, bool body_sent = false, bool body_complete = false) {
  net::HttpOutcome outcome;
  outcome.stage = stage;
  outcome.body_sent = body_sent;
  outcome.body_complete = body_complete;
  outcome.error = "it broke";
  return outcome;
}

struct Row {
  net::HttpOutcome outcome;
  OutcomeKind kind;
  Cause cause;
  Stage stage;
  const char* text;
};

TEST(HttpOutcome, ABreakIsUncertainOnceAllOfTheBodyMayBeThere) {
  constexpr const char* kTwice = "it broke after the last octet of the request: the message may be sent more than once";
  const Row rows[] = {
      {broken_at(HttpStage::resolve), OutcomeKind::deferred, Cause::route, Stage::resolve, "it broke at resolve"},
      {broken_at(HttpStage::connect), OutcomeKind::deferred, Cause::route, Stage::connect, "it broke at connect"},
      {broken_at(HttpStage::tls), OutcomeKind::deferred, Cause::route, Stage::tls, "it broke at tls"},
      {broken_at(HttpStage::request), OutcomeKind::deferred, Cause::route, Stage::body, "it broke at body"},
      {broken_at(HttpStage::request, true), OutcomeKind::deferred, Cause::route, Stage::body, "it broke at body"},
      {broken_at(HttpStage::answer, true), OutcomeKind::deferred, Cause::route, Stage::body, "it broke at body"},
      {broken_at(HttpStage::request, true, true), OutcomeKind::uncertain, Cause::uncertain, Stage::final_dot, kTwice},
      {broken_at(HttpStage::answer, true, true), OutcomeKind::uncertain, Cause::uncertain, Stage::final_dot, kTwice},
  };
  for (const Row& row : rows) {
    const Verdict verdict = judge_http_break(row.outcome);
    EXPECT_EQ(verdict.kind, row.kind) << row.text;
    EXPECT_EQ(verdict.reason.cause, row.cause) << row.text;
    EXPECT_EQ(verdict.reason.stage, row.stage) << row.text;
    EXPECT_EQ(verdict.reason.text, row.text);
  }
}

TEST(HttpOutcome, AStopIsUncertainOrNoFailureAtAll) {
  net::HttpOutcome before = broken_at(HttpStage::connect), after = broken_at(HttpStage::answer, true, true);
  before.stopped = after.stopped = true;
  EXPECT_EQ(judge_http_break(before).reason.cause, Cause::interrupted);
  EXPECT_EQ(judge_http_break(after).reason.cause, Cause::uncertain);
}

TEST(HttpOutcome, WaitingForAConnectionOfOursIsNoFailureOfTheProvider) {
  net::HttpOutcome waited = broken_at(HttpStage::resolve);
  waited.timed_out = waited.never_begun = true;
  const Verdict verdict = judge_http_break(waited);
  EXPECT_EQ(verdict.kind, OutcomeKind::deferred);
  EXPECT_EQ(verdict.reason.cause, Cause::throttle);
  EXPECT_EQ(verdict.reason.stage, Stage::none);
}

TEST(HttpOutcome, AProbeIsNeverUncertain) {
  const Verdict verdict = judge_probe_break(broken_at(HttpStage::answer, false, true));
  EXPECT_EQ(verdict.kind, OutcomeKind::deferred);
  EXPECT_EQ(verdict.reason.cause, Cause::route);
}

TEST(HttpOutcome, OnlyWhatIsTheUpstreamsOwnEndsTheAttempt) {
  const auto ends = [](OutcomeKind kind, Cause cause) {
    Verdict verdict;
    verdict.kind = kind;
    verdict.reason.cause = cause;
    return ends_the_attempt(verdict);
  };
  EXPECT_FALSE(ends(OutcomeKind::sent, Cause::none));
  EXPECT_FALSE(ends(OutcomeKind::bounced, Cause::recipient));
  EXPECT_FALSE(ends(OutcomeKind::bounced, Cause::content));
  EXPECT_FALSE(ends(OutcomeKind::deferred, Cause::capability));
  EXPECT_TRUE(ends(OutcomeKind::deferred, Cause::route));
  EXPECT_TRUE(ends(OutcomeKind::deferred, Cause::throttle));
  EXPECT_TRUE(ends(OutcomeKind::uncertain, Cause::uncertain));
  EXPECT_TRUE(ends(OutcomeKind::deferred, Cause::interrupted));
}

}  // namespace
}  // namespace postrider::relay
