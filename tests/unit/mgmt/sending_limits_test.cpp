// How much a key may send: within a minute that slides, and within a day of UTC, over a restart.
#include "mgmt/sending_limits.h"

#include "tests/unit/mgmt/credentials_fixture.h"

namespace postrider::mgmt::test {
namespace {

using namespace std::chrono_literals;

class SendingLimitsTest : public CredentialsTest {
 protected:
  Principal limited(std::uint32_t per_minute, std::uint32_t per_day) {
    storage::ApiKeyRecord record = key("app");
    record.per_minute = per_minute;
    record.per_day = per_day;
    add(record);
    return principal_of(*ring_.find_by_name("app"));
  }
  // Zero: there was room.
  Duration wait(const Principal& who, std::uint64_t recipients) {
    const auto refusal = limits_.take(who, recipients);
    if (!refusal) return 0ms;
    EXPECT_EQ(refusal->type, ProblemType::too_many_requests);
    return refusal->retry_after;
  }
  std::string header(const Principal& who, const std::string& name) {
    for (const auto& [n, value] : limits_.headers(who))
      if (n == "RateLimit-" + name) return value;
    return "none";
  }

  SendingLimits limits_{clock_, ring_};
};

TEST_F(SendingLimitsTest, WhoHasNoKeyOrNoLimitHasRoom) {
  EXPECT_EQ(wait(Principal(), 1'000'000), 0ms);
  const Principal who = limited(0, 0);
  EXPECT_EQ(wait(who, 1'000'000), 0ms);
  EXPECT_EQ(ring_.usage("app").today, 1'000'000u) << "what it sent is told all the same";
  EXPECT_TRUE(limits_.headers(who).empty());
  EXPECT_TRUE(limits_.headers(Principal()).empty());
}

TEST_F(SendingLimitsTest, TheMinuteSlides) {
  const Principal who = limited(10, 0);
  EXPECT_EQ(wait(who, 6), 0ms);
  clock_.at = 20s;
  EXPECT_EQ(wait(who, 4), 0ms);
  EXPECT_EQ(wait(who, 1), 40s) << "until the first six are a minute old";
  EXPECT_EQ(wait(who, 7), 60s) << "that many need the other four gone as well";
  clock_.at = 59999ms;
  EXPECT_EQ(wait(who, 1), 1s) << "at least a second, as Retry-After has no less";
  clock_.at = 60s;
  EXPECT_EQ(wait(who, 6), 0ms);
  EXPECT_EQ(wait(who, 1), 20s);
}

TEST_F(SendingLimitsTest, ARefusalTakesNothing) {
  const Principal who = limited(10, 10);
  EXPECT_EQ(wait(who, 8), 0ms);
  EXPECT_GT(wait(who, 3), 0ms);
  EXPECT_EQ(wait(who, 2), 0ms);
}

TEST_F(SendingLimitsTest, TheDayEndsAtMidnightUtc) {
  const Principal who = limited(0, 5);
  EXPECT_EQ(wait(who, 5), 0ms);
  EXPECT_EQ(wait(who, 1), 15h + 45min);
  clock_.at = 15h + 45min - 1ms;
  EXPECT_GT(wait(who, 1), 0ms);
  clock_.at = 15h + 45min;
  EXPECT_EQ(wait(who, 5), 0ms);
}

TEST_F(SendingLimitsTest, BothLimitsHold) {
  const Principal who = limited(3, 5);
  EXPECT_EQ(wait(who, 3), 0ms);
  EXPECT_EQ(wait(who, 1), 60s);
  clock_.at = 60s;
  EXPECT_EQ(wait(who, 2), 0ms);
  EXPECT_GT(wait(who, 1), 1h);
}

TEST_F(SendingLimitsTest, WhatCanNeverFitIsForbiddenAndNotPutOff) {
  const Principal who = limited(10, 100);
  const auto refusal = limits_.take(who, 11);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->type, ProblemType::forbidden);
  EXPECT_EQ(refusal->retry_after, 0ms);
}

TEST_F(SendingLimitsTest, WhatWasNotSentIsGivenBack) {
  const Principal who = limited(10, 10);
  EXPECT_EQ(wait(who, 4), 0ms);
  clock_.at = 5s;
  EXPECT_EQ(wait(who, 6), 0ms);
  limits_.give_back(who, 7);
  EXPECT_EQ(wait(who, 7), 0ms);
  EXPECT_GT(wait(who, 1), 0ms);
  limits_.give_back(who, 1000);
  EXPECT_EQ(wait(who, 10), 0ms) << "never more than was taken";
  limits_.give_back(Principal(), 1);
}

TEST_F(SendingLimitsTest, TheDaySurvivesARestart) {
  const Principal who = limited(0, 5);
  EXPECT_EQ(wait(who, 4), 0ms);
  run(ring_.stop());
  KeyRing next(loop_, *store_, log_);
  ASSERT_TRUE(run(next.load()));
  SendingLimits limits(clock_, next);
  EXPECT_TRUE(limits.take(who, 2));
  EXPECT_FALSE(limits.take(who, 1));
}

TEST_F(SendingLimitsTest, HeadersTellOfTheNearerLimit) {
  const Principal who = limited(10, 100);
  EXPECT_EQ(header(who, "Limit"), "10");
  EXPECT_EQ(header(who, "Remaining"), "10");
  EXPECT_EQ(header(who, "Reset"), "0");
  wait(who, 3);
  clock_.at = 500ms;
  EXPECT_EQ(header(who, "Remaining"), "7");
  EXPECT_EQ(header(who, "Reset"), "60") << "whole seconds, upwards";
  for (int i = 0; i < 10; ++i) {
    clock_.at += 1min;
    wait(who, i == 9 ? 4 : 10);
  }
  EXPECT_EQ(header(who, "Limit"), "100");
  EXPECT_EQ(header(who, "Remaining"), "3");
}

TEST_F(SendingLimitsTest, ARevokedKeySendsNoMore) {
  const Principal who = limited(10, 0);
  ASSERT_TRUE(run(ring_.remove("app")));
  const auto refusal = limits_.take(who, 1);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->type, ProblemType::unauthorized);
  limits_.give_back(who, 1);
  EXPECT_TRUE(limits_.headers(who).empty());
}

}  // namespace
}  // namespace postrider::mgmt::test
