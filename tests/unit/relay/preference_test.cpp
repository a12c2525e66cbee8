#include "relay/outbound/preference.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace postrider::relay {
namespace {

using Verdict = Preference::Verdict;

Preferred preferred(const std::string& upstream, std::uint32_t percent = 0, std::uint32_t messages = 0) {
  Preferred one;
  one.upstream = upstream;
  one.percent = percent;
  one.messages = messages;
  one.by = "ops";
  return one;
}

// Each of the messages goes where it is told.
int named(Preference& preference, int messages) {
  int count = 0;
  for (int i = 0; i < messages; ++i) {
    const Preference::Turn turn = preference.next();
    count += turn.upstream ? 1 : 0;
    Preference::used(turn.place);
  }
  return count;
}

// `failed` of `all` hand-overs fail, the failures first; the first verdict ends it.
Preference::Judged report(Preference& preference, const std::string& upstream, int all, int failed) {
  for (int i = 0; i < all; ++i) {
    Preference::Judged judged = preference.note(upstream, i < failed);
    if (judged.verdict != Verdict::none) return judged;
  }
  return {};
}

TEST(Preference, NobodyIsPreferredAtFirst) {
  Preference preference;
  EXPECT_FALSE(preference.next().upstream);
  EXPECT_FALSE(preference.get());
  EXPECT_EQ(preference.note("b", true).verdict, Verdict::none);
}

TEST(Preference, AllMailMeansEveryMessage) {
  Preference preference;
  preference.set(preferred("b"));
  EXPECT_EQ(named(preference, 1000), 1000);
  EXPECT_EQ(*preference.next().upstream, "b");
  EXPECT_EQ(preference.get()->by, "ops");
  preference.clear();
  EXPECT_FALSE(preference.next().upstream);
}

TEST(Preference, AShareIsExactInEveryHundred) {
  for (const std::uint32_t percent : {1u, 5u, 33u, 50u, 99u}) {
    Preference preference;
    preference.set(preferred("b", percent));
    for (int hundred = 0; hundred < 20; ++hundred) EXPECT_EQ(named(preference, 100), static_cast<int>(percent));
  }
}

TEST(Preference, AShareIsSpreadOverTheHundred) {
  Preference preference;
  preference.set(preferred("b", 5));
  for (int i = 0, since = 0; i < 10'000; ++i) {
    since = preference.next().upstream ? 0 : since + 1;
    ASSERT_LT(since, 50) << "at " << i;
  }
}

TEST(Preference, ANumberOfMessagesIsNamedSoManyTimes) {
  Preference preference;
  preference.set(preferred("b", 0, 30));
  EXPECT_EQ(named(preference, 1000), 30);
}

TEST(Preference, AMessageThatWentElsewhereLeavesItsPlaceToAnother) {
  Preference preference;
  preference.set(preferred("b", 0, 3));
  {
    const Preference::Turn elsewhere = preference.next();
    ASSERT_TRUE(elsewhere.upstream);
    EXPECT_EQ(named(preference, 10), 2);
  }
  EXPECT_EQ(named(preference, 10), 1);
  EXPECT_EQ(named(preference, 10), 0);
}

TEST(Preference, APlaceMayOutliveItsCanary) {
  Preference preference;
  preference.set(preferred("b", 0, 3));
  Preference::Turn turn = preference.next();
  preference.clear();
  turn.place.reset();
  EXPECT_FALSE(preference.next().upstream);
}

// A dispatcher asks for the message that goes, and again to learn that there is no room for the next one: whatever the rhythm, the
// messages that go get their share.
TEST(Preference, AShareSurvivesCallersThatAskInVain) {
  for (const std::uint32_t percent : {1u, 5u, 50u}) {
    for (const int in_vain : {1, 2, 3, 4, 9, 19, 99}) {
      Preference preference;
      preference.set(preferred("b", percent));
      int went = 0;
      for (int i = 0; i < 10'000; ++i) {
        went += preference.next().upstream ? 1 : 0;
        for (int j = 0; j < in_vain; ++j) preference.next();
      }
      EXPECT_NEAR(went, 100 * static_cast<int>(percent), 5 * percent) << percent << "%, " << in_vain << " in vain";
    }
  }
}

TEST(Preference, ACanaryIsNotJudgedBeforeItsSample) {
  Preference preference;
  preference.set(preferred("b", 5));
  EXPECT_EQ(report(preference, "b", Preference::kSample - 1, Preference::kSample - 1).verdict, Verdict::none);
  EXPECT_EQ(preference.note("b", true).verdict, Verdict::rolled_back);
}

TEST(Preference, ACanaryThatDoesWorseThanTheOthersGoesBack) {
  Preference preference;
  preference.set(preferred("b", 5));
  report(preference, "a", 100, 2);
  const Preference::Judged judged = report(preference, "b", 20, 8);
  EXPECT_EQ(judged.verdict, Verdict::rolled_back);
  EXPECT_EQ(judged.upstream, "b");
  EXPECT_EQ(judged.why, "40% of 20 hand-overs failed, 2% of 100 elsewhere");
  EXPECT_FALSE(preference.get());
  EXPECT_FALSE(preference.next().upstream);
}

TEST(Preference, WhatFailsEverywhereIsNotTheCanarysFault) {
  Preference preference;
  preference.set(preferred("b", 5));
  report(preference, "a", 100, 50);
  EXPECT_EQ(report(preference, "b", 20, 12).verdict, Verdict::none) << "60% against 50%: within the margin";
  EXPECT_EQ(preference.note("b", true).verdict, Verdict::rolled_back);
}

TEST(Preference, ACanaryAloneIsJudgedByItself) {
  Preference preference;
  preference.set(preferred("b", 5));
  const Preference::Judged judged = report(preference, "b", 20, 3);
  EXPECT_EQ(judged.verdict, Verdict::rolled_back);
  EXPECT_EQ(judged.why, "15% of 20 hand-overs failed, none were made elsewhere");
}

TEST(Preference, AShareThatDoesWellForLongEnoughBecomesAllMail) {
  Preference preference;
  preference.set(preferred("b", 5));
  EXPECT_EQ(report(preference, "b", Preference::kEnough - 1, 1).verdict, Verdict::none);
  EXPECT_EQ(preference.note("b", false).verdict, Verdict::promoted);
  ASSERT_TRUE(preference.get());
  EXPECT_FALSE(preference.get()->canary());
  EXPECT_EQ(preference.get()->by, "ops");
  EXPECT_EQ(named(preference, 100), 100);
}

TEST(Preference, ANumberIsJudgedWhenAllOfItHasBeenHandedOver) {
  for (const std::uint32_t messages : {1u, 5u, 100u, 500u}) {
    Preference good, bad;
    good.set(preferred("b", 0, messages));
    const int all = static_cast<int>(messages);
    EXPECT_EQ(report(good, "b", all - 1, 0).verdict, Verdict::none);
    EXPECT_EQ(good.note("b", false).verdict, Verdict::promoted);
    bad.set(preferred("b", 0, messages));
    EXPECT_EQ(report(bad, "b", all, all).verdict, Verdict::rolled_back);
  }
}

TEST(Preference, TheVerdictIsGivenOnce) {
  Preference preference;
  preference.set(preferred("b", 5));
  ASSERT_EQ(report(preference, "b", 20, 20).verdict, Verdict::rolled_back);
  EXPECT_EQ(report(preference, "b", 100, 100).verdict, Verdict::none);
}

TEST(Preference, ACircuitThatOpensEndsTheCanaryAtOnce) {
  Preference preference;
  preference.set(preferred("b", 5));
  EXPECT_EQ(preference.note_opened("a").verdict, Verdict::none);
  const Preference::Judged judged = preference.note_opened("b");
  EXPECT_EQ(judged.verdict, Verdict::rolled_back);
  EXPECT_EQ(judged.upstream, "b");
  EXPECT_FALSE(preference.get());
}

TEST(Preference, WhatAnOperatorPrefersForAllMailIsNeverTakenBack) {
  Preference preference;
  preference.set(preferred("b"));
  EXPECT_EQ(report(preference, "b", 1000, 1000).verdict, Verdict::none);
  EXPECT_EQ(preference.note_opened("b").verdict, Verdict::none);
  EXPECT_TRUE(preference.get());
}

TEST(Preference, ANewCanaryStartsItsScoreAnew) {
  Preference preference;
  preference.set(preferred("b", 5));
  report(preference, "b", 19, 19);
  preference.set(preferred("b", 10));
  EXPECT_EQ(preference.score().here, 0u);
  EXPECT_EQ(preference.note("b", true).verdict, Verdict::none);
}

TEST(Preference, ThreadsAdmitExactlyTheNumber) {
  Preference preference;
  preference.set(preferred("b", 0, 1000));
  std::atomic<int> count{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { count += named(preference, 2000); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 1000);
}

TEST(Preference, ThreadsGetOneVerdictWhileAnOperatorLooksOn) {
  Preference preference;
  preference.set(preferred("b", 50));
  std::atomic<int> verdicts{0};
  std::atomic<bool> over{false};
  std::thread operator_thread([&] {
    while (!over) {
      const auto now = preference.get();
      EXPECT_TRUE(!now || now->upstream == "b");
      EXPECT_LE(preference.score().here_failed, 400u);
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        preference.next();
        verdicts += preference.note("b", true).verdict == Verdict::none ? 0 : 1;
        verdicts += preference.note_opened("b").verdict == Verdict::none ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  over = true;
  operator_thread.join();
  EXPECT_EQ(verdicts, 1);
  EXPECT_FALSE(preference.get());
}

}  // namespace
}  // namespace postrider::relay
