#include "relay/outbound/upstream_control.h"

#include <gtest/gtest.h>

#include "tests/simulation/sim_time.h"
#include "tests/unit/relay/routes_fixture.h"

namespace postrider::relay {
namespace {

using std::chrono::minutes;
using Kind = UpstreamNews::Kind;

class UpstreamControlTest : public testing::Test {
 protected:
  static std::vector<UpstreamConfig> configs() { return {upstream_config("a", 1), upstream_config("b", 2)}; }
  Upstream& a() { return routes_->at(0); }

  sim::SimTime time_;
  Noticeboard board_;
  std::vector<UpstreamNews> news_;
  std::shared_ptr<Routes> routes_ = std::make_shared<Routes>(configs(), HealthPolicy{});
  UpstreamControl control_{{time_, board_, [this](UpstreamNews news) { news_.push_back(std::move(news)); }, {}},
                           routes_};
};

TEST_F(UpstreamControlTest, PausesAndResumesInTheNameOfWhoAsked) {
  ASSERT_TRUE(control_.pause("a", "alice"));
  EXPECT_TRUE(a().stopped());
  ASSERT_TRUE(control_.resume("a", "bob"));
  EXPECT_FALSE(a().stopped());
  ASSERT_EQ(news_.size(), 2u);
  EXPECT_EQ(news_[0].kind, Kind::stopped);
  EXPECT_EQ(news_[0].actor, "alice");
  EXPECT_EQ(news_[0].reason.cause, Cause::operator_);
  EXPECT_EQ(news_[1].kind, Kind::resumed);
  EXPECT_EQ(news_[1].actor, "bob");
}

TEST_F(UpstreamControlTest, WhatIsSoAlreadyIsAConflictAndNoNews) {
  EXPECT_EQ(control_.resume("a", "alice").error().kind, FaultKind::conflict);
  EXPECT_EQ(control_.prefer_none("alice").error().kind, FaultKind::conflict);
  ASSERT_TRUE(control_.pause("a", "alice"));
  EXPECT_EQ(control_.pause("a", "alice").error().kind, FaultKind::conflict);
  EXPECT_EQ(news_.size(), 1u);
}

TEST_F(UpstreamControlTest, ResumeEndsALearnedPause) {
  a().pause_until(time_.now() + minutes(5), time_.now());
  EXPECT_TRUE(control_.resume("a", "alice"));
  EXPECT_TRUE(a().in_service(time_.now()));
}

TEST_F(UpstreamControlTest, APauseThatIsOverCannotBeResumed) {
  a().pause_until(time_.now() + minutes(5), time_.now());
  time_.pass_to(time_.now() + minutes(6));
  EXPECT_EQ(control_.resume("a", "alice").error().kind, FaultKind::conflict);
  EXPECT_TRUE(news_.empty());
}

TEST_F(UpstreamControlTest, NobodySteersAnUpstreamThatIsNotThere) {
  EXPECT_EQ(control_.pause("c", "alice").error().kind, FaultKind::not_found);
  EXPECT_EQ(control_.resume("c", "alice").error().kind, FaultKind::not_found);
  const auto fault = control_.prefer("c", 0, 0, "alice").error();
  EXPECT_EQ(fault.kind, FaultKind::not_found);
  EXPECT_EQ(fault.text, "no upstream is called c");
}

TEST_F(UpstreamControlTest, PrefersForAllMailAShareOrANumber) {
  ASSERT_TRUE(control_.prefer("b", 5, 0, "alice"));
  EXPECT_EQ(routes_->preference().get()->percent, 5u);
  ASSERT_TRUE(control_.prefer("b", 0, 100, "alice"));
  EXPECT_EQ(routes_->preference().get()->messages, 100u);
  ASSERT_TRUE(control_.prefer("b", 0, 0, "alice"));
  EXPECT_FALSE(routes_->preference().get()->canary());
  EXPECT_EQ(routes_->preference().get()->by, "alice");
  EXPECT_EQ(routes_->preference().get()->since, time_.now());
  ASSERT_EQ(news_.size(), 3u);
  EXPECT_EQ(news_[0].reason.text, "preferred for 5% of mail");
  EXPECT_EQ(news_[1].reason.text, "preferred for the next 100 messages");
  EXPECT_EQ(news_[2].reason.text, "preferred for all mail");
}

TEST_F(UpstreamControlTest, ACanaryWouldTakeAWholePreferenceWithItWhenItGoesBack) {
  ASSERT_TRUE(control_.prefer("a", 0, 0, "alice"));
  const auto fault = control_.prefer("b", 5, 0, "alice").error();
  EXPECT_EQ(fault.kind, FaultKind::conflict);
  EXPECT_EQ(fault.text, "upstream a is preferred for all mail: take that back first");
  EXPECT_EQ(routes_->preference().get()->upstream, "a");
}

TEST_F(UpstreamControlTest, ACanaryThatIsNoneIsRefused) {
  EXPECT_EQ(control_.prefer("b", 100, 0, "alice").error().kind, FaultKind::invalid);
  EXPECT_EQ(control_.prefer("b", 5, 100, "alice").error().kind, FaultKind::invalid);
  EXPECT_FALSE(routes_->preference().get());
}

TEST_F(UpstreamControlTest, GoesBackToTheConfiguredOrder) {
  ASSERT_TRUE(control_.prefer("b", 0, 0, "alice"));
  ASSERT_TRUE(control_.prefer_none("bob"));
  EXPECT_FALSE(routes_->preference().get());
  EXPECT_EQ(news_.back().kind, Kind::rolled_back);
  EXPECT_EQ(news_.back().upstream, "b");
  EXPECT_EQ(news_.back().actor, "bob");
}

TEST_F(UpstreamControlTest, SteersWhatTheLastReloadMade) {
  const auto after =
      std::make_shared<Routes>(std::vector<UpstreamConfig>{upstream_config("new")}, HealthPolicy{}, routes_.get());
  control_.use(after);
  EXPECT_TRUE(control_.pause("new", "alice"));
  EXPECT_EQ(control_.pause("a", "alice").error().kind, FaultKind::not_found);
}

}  // namespace
}  // namespace postrider::relay
