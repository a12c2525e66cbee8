#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/outbound/dispatch_metrics.h"
#include "tests/simulation/sim_time.h"
#include "tests/unit/relay/routes_fixture.h"

namespace postrider::relay {
namespace {

using testing::HasSubstr;
using testing::Not;

class UpstreamMetricsTest : public testing::Test {
 protected:
  UpstreamMetricsTest() {
    add_upstream_metrics(registry_, time_, [this] { return routes_; });
  }
  static UpstreamConfig limited(const std::string& name) {
    UpstreamConfig config = upstream_config(name);
    config.daily_quota = 10;
    return config;
  }
  sim::SimTime time_;
  MetricsRegistry registry_;
  std::shared_ptr<Routes> routes_ = std::make_shared<Routes>(
      std::vector<UpstreamConfig>{upstream_config("a"), limited("b")}, HealthPolicy{.open_after = 1});
};

TEST_F(UpstreamMetricsTest, CountAttemptsByUpstreamAndOutcome) {
  routes_->at(0).count_attempt(OutcomeKind::sent);
  routes_->at(0).count_attempt(OutcomeKind::sent);
  routes_->at(1).count_attempt(OutcomeKind::uncertain);
  const std::string text = registry_.render();
  EXPECT_THAT(text, HasSubstr("\npostrider_attempts_total{upstream=\"a\",outcome=\"sent\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_attempts_total{upstream=\"a\",outcome=\"deferred\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_attempts_total{upstream=\"b\",outcome=\"uncertain\"} 1\n"));
  EXPECT_EQ(registry_.total("postrider_attempts_total"), 3u);
}

TEST_F(UpstreamMetricsTest, SayWhoIsInServiceAndWhatFailed) {
  routes_->at(0).note_route_failure(kRefused, time_.now());
  routes_->at(1).pause_until({}, time_.now());
  routes_->at(1).enter();
  std::string text = registry_.render();
  EXPECT_THAT(text, HasSubstr("\npostrider_upstream_in_service{upstream=\"a\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_upstream_in_service{upstream=\"b\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_upstream_route_failures_total{upstream=\"a\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_upstream_throttles_total{upstream=\"b\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_upstream_in_flight{upstream=\"b\"} 1\n"));
  time_.pass_to(time_.now() + std::chrono::minutes(1));
  text = registry_.render();
  EXPECT_THAT(text, HasSubstr("\npostrider_upstream_in_service{upstream=\"b\"} 1\n")) << "the pause is over";
}

TEST_F(UpstreamMetricsTest, SayWhatIsLeftOfTheDaysQuota) {
  begin_day(routes_->at(1).day(), 7);
  const std::string text = registry_.render();
  EXPECT_THAT(text, HasSubstr("\npostrider_upstream_quota_left{upstream=\"a\"} -1\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_upstream_quota_left{upstream=\"b\"} 3\n"));
}

TEST_F(UpstreamMetricsTest, FollowAReload) {
  routes_ =
      std::make_shared<Routes>(std::vector<UpstreamConfig>{upstream_config("new")}, HealthPolicy{}, routes_.get());
  const std::string text = registry_.render();
  EXPECT_THAT(text, HasSubstr("{upstream=\"new\"}"));
  EXPECT_THAT(text, Not(HasSubstr("{upstream=\"a\"}")));
}

TEST(DispatchMetrics, CountWhatATryMadeOfARecipient) {
  MetricsRegistry registry;
  DispatchMetrics metrics(registry);
  for (const Trigger trigger :
       {Trigger::hand_over, Trigger::defer, Trigger::defer, Trigger::refuse, Trigger::give_up, Trigger::unclaim}) {
    metrics.settled(trigger);
  }
  metrics.in_flight(+1);
  metrics.sent(std::chrono::milliseconds(70));
  const std::string text = registry.render();
  EXPECT_THAT(text, HasSubstr("\npostrider_recipients_total{result=\"sent\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_recipients_total{result=\"deferred\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_recipients_total{result=\"bounced\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_recipients_total{result=\"failed\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_in_flight_messages 1\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_delivery_seconds_bucket{le=\"0.05\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\npostrider_delivery_seconds_bucket{le=\"0.1\"} 1\n"));
}

}  // namespace
}  // namespace postrider::relay
