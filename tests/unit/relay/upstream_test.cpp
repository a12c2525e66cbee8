#include "relay/outbound/upstream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/relay/routes_fixture.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// ---- the circuit ----------------------------------------------------------------------------------------------------

TEST(Upstream, OpensAfterConsecutiveRouteFailuresOnly) {
  Upstream one(upstream_config("a"), {.open_after = 3});
  EXPECT_EQ(one.note_route_failure(kRefused, kNow), Change::none);
  EXPECT_EQ(one.note_route_failure(kRefused, kNow), Change::none);
  one.note_answer(kNow);  // it refused a recipient: it works
  EXPECT_EQ(one.note_route_failure(kRefused, kNow), Change::none);
  EXPECT_EQ(one.note_route_failure(kRefused, kNow), Change::none);
  EXPECT_TRUE(one.in_service(kNow));
  EXPECT_EQ(one.note_route_failure(kRefused, kNow), Change::opened);
  EXPECT_EQ(one.health(), Health::open);
  EXPECT_FALSE(one.in_service(kNow));
  EXPECT_EQ(one.last_error(), "connection refused");
  EXPECT_EQ(one.last_failure()->at, kNow);
  EXPECT_EQ(one.note_route_failure(kRefused, kNow), Change::none) << "told once";
}

TEST(Upstream, OpensWhenTooManyOfARecentSampleFail) {
  Upstream one(upstream_config("a"), {.open_after = 100, .open_rate = 50, .open_sample = 20});
  for (int i = 0; i < 9; ++i) {
    one.note_hand_over(kNow);
    ASSERT_EQ(one.note_route_failure(kRefused, kNow), Change::none);
  }
  one.note_hand_over(kNow);
  EXPECT_EQ(one.note_route_failure(kRefused, kNow), Change::opened) << "the twentieth: half of them failed";
}

TEST(Upstream, WhatFailedLongAgoOpensNothing) {
  Upstream one(upstream_config("a"), {.open_after = 100, .open_rate = 50, .open_sample = 20});
  for (int i = 0; i < 19; ++i) one.note_route_failure(kRefused, kNow);
  EXPECT_EQ(one.note_route_failure(kRefused, kNow + minutes(2)), Change::none);
}

TEST(Upstream, ARateOfZeroIsNotLookedAt) {
  Upstream one(upstream_config("a"), {.open_after = 100, .open_rate = 0, .open_sample = 1});
  EXPECT_EQ(one.note_route_failure(kRefused, kNow), Change::none);
}

TEST(Upstream, WhatOpenedItIsForgottenWhenItCloses) {
  Upstream one(upstream_config("a"), {.open_after = 100, .open_rate = 50, .open_sample = 20});
  for (int i = 0; i < 20; ++i) one.note_route_failure(kRefused, kNow);
  ASSERT_EQ(one.note_hand_over(kNow), Change::closed);
  EXPECT_EQ(one.note_route_failure(kRefused, kNow), Change::none);
}

TEST(Upstream, OpensWhenManyAttemptsStallAtOnce) {
  Upstream one(upstream_config("a"), {.open_after = 2, .stall_after = minutes(1)});
  EXPECT_EQ(one.note_stalled(kNow), Change::none);
  one.note_unstalled();
  EXPECT_EQ(one.note_stalled(kNow), Change::none);
  EXPECT_EQ(one.note_stalled(kNow), Change::opened);
  EXPECT_EQ(one.last_error(), "2 attempts at once have had no answer for 1m");
  EXPECT_EQ(one.note_stalled(kNow), Change::none);
}

TEST(Upstream, IsSlowNotStalledWhileItAnswersOthers) {
  Upstream one(upstream_config("a"), {.open_after = 1, .stall_after = minutes(1)});
  one.note_hand_over(kNow);
  EXPECT_EQ(one.note_stalled(kNow + seconds(29)), Change::none);
  EXPECT_EQ(one.note_stalled(kNow + seconds(30)), Change::opened);
}

TEST(Upstream, ClosesByRealHandOversOnly) {
  Upstream one(upstream_config("a"), {.open_after = 1, .recover_after = 2});
  one.note_route_failure(kRefused, kNow);
  one.note_answer(kNow);
  EXPECT_EQ(one.health(), Health::open);
  EXPECT_EQ(one.note_hand_over(kNow), Change::none);
  one.note_route_failure(kRefused, kNow);  // and they must be consecutive
  EXPECT_EQ(one.note_hand_over(kNow), Change::none);
  EXPECT_EQ(one.note_hand_over(kNow), Change::closed);
  EXPECT_EQ(one.health(), Health::closed);
}

TEST(Upstream, HandOversBeforeItOpenedDoNotHelpItClose) {
  Upstream one(upstream_config("a"), {.open_after = 1, .recover_after = 2});
  one.note_route_failure(kRefused, kNow);
  one.note_hand_over(kNow);
  ASSERT_EQ(one.note_hand_over(kNow), Change::closed);
  ASSERT_EQ(one.note_stalled(kNow + minutes(1)), Change::opened);
  EXPECT_EQ(one.note_hand_over(kNow), Change::none);
  EXPECT_EQ(one.note_hand_over(kNow), Change::closed);
}

TEST(Upstream, SaysThatItWorksAgainAfterFailuresThatDidNotOpenIt) {
  Upstream one(upstream_config("a"), {.open_after = 5});
  EXPECT_EQ(one.note_hand_over(kNow), Change::works_again) << "what was before this process is not known";
  EXPECT_EQ(one.note_hand_over(kNow), Change::none);
  one.note_route_failure(kRefused, kNow);
  EXPECT_EQ(one.note_hand_over(kNow), Change::none) << "one failure may be a message's own";
  one.note_route_failure(kRefused, kNow);
  one.note_route_failure(kRefused, kNow);
  EXPECT_EQ(one.note_hand_over(kNow), Change::works_again);
  EXPECT_EQ(one.note_hand_over(kNow), Change::none);
}

// ---- probes ---------------------------------------------------------------------------------------------------------

TEST(Upstream, GivesOutAFewProbesAnInterval) {
  Upstream one(upstream_config("a"), {.open_after = 1, .probe_interval = seconds(30)});
  EXPECT_FALSE(one.begin_probe(2, kNow)) << "in service: no probes";
  one.note_route_failure(kRefused, kNow);
  EXPECT_FALSE(one.begin_probe(2, kNow + seconds(29)));
  EXPECT_EQ(one.next_probe(kNow), kNow + seconds(30));
  {
    const auto first = one.begin_probe(2, kNow + seconds(30));
    const auto second = one.begin_probe(2, kNow + seconds(31));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(one.health(), Health::probing);
    EXPECT_FALSE(one.begin_probe(2, kNow + seconds(31)));
    EXPECT_FALSE(one.begin_probe(2, kNow + hours(1))) << "two are still under way";
  }
  EXPECT_EQ(one.health(), Health::open);
  EXPECT_FALSE(one.begin_probe(2, kNow + seconds(59)));
  EXPECT_TRUE(one.begin_probe(2, kNow + seconds(60)));
}

TEST(Upstream, AnUnusedProbeMayBeHadAgain) {
  Upstream one(upstream_config("a"), {.open_after = 1, .probe_interval = seconds(30)});
  one.note_route_failure(kRefused, kNow);
  auto pass = one.begin_probe(1, kNow + seconds(30));
  ASSERT_TRUE(pass);
  pass->give_back();
  EXPECT_TRUE(one.begin_probe(1, kNow + seconds(30)));
}

TEST(Upstream, AProbeThatWorkedLetsTheNextGoAtOnce) {
  Upstream one(upstream_config("a"), {.open_after = 1, .probe_interval = seconds(30), .recover_after = 2});
  one.note_route_failure(kRefused, kNow);
  ASSERT_TRUE(one.begin_probe(1, kNow + seconds(30)));
  ASSERT_EQ(one.note_hand_over(kNow + seconds(31)), Change::none);
  EXPECT_EQ(one.next_probe(kNow + seconds(31)), kNow + seconds(31));
  EXPECT_TRUE(one.begin_probe(1, kNow + seconds(31)));
}

TEST(Upstream, ProbesSurviveAClockSetBack) {
  Upstream one(upstream_config("a"), {.open_after = 1, .probe_interval = seconds(30)});
  one.note_route_failure(kRefused, kNow);
  EXPECT_EQ(one.next_probe(kNow - hours(1)), kNow - hours(1));
  EXPECT_TRUE(one.begin_probe(1, kNow - hours(1)));
}

TEST(Upstream, IsNotProbedWhilePausedStoppedOrUsedUp) {
  UpstreamConfig config = upstream_config("a");
  config.daily_quota = 1;
  Upstream one(config, {.open_after = 1, .probe_interval = seconds(30)});
  begin_day(one.day());
  one.note_route_failure(kRefused, kNow);
  const Time later = kNow + seconds(30);
  EXPECT_TRUE(one.worth_a_probe(later));
  one.stop();
  EXPECT_FALSE(one.begin_probe(1, later));
  one.resume();
  one.pause_until(kNow + minutes(5), kNow);
  EXPECT_FALSE(one.begin_probe(1, later));
  EXPECT_EQ(one.next_probe(later), kNow + minutes(5));
  one.resume();
  one.take_quota(1, kNow);
  EXPECT_FALSE(one.begin_probe(1, later));
}

TEST(Upstream, ThreadsGetNoMoreProbesThanThereAre) {
  Upstream one(upstream_config("a"), {.open_after = 1, .probe_interval = seconds(30)});
  one.note_route_failure(kRefused, kNow);
  std::atomic<int> passes{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) passes += one.begin_probe(2, kNow + seconds(30)) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(passes, 2);
  EXPECT_EQ(one.health(), Health::open);
}

TEST(Upstream, ThreadsThatReportAgreeOnWhoOpenedAndWhoClosed) {
  Upstream one(upstream_config("a"), {.open_after = 1});
  std::atomic<int> opened{0}, closed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        opened += one.note_route_failure(kRefused, kNow) == Change::opened ? 1 : 0;
        closed += one.note_hand_over(kNow) == Change::closed ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(opened, 1);
  EXPECT_EQ(opened - closed, one.health() == Health::closed ? 0 : 1);
}

// ---- pauses ---------------------------------------------------------------------------------------------------------

TEST(Upstream, PausesAreNeverShortenedAndAtMostADay) {
  Upstream one(upstream_config("a"), {.probe_interval = seconds(30)});
  EXPECT_TRUE(one.pause_until({}, kNow));  // the peer gave no time
  EXPECT_EQ(one.paused_until(), kNow + seconds(30));
  EXPECT_FALSE(one.pause_until(kNow + seconds(10), kNow));
  EXPECT_TRUE(one.pause_until(kNow + hours(24 * 3650), kNow));
  EXPECT_EQ(one.paused_until(), kNow + hours(24));
  EXPECT_FALSE(one.in_service(kNow));
  EXPECT_TRUE(one.in_service(kNow + hours(24)));
}

TEST(Upstream, APauseOverlongAfterAClockSetBackIsNone) {
  Upstream one(upstream_config("a"), {});
  one.pause_until(kNow + minutes(5), kNow);
  EXPECT_TRUE(one.in_service(kNow - hours(24 * 365)));
  EXPECT_TRUE(one.pause_until({}, kNow - hours(24 * 365))) << "and does not stand in the way of a new one";
  EXPECT_FALSE(one.in_service(kNow - hours(24 * 365)));
}

TEST(Upstream, MailWaitsForAPauseShorterThanSpillAfter) {
  UpstreamConfig config = upstream_config("a");
  config.spill_after = minutes(1);
  Upstream one(config, {});
  one.pause_until(kNow + minutes(2), kNow);
  EXPECT_TRUE(one.skipped_for_pause(kNow));
  EXPECT_FALSE(one.in_service(kNow));
  EXPECT_TRUE(one.paused(kNow + minutes(1)));
  EXPECT_FALSE(one.skipped_for_pause(kNow + minutes(1)));
  EXPECT_TRUE(one.in_service(kNow + minutes(1)));
}

TEST(Upstream, AnOperatorsPauseEndsOnlyByResume) {
  Upstream one(upstream_config("a"), {});
  EXPECT_TRUE(one.stop());
  EXPECT_FALSE(one.stop()) << "it was";
  EXPECT_FALSE(one.in_service(kNow + hours(24 * 365)));
  EXPECT_TRUE(one.resume());
  EXPECT_TRUE(one.in_service(kNow));
  EXPECT_FALSE(one.resume());
}

TEST(Upstream, ResumeEndsALearnedPauseAndLetsAProbeGo) {
  Upstream one(upstream_config("a"), {.open_after = 1, .probe_interval = seconds(30)});
  one.note_route_failure(kRefused, kNow);
  one.pause_until(kNow + minutes(5), kNow);
  EXPECT_TRUE(one.resume());
  EXPECT_FALSE(one.paused(kNow));
  EXPECT_TRUE(one.begin_probe(1, kNow));
}

// ---- quotas ---------------------------------------------------------------------------------------------------------

class UpstreamQuotaTest : public testing::Test {
 protected:
  static UpstreamConfig config() {
    UpstreamConfig config = upstream_config("a");
    config.daily_quota = 10;
    config.monthly_quota = 15;
    return config;
  }
  void begin_month(std::uint64_t used) {
    one_.month().begin_period(kNow - hours(24 * 20), kNow + hours(24 * 10), used);
  }
  void begin(std::uint64_t day_used, std::uint64_t month_used) {
    begin_day(one_.day(), day_used);
    begin_month(month_used);
    one_.day().grant(10);
    one_.month().grant(15);
  }
  Upstream one_{config(), {}};
};

TEST_F(UpstreamQuotaTest, TheStricterOfDayAndMonthHolds) {
  begin(0, 10);
  EXPECT_EQ(one_.take_quota(6, kNow), Quota::Leave::used_up);
  EXPECT_EQ(one_.day().used(), 0u) << "what the day granted was given back";
  EXPECT_EQ(one_.take_quota(5, kNow), Quota::Leave::yes);
  EXPECT_EQ(one_.quota(kNow), Quota::Leave::used_up);
  EXPECT_FALSE(one_.in_service(kNow));
  EXPECT_EQ(one_.quota_renewed(kNow), kNow + hours(24 * 10));
}

TEST_F(UpstreamQuotaTest, AUsedUpDayIsNewAtMidnight) {
  begin(10, 10);
  EXPECT_EQ(one_.quota(kNow), Quota::Leave::used_up);
  EXPECT_EQ(one_.quota_renewed(kNow), kNow + hours(12));
  one_.give_back_quota(2);
  EXPECT_EQ(one_.quota(kNow), Quota::Leave::yes);
  EXPECT_EQ(one_.month().used(), 8u);
}

TEST_F(UpstreamQuotaTest, AsksForAMarkOnceUntilItHasMoved) {
  begin_day(one_.day());
  begin_month(0);
  EXPECT_TRUE(one_.wants_mark());
  EXPECT_FALSE(one_.wants_mark());
  one_.mark_moved();
  EXPECT_TRUE(one_.wants_mark()) << "it did not move far enough";
  one_.month().grant(15);
  one_.day().grant(10);
  one_.mark_moved();
  EXPECT_FALSE(one_.wants_mark());
}

// ---- reload and restart ---------------------------------------------------------------------------------------------

TEST(Upstream, AReloadTriesAtOnceWhatChanged) {
  Upstream one(upstream_config("a"), {.open_after = 1, .probe_interval = minutes(10)});
  one.note_route_failure(kRefused, kNow);
  EXPECT_FALSE(one.begin_probe(1, kNow + seconds(1)));
  UpstreamConfig config = upstream_config("a");
  config.password = "the new one";
  const UpstreamConfig& before = one.config();
  one.reconfigure(config, {.open_after = 7});
  EXPECT_TRUE(one.begin_probe(1, kNow + seconds(1)));
  EXPECT_EQ(one.config().password, "the new one");
  EXPECT_EQ(one.policy().open_after, 7u);
  EXPECT_EQ(before.password, "") << "who holds the old configuration keeps it";
}

TEST(Upstream, ARestartKnowsWhatWasOpenAndPaused) {
  Upstream one(upstream_config("a"), {});
  one.restore(Health::probing, Stage::auth, "bad password", kNow + minutes(5), false, kNow - hours(1), kNow);
  EXPECT_EQ(one.health(), Health::open);
  EXPECT_EQ(one.last_error(), "bad password");
  EXPECT_EQ(one.last_failure()->reason.stage, Stage::auth);
  EXPECT_EQ(one.last_failure()->at, kNow - hours(1));
  EXPECT_TRUE(one.paused(kNow));
  EXPECT_FALSE(one.stopped());
  EXPECT_TRUE(one.begin_probe(1, kNow + minutes(5))) << "at once: much may have happened meanwhile";
}

TEST(Upstream, ARestartKnowsThatAnOperatorStoppedIt) {
  Upstream one(upstream_config("a"), {});
  one.restore(Health::closed, Stage::none, "", {}, true, kNow, kNow);
  EXPECT_TRUE(one.stopped());
  EXPECT_FALSE(one.in_service(kNow));
  EXPECT_EQ(one.last_failure(), nullptr);
}

TEST(Upstream, ARestartBelievesNoPauseThatIsOverOrLongerThanADay) {
  Upstream over(upstream_config("a"), {}), endless(upstream_config("b"), {});
  over.restore(Health::closed, Stage::none, "", kNow - seconds(1), false, kNow - hours(1), kNow);
  endless.restore(Health::closed, Stage::none, "", kNever, false, kNow - hours(1), kNow);
  EXPECT_TRUE(over.in_service(kNow));
  EXPECT_EQ(endless.paused_until(), kNow + hours(24));
}

TEST(Upstream, CountsForPeople) {
  Upstream one(upstream_config("a"), {});
  one.count_attempt(OutcomeKind::deferred);
  one.note_route_failure(kRefused, kNow);
  one.note_hand_over(kNow);
  one.note_answer(kNow);
  one.pause_until({}, kNow);
  const Upstream::Tally tally = one.tally();
  EXPECT_EQ(tally.attempts[static_cast<std::size_t>(OutcomeKind::deferred)], 1u);
  EXPECT_EQ(tally.route_failures, 1u);
  EXPECT_EQ(tally.sent, 1u);
  EXPECT_EQ(tally.refusals, 1u);
  EXPECT_EQ(tally.throttles, 1u);
  EXPECT_EQ(one.recent(kNow).all, 3u);
}

}  // namespace
}  // namespace postrider::relay
