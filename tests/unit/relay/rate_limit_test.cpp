#include "relay/outbound/rate_limit.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Time kNow = from_ms(1'800'000'000'000);
constexpr Duration kSlack{10};  // clocks and alarms are in milliseconds: so much too early is let through

// How many are let through by somebody who asks whenever at() says so.
int taken_in(RateLimit& limit, Duration time, Time from = kNow) {
  int taken = 0;
  for (Time now = from; now < from + time;) {
    if (limit.take(now)) {
      ++taken;
      continue;
    }
    const Time next = limit.at(now);
    if (next <= now) return -1;  // that would spin
    now = next;
  }
  return taken;
}

TEST(RateLimit, NoneIsSetAtFirst) {
  RateLimit limit;
  EXPECT_FALSE(limit.limited());
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(limit.take(kNow));
  EXPECT_EQ(limit.at(kNow), kNow);
}

TEST(RateLimit, SpacesEvenly) {
  RateLimit limit;
  limit.set({10, seconds(1)});
  EXPECT_TRUE(limit.take(kNow));
  EXPECT_FALSE(limit.take(kNow)) << "no burst";
  const Time next = limit.at(kNow);
  EXPECT_EQ(next, kNow + milliseconds(100) - kSlack);
  EXPECT_FALSE(limit.take(next - milliseconds(1)));
  EXPECT_TRUE(limit.take(next));
  EXPECT_EQ(limit.at(next), kNow + milliseconds(200) - kSlack) << "what came early moves nothing forward";
}

TEST(RateLimit, KeepsItsRateOverTime) {
  for (const Rate rate : {Rate{1, hours(24)}, Rate{7, hours(1)}, Rate{30, minutes(1)}, Rate{3, seconds(1)},
                          Rate{100, seconds(1)}, Rate{1000, seconds(1)}, Rate{5000, seconds(1)}}) {
    RateLimit limit;
    limit.set(rate);
    const int taken = taken_in(limit, rate.per * 10);
    const int wanted = static_cast<int>(rate.count) * 10;
    EXPECT_GE(taken, wanted - 1) << rate.count << " in " << rate.per.count() << " ms";
    EXPECT_LE(taken, wanted + 1 + kSlack * rate.count / rate.per) << rate.count << " in " << rate.per.count() << " ms";
  }
}

TEST(RateLimit, AnIdleTimeSavesNothingUp) {
  RateLimit limit;
  limit.set({10, seconds(1)});
  ASSERT_TRUE(limit.take(kNow));
  EXPECT_TRUE(limit.take(kNow + hours(1)));
  EXPECT_FALSE(limit.take(kNow + hours(1)));
}

TEST(RateLimit, AMessageForManyMakesOthersWaitForAllOfThem) {
  RateLimit limit;
  limit.set({10, seconds(1)});
  ASSERT_TRUE(limit.take(kNow));
  limit.charge(999, kNow);
  EXPECT_EQ(limit.at(kNow), kNow + seconds(100) - kSlack);
}

TEST(RateLimit, MoreThanADayOfItsRateIsWaitedForToo) {
  RateLimit limit;
  limit.set({100, hours(24)});
  ASSERT_TRUE(limit.take(kNow));
  limit.charge(149, kNow);
  EXPECT_FALSE(limit.take(kNow + hours(1)));
  EXPECT_EQ(limit.at(kNow + hours(1)), kNow + hours(36) - kSlack);
}

TEST(RateLimit, WhatDidNotGoIsGivenBack) {
  RateLimit limit;
  limit.set({1, seconds(1)});
  ASSERT_TRUE(limit.take(kNow));
  limit.give_back(1);
  EXPECT_TRUE(limit.take(kNow));
  EXPECT_FALSE(limit.take(kNow)) << "once";
}

TEST(RateLimit, AFasterRateNeedNotWaitForTheSlowerOneBeforeIt) {
  RateLimit limit;
  limit.set({1, hours(24)});
  ASSERT_TRUE(limit.take(kNow));
  limit.set({100, seconds(1)});
  EXPECT_TRUE(limit.take(kNow + seconds(1)));
}

TEST(RateLimit, AReloadWithoutAChangeLetsNobodyJumpTheQueue) {
  RateLimit limit;
  limit.set({1, minutes(1)});
  ASSERT_TRUE(limit.take(kNow));
  limit.set({1, minutes(1)});
  EXPECT_FALSE(limit.take(kNow + seconds(30)));
}

TEST(RateLimit, AClockSetBackMakesNobodyWaitForItToCatchUp) {
  for (const Duration back : {Duration(minutes(5)), Duration(hours(3)), Duration(hours(24 * 365))}) {
    RateLimit limit;
    limit.set({1, minutes(1)});
    ASSERT_TRUE(limit.take(kNow));
    const Time now = kNow - back;
    EXPECT_LE(limit.at(now), now + minutes(1));
    EXPECT_FALSE(limit.take(now)) << "nor is it a way round the limit";
    EXPECT_TRUE(limit.take(now + minutes(1)));
  }
}

TEST(RateLimit, ThreadsThatReadTheClockOneAfterTheOtherDisturbNobody) {
  RateLimit limit;
  limit.set({1, minutes(1)});
  ASSERT_TRUE(limit.take(kNow));
  EXPECT_FALSE(limit.take(kNow - milliseconds(500)));
  EXPECT_EQ(limit.at(kNow), kNow + minutes(1) - kSlack);
}

TEST(RateLimit, ThreadsShareOneRate) {
  RateLimit limit;
  limit.set({1000, seconds(1)});
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int ms = 0; ms < 500; ++ms) {
        for (int i = 0; i < 3; ++i) taken += limit.take(kNow + milliseconds(ms)) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(taken, 500);
  EXPECT_LE(taken, 500 + 1 + kSlack.count());
}

}  // namespace
}  // namespace postrider::relay
