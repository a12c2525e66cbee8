// The sentence and the data that say which upstream a message goes to, and what a hot swap would move.
#include "mgmt/upstream_explain.h"

#include <gtest/gtest.h>

#include "mgmt/upstream_forecast.h"
#include "tests/unit/mgmt/upstream_fixture.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

const Time kNow = from_ms(1'700'000'000'000);

RouteQuestion question(const std::string& to = "b@example.net") {
  RouteQuestion question;
  question.envelope.sender = parse_address("a@example.com").value();
  question.recipient.address = parse_address(to).value();
  return question;
}

class Explain : public testing::Test {
 protected:
  explicit Explain(std::vector<UpstreamConfig> configs = two_upstreams()) : routes_(std::move(configs), {}) {}
  json::object explain(const RouteQuestion& about = question()) {
    return explain_json(routes_, about, Guarded::no, kNow);
  }
  std::string summary(const RouteQuestion& about = question()) {
    return std::string(explain(about).at("summary").as_string());
  }
  void open(std::size_t upstream) {
    Reason refused{Cause::route, Stage::connect, 0, "", "connection refused"};
    for (int i = 0; i < 5; ++i) routes_.at(upstream).note_route_failure(refused, kNow);
  }

  relay::Routes routes_;
};

TEST_F(Explain, TheFirstTakesItAndTheSecondIsNext) {
  EXPECT_EQ(summary(), "primary takes it (first in order); backup is asked within the same try if the first fails.");
}

TEST_F(Explain, TheNextOneWhenTheFirstIsOutOfService) {
  open(0);
  EXPECT_EQ(summary(),
            "backup takes it (those before it are out of service); no other is in service: a failed try is repeated "
            "after the retry interval.");
  const json::value first = explain().at("upstreams").at(0);
  EXPECT_EQ(first.at("why"), "out of service: connection refused");
  EXPECT_EQ(first.at("until").as_string(), format_rfc3339(kNow + std::chrono::seconds(30)));
  EXPECT_FALSE(first.at("in_service").as_bool());
}

TEST_F(Explain, NoneInServiceNamesWhoIsProbed) {
  open(0);
  open(1);
  const json::object shown = explain();
  EXPECT_TRUE(shown.at("chosen").is_null());
  EXPECT_EQ(shown.at("next").at("upstream"), "primary");
  EXPECT_TRUE(summary().starts_with("None is in service; primary is probed next")) << summary();
}

TEST_F(Explain, AllStoppedWaitsForAnOperator) {
  routes_.at(0).stop();
  routes_.at(1).stop();
  EXPECT_EQ(summary(), "all are paused by an operator: the message waits until one is resumed.");
  EXPECT_TRUE(explain().at("next").at("at").is_null());
}

TEST_F(Explain, AllPausedWaitsForTheFirstPauseToEnd) {
  const Time soon = kNow + std::chrono::minutes(5), later = kNow + std::chrono::hours(1);
  routes_.at(0).pause_until(later, kNow);
  routes_.at(1).pause_until(soon, kNow, {Cause::throttle, Stage::mail, 550, "5.4.5", "limit exceeded"});
  const json::object shown = explain();
  EXPECT_TRUE(shown.at("chosen").is_null());
  EXPECT_EQ(shown.at("next").at("upstream"), "backup");
  EXPECT_EQ(std::string(shown.at("next").at("at").as_string()), format_rfc3339(soon));
  EXPECT_EQ(summary(), "backup is paused: the message waits for the end of the pause and spends no try, until " +
                           format_rfc3339(soon) + ".");
  EXPECT_EQ(shown.at("upstreams").at(1).at("why"), "paused: it asked to slow down (limit exceeded)");
}

TEST_F(Explain, APreferredOneGoesFirst) {
  relay::Preferred preferred;
  preferred.upstream = "backup";
  preferred.by = "ops";
  routes_.preference().set(preferred);
  EXPECT_EQ(explain().at("chosen").at("upstream"), "backup");
  EXPECT_EQ(explain().at("chosen").at("why"), "preferred by an operator");
  EXPECT_EQ(explain().at("preference").at("by"), "ops");
}

TEST_F(Explain, WhoMayKnowTheMessageAlreadyIsAskedFirst) {
  RouteQuestion cut_off = question();
  cut_off.recipient.upstream = "backup";
  cut_off.recipient.reason.cause = Cause::uncertain;
  EXPECT_EQ(explain(cut_off).at("chosen").at("upstream"), "backup");
  EXPECT_EQ(explain(cut_off).at("chosen").at("why"), "asked before: it may know the message already");
}

class ExplainLimits : public Explain {
 protected:
  ExplainLimits() : Explain(limited()) {}
  static std::vector<UpstreamConfig> limited() {
    std::vector<UpstreamConfig> configs{upstream("only", 1)};
    configs[0].rate = {1, std::chrono::minutes(1)};
    configs[0].match.sender_domain = {"example.com"};
    configs[0].guard.allow_recipients = {"@example.com"};
    return configs;
  }
};

TEST_F(ExplainLimits, AFullRateIsWaitedFor) {
  ASSERT_TRUE(routes_.at(0).rate().take(kNow));
  const std::string free = format_rfc3339(routes_.at(0).rate().at(kNow));
  const json::object shown = explain();
  EXPECT_TRUE(shown.at("chosen").is_null());
  EXPECT_EQ(shown.at("next").at("upstream"), "only");
  EXPECT_EQ(std::string(shown.at("next").at("at").as_string()), free);
  EXPECT_EQ(summary(), "only has no room now: the message waits for it and spends no try, until " + free + ".");
}

TEST_F(ExplainLimits, NobodyTakesIt) {
  RouteQuestion foreign = question();
  foreign.envelope.sender = parse_address("a@example.org").value();
  EXPECT_EQ(summary(foreign), "no upstream takes it: it waits until the configuration changes.");
  EXPECT_EQ(explain(foreign).at("upstreams").at(0).at("why"), "its match does not fit: sender_domain");
}

TEST_F(ExplainLimits, AnUpstreamsOwnGuardIsShown) {
  EXPECT_TRUE(explain().at("upstreams").at(0).at("guarded").as_bool());
  EXPECT_FALSE(explain(question("b@example.com")).at("upstreams").at(0).at("guarded").as_bool());
}

TEST(Guard, RedirectsCapturesOrRefuses) {
  RouteQuestion asked = question();
  EXPECT_EQ(apply_guard({}, asked), Guarded::no);
  EXPECT_EQ(apply_guard({{"*@example.net"}, "", ""}, asked), Guarded::no);
  EXPECT_EQ(apply_guard({{"*@example.org"}, "", ""}, asked), Guarded::refused);
  EXPECT_EQ(apply_guard({{}, "", "captured"}, asked), Guarded::captured);
  EXPECT_TRUE(asked.envelope.capture_only);
  EXPECT_EQ(apply_guard({{}, "qa@example.com", ""}, asked), Guarded::redirected);
  EXPECT_EQ(asked.recipient.address.str(), "qa@example.com");
  EXPECT_EQ(asked.recipient.redirected_from, "b@example.net");
}

// ---- forecast -------------------------------------------------------------------------------------------------------

WaitingMail mail(relay::UpstreamSet set, std::array<std::uint64_t, kLanes> messages) {
  WaitingMail mail;
  mail.buckets.push_back({set, messages});
  return mail;
}

TEST(Forecast, CountsWhatHasAnotherFirstChoice) {
  relay::Routes routes(two_upstreams(), {});
  WaitingMail waiting = mail(routes.all(), {1, 20, 300});
  waiting.buckets.push_back({relay::only(0), {4, 0, 0}});  // backup may not take these
  const Forecast moves = forecast(routes, waiting, 1, {}, kNow);
  EXPECT_EQ(moves.all().waiting, 325u);
  EXPECT_EQ(moves.all().eligible, 321u);
  EXPECT_EQ(moves.all().would_move, 321u);
  EXPECT_EQ(moves.lanes[0].waiting, 5u);
  EXPECT_EQ(moves.lanes[0].would_move, 1u);
  EXPECT_EQ(forecast(routes, waiting, 0, {}, kNow).all().would_move, 0u);
}

TEST(Forecast, NothingMovesToWhatIsOutOfServiceOrPreferredAlready) {
  relay::Routes routes(two_upstreams(), {});
  relay::Preferred preferred;
  preferred.upstream = "backup";
  routes.preference().set(preferred);
  EXPECT_EQ(forecast(routes, mail(routes.all(), {0, 10, 0}), 1, {}, kNow).all().would_move, 0u);
  EXPECT_EQ(forecast(routes, mail(routes.all(), {0, 10, 0}), 0, {}, kNow).all().would_move, 10u);
  routes.at(0).stop();
  EXPECT_EQ(forecast(routes, mail(routes.all(), {0, 10, 0}), 0, {}, kNow).all().would_move, 0u);
}

TEST(Forecast, EqualsShareByWeightAlready) {
  std::vector<UpstreamConfig> equals{upstream("a", 1), upstream("b", 1)};
  equals[1].weight = 3;
  relay::Routes routes(std::move(equals), {});
  EXPECT_EQ(forecast(routes, mail(routes.all(), {0, 100, 0}), 0, {}, kNow).all().would_move, 75u);
  EXPECT_EQ(forecast(routes, mail(routes.all(), {0, 100, 0}), 1, {}, kNow).all().would_move, 25u);
}

TEST(Forecast, ACanaryMovesItsShareOrTheFirstOfTheHighLane) {
  relay::Routes routes(two_upstreams(), {});
  const WaitingMail waiting = mail(routes.all(), {10, 200, 1000});
  EXPECT_EQ(forecast(routes, waiting, 1, {5, 0}, kNow).all().would_move, 60u);
  const Forecast first = forecast(routes, waiting, 1, {0, 100}, kNow);
  EXPECT_EQ(first.lanes[0].would_move, 10u);
  EXPECT_EQ(first.lanes[1].would_move, 90u);
  EXPECT_EQ(first.lanes[2].would_move, 0u);
}

}  // namespace
}  // namespace postrider::mgmt::test
