#include "relay/outbound/stall_watch.h"

#include <gtest/gtest.h>

#include "tests/simulation/sim_time.h"
#include "tests/unit/relay/routes_fixture.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class StallWatchTest : public testing::Test {
 protected:
  std::unique_ptr<StallWatch::Attempt> begin(const std::shared_ptr<Upstream>& upstream) {
    return std::make_unique<StallWatch::Attempt>(watch_, upstream);
  }
  void pass(Duration time) { time_.pass_to(time_.now() + time); }

  sim::SimTime time_;
  std::shared_ptr<Upstream> a_ = std::make_shared<Upstream>(upstream_config("a"), HealthPolicy{});
  std::shared_ptr<Upstream> b_ = std::make_shared<Upstream>(upstream_config("b"), HealthPolicy{});
  std::vector<std::string> said_;
  StallWatch watch_{time_, time_, [this](Upstream& upstream) {
                      said_.push_back(upstream.name());
                      upstream.note_stalled(time_.now());
                    }};
};

TEST_F(StallWatchTest, SaysOnceOfEachAttemptThatIsUnderWayForTooLong) {
  const auto first = begin(a_);
  pass(seconds(30));
  const auto second = begin(b_);
  pass(seconds(30) - Duration{1});
  EXPECT_TRUE(said_.empty());
  pass(Duration{1});
  EXPECT_EQ(said_, std::vector<std::string>{"a"});
  pass(seconds(30));
  EXPECT_EQ(said_, (std::vector<std::string>{"a", "b"}));
  pass(hours(1));
  EXPECT_EQ(said_.size(), 2u);
}

TEST_F(StallWatchTest, SaysNothingOfAttemptsThatEndInTime) {
  auto first = begin(a_);
  const auto second = begin(a_);
  pass(seconds(59));
  first.reset();
  pass(seconds(1));
  EXPECT_EQ(said_.size(), 1u);
  EXPECT_EQ(a_->stalled(), 1u);
}

TEST_F(StallWatchTest, OneThatBeginsAfterAllHaveEndedIsWatchedToo) {
  begin(a_).reset();
  pass(seconds(50));
  const auto later = begin(a_);
  pass(seconds(59));
  EXPECT_TRUE(said_.empty());
  pass(seconds(1));
  EXPECT_EQ(said_.size(), 1u);
}

TEST_F(StallWatchTest, AStalledAttemptThatEndsIsNoMoreStalled) {
  auto attempt = begin(a_);
  EXPECT_EQ(a_->in_flight(), 1u);
  pass(minutes(1));
  EXPECT_EQ(a_->stalled(), 1u);
  attempt.reset();
  EXPECT_EQ(a_->stalled(), 0u);
  EXPECT_EQ(a_->in_flight(), 0u);
}

TEST_F(StallWatchTest, AClockSetForwardMakesNobodyStall) {
  const auto attempt = begin(a_);
  pass(seconds(10));
  time_.set_wall(time_.now() + hours(5));
  EXPECT_TRUE(said_.empty());
  pass(seconds(50));
  EXPECT_EQ(said_.size(), 1u);
}

TEST_F(StallWatchTest, AClockSetBackHidesNoStall) {
  const auto attempt = begin(a_);
  time_.set_wall(time_.now() - hours(5));
  const auto next = begin(a_);
  pass(minutes(1));
  EXPECT_EQ(said_.size(), 2u);
}

}  // namespace
}  // namespace postrider::relay
