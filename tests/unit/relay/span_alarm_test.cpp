#include "relay/outbound/span_alarm.h"

#include <gtest/gtest.h>

#include "tests/simulation/sim_time.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TEST(SpanAlarm, NoSettingOfTheWallClockChangesTheSpan) {
  sim::SimTime time;
  SpanAlarm alarm(time, time);
  int fired = 0;
  alarm.set(minutes(10), [&fired] { ++fired; });
  time.set_wall(time.now() + hours(5));
  time.pass_to(time.now() + minutes(5));
  time.set_wall(time.now() - hours(8));
  time.pass_to(time.now() + minutes(4));
  EXPECT_EQ(fired, 0);
  time.pass_to(time.now() + minutes(1));
  EXPECT_EQ(fired, 1);
  time.pass_to(time.now() + hours(24));
  EXPECT_EQ(fired, 1);
}

TEST(SpanAlarm, IsSetAnewByItsOwnCallAndForgottenByCancel) {
  sim::SimTime time;
  SpanAlarm alarm(time, time);
  int fired = 0;
  alarm.set(minutes(1), [&] {
    ++fired;
    alarm.set(minutes(1), [&fired] { ++fired; });
  });
  time.pass_to(time.now() + minutes(1));
  EXPECT_EQ(fired, 1);
  alarm.cancel();
  time.pass_to(time.now() + hours(1));
  EXPECT_EQ(fired, 1);
}

}  // namespace
}  // namespace postrider::relay
