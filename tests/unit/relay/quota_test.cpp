#include "relay/outbound/quota.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace postrider::relay {
namespace {

using std::chrono::hours;
using Leave = Quota::Leave;

const Time kStart = from_ms(1'800'000'000'000);
const Time kEnd = kStart + hours(24);
const Time kNoon = kStart + hours(12);

class QuotaTest : public testing::Test {
 protected:
  void begin(std::uint64_t limit, std::uint64_t used = 0) {
    quota_.set_limit(limit);
    quota_.begin_period(kStart, kEnd, used);
    move_mark();
  }
  // What the keeper does.
  void move_mark() { quota_.grant(quota_.wanted_mark()); }
  Leave take(std::uint32_t recipients) {
    const Leave leave = quota_.take(recipients, kNoon);
    if (leave != Leave::not_yet) return leave;
    move_mark();
    return quota_.take(recipients, kNoon);
  }
  Quota quota_;
};

TEST_F(QuotaTest, WithoutALimitEverythingGoes) {
  EXPECT_FALSE(quota_.limited());
  EXPECT_EQ(quota_.take(1'000'000, kNoon), Leave::yes);
  EXPECT_EQ(quota_.ask(kNoon), Leave::yes);
  EXPECT_EQ(quota_.used(), 0u);
}

TEST_F(QuotaTest, NothingGoesBeforeItsPeriodHasBegun) {
  quota_.set_limit(10);
  EXPECT_EQ(quota_.ask(kNoon), Leave::not_yet);
  EXPECT_EQ(quota_.take(1, kNoon), Leave::not_yet);
}

TEST_F(QuotaTest, GrantsOnlyWhatIsDurableAlready) {
  quota_.set_limit(10);
  quota_.begin_period(kStart, kEnd, 0);
  EXPECT_EQ(quota_.take(1, kNoon), Leave::not_yet);
  quota_.grant(3);
  EXPECT_EQ(quota_.take(2, kNoon), Leave::yes);
  EXPECT_EQ(quota_.ask(kNoon), Leave::yes);
  EXPECT_EQ(quota_.take(2, kNoon), Leave::not_yet);
  EXPECT_EQ(quota_.take(1, kNoon), Leave::yes);
  EXPECT_EQ(quota_.ask(kNoon), Leave::not_yet);
  EXPECT_EQ(quota_.used(), quota_.mark());
}

TEST_F(QuotaTest, IsUsedUpToTheLastRecipientAndNoFurther) {
  for (const std::uint64_t limit : {1u, 2u, 10u, 99u, 100u, 101u, 250u, 1000u}) {
    begin(limit);
    for (std::uint64_t i = 0; i < limit; ++i) ASSERT_EQ(take(1), Leave::yes) << i << " of " << limit;
    EXPECT_EQ(take(1), Leave::used_up);
    EXPECT_EQ(quota_.ask(kNoon), Leave::used_up);
    EXPECT_EQ(quota_.left(), 0u);
    EXPECT_EQ(quota_.mark(), limit);
  }
}

TEST_F(QuotaTest, ManyRecipientsGoTogetherOrNotAtAll) {
  begin(10);
  EXPECT_EQ(take(1000), Leave::used_up);
  EXPECT_EQ(quota_.used(), 0u);
  EXPECT_EQ(take(9), Leave::yes);
  EXPECT_EQ(take(2), Leave::used_up);
  move_mark();
  EXPECT_EQ(quota_.ask(kNoon), Leave::yes) << "one may still go";
  EXPECT_EQ(take(1), Leave::yes);
}

TEST_F(QuotaTest, AHugeNumberOfRecipientsOverflowsNothing) {
  begin(UINT64_MAX);
  EXPECT_EQ(quota_.take(UINT32_MAX, kNoon), Leave::not_yet);
  begin(10, 10);
  EXPECT_EQ(take(UINT32_MAX), Leave::used_up);
}

TEST_F(QuotaTest, WhatIsCountedAheadIsAHundredthAtMostAThousand) {
  begin(10);
  EXPECT_EQ(quota_.mark(), 1u);
  begin(20'000);
  EXPECT_EQ(quota_.mark(), 200u);
  begin(1'000'000'000);
  EXPECT_EQ(quota_.mark(), 1000u);
}

TEST_F(QuotaTest, TheMarkIsMovedBeforeItIsReached) {
  begin(100'000);
  ASSERT_EQ(quota_.mark(), 1000u);
  ASSERT_EQ(quota_.take(500, kNoon), Leave::yes);
  EXPECT_EQ(quota_.wanted_mark(), quota_.mark());
  ASSERT_EQ(quota_.take(1, kNoon), Leave::yes);
  EXPECT_EQ(quota_.wanted_mark(), 1501u);
}

TEST_F(QuotaTest, SmallMessagesThatGoMeanwhileDoNotStarveALargeOne) {
  begin(1000);
  ASSERT_EQ(quota_.take(100, kNoon), Leave::not_yet);
  move_mark();
  for (int i = 0; i < 5; ++i) ASSERT_EQ(quota_.take(1, kNoon), Leave::yes);  // while it waits to be asked again
  EXPECT_EQ(quota_.take(100, kNoon), Leave::yes);
}

TEST_F(QuotaTest, ASmallMessageThatAsksLaterDoesNotReplaceWhatALargeOneAskedFor) {
  begin(1000);
  ASSERT_EQ(quota_.take(100, kNoon), Leave::not_yet);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(quota_.take(1, kNoon), Leave::yes);
  ASSERT_EQ(quota_.take(1, kNoon), Leave::not_yet);
  move_mark();
  EXPECT_EQ(quota_.take(100, kNoon), Leave::yes);
}

TEST_F(QuotaTest, TheMarkNeverMovesBack) {
  begin(100);
  quota_.grant(50);
  quota_.grant(7);
  EXPECT_EQ(quota_.mark(), 50u);
}

TEST_F(QuotaTest, WhatDidNotGoIsGivenBack) {
  begin(10);
  ASSERT_EQ(take(10), Leave::yes);
  quota_.give_back(4);
  EXPECT_EQ(quota_.left(), 4u);
  EXPECT_EQ(take(4), Leave::yes);
  EXPECT_EQ(take(1), Leave::used_up);
}

TEST_F(QuotaTest, GivingBackAcrossTheEndOfAPeriodGoesNotBelowZero) {
  begin(10);
  ASSERT_EQ(take(3), Leave::yes);
  quota_.begin_period(kEnd, kEnd + hours(24), 0);
  quota_.give_back(3);
  EXPECT_EQ(quota_.used(), 0u);
}

TEST_F(QuotaTest, APeriodThatIsOverGrantsNothingUntilTheNextHasBegun) {
  begin(10);
  ASSERT_EQ(take(10), Leave::yes);
  EXPECT_EQ(quota_.ask(kEnd), Leave::not_yet);
  EXPECT_EQ(quota_.take(1, kEnd), Leave::not_yet);
  quota_.begin_period(kEnd, kEnd + hours(24), 0);
  move_mark();
  EXPECT_EQ(quota_.take(1, kEnd), Leave::yes);
  EXPECT_EQ(quota_.period_start(), kEnd);
}

TEST_F(QuotaTest, ARestartGoesOnWhereTheCountWas) {
  begin(10, 8);
  EXPECT_EQ(quota_.left(), 2u);
  EXPECT_EQ(take(3), Leave::used_up);
  EXPECT_EQ(take(2), Leave::yes);
}

TEST_F(QuotaTest, ALimitMayBeRaisedAndLowered) {
  begin(10);
  ASSERT_EQ(take(10), Leave::yes);
  quota_.set_limit(5);
  EXPECT_EQ(quota_.ask(kNoon), Leave::used_up);
  EXPECT_EQ(quota_.left(), 0u);
  EXPECT_EQ(quota_.wanted_mark(), 10u);
  quota_.set_limit(12);
  EXPECT_EQ(quota_.ask(kNoon), Leave::not_yet);
  EXPECT_EQ(take(2), Leave::yes);
  EXPECT_EQ(take(1), Leave::used_up);
}

// One thread stands for the keeper, the others for relay threads.
TEST_F(QuotaTest, ThreadsTogetherTakeExactlyTheLimit) {
  constexpr std::uint64_t kLimit = 5000;
  begin(kLimit);
  std::atomic<std::uint64_t> taken{0};
  std::atomic<int> running{3};
  std::atomic<bool> ahead{false};
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, recipients = t + 1] {
      for (Leave leave = Leave::yes; leave != Leave::used_up;) {
        leave = quota_.take(recipients, kNoon);
        if (leave == Leave::yes) taken += recipients;
        if (quota_.used() > quota_.mark()) ahead = true;
        if (leave == Leave::not_yet) std::this_thread::yield();
      }
      --running;
    });
  }
  while (running > 0) {
    move_mark();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, quota_.used());
  EXPECT_GE(taken, kLimit - 2);
  EXPECT_LE(taken, kLimit);
  EXPECT_FALSE(ahead) << "more was used than was durable";
}

}  // namespace
}  // namespace postrider::relay
