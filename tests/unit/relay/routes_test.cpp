#include "relay/outbound/routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Time kNow = from_ms(1'800'000'000'000);
const Reason kRefused{Cause::route, Stage::connect, 0, "", "connection refused"};

UpstreamConfig upstream(const std::string& name, std::uint32_t priority, std::uint32_t weight = 1) {
  UpstreamConfig config;
  config.name = name;
  config.priority = priority;
  config.weight = weight;
  return config;
}

std::vector<std::string> order(const Routes& routes, const Recipient& recipient = {}, Time now = kNow) {
  std::vector<std::string> names;
  for (const Candidate& c : routes.decide(Envelope{}, recipient, now).in_service) {
    names.push_back(routes.at(c.upstream).config().name);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(Routes, NeedAnUpstream) {
  EXPECT_THROW(Routes({}, {}), std::invalid_argument);
}

TEST(Routes, GoByPriorityNotByPlace) {
  const Routes routes({upstream("third", 3), upstream("first", 1), upstream("second", 2)}, {});
  EXPECT_EQ(order(routes), (Names{"first", "second", "third"}));
}

TEST(Routes, EqualPrioritiesShareByWeight) {
  const Routes routes({upstream("big", 1, 3), upstream("small", 1, 1), upstream("backup", 2)}, {});
  int big = 0, small = 0;
  for (int i = 0; i < 400; ++i) {
    const Names names = order(routes);
    ASSERT_EQ(names.size(), 3u);
    EXPECT_EQ(names.back(), "backup");
    big += names.front() == "big" ? 1 : 0;
    small += names.front() == "small" ? 1 : 0;
  }
  EXPECT_EQ(big, 300);
  EXPECT_EQ(small, 100);
}

TEST(Routes, LeaveOutWhatIsPausedOrOpen) {
  Routes routes({upstream("a", 1), upstream("b", 2), upstream("c", 3)}, {.open_after = 1});
  routes.at(0).pause_until(kNow + minutes(5), kNow);
  routes.at(1).note_route_failure(kRefused, kNow);
  EXPECT_EQ(order(routes), (Names{"c"}));
  EXPECT_EQ(order(routes, {}, kNow + minutes(5)), (Names{"a", "c"}));
}

TEST(Routes, AskTheSameUpstreamFirstAfterAnUncertainHandOver) {
  const Routes routes({upstream("a", 1), upstream("b", 2)}, {});
  Recipient recipient;
  recipient.upstream = "b";
  EXPECT_EQ(order(routes, recipient), (Names{"a", "b"}));
  for (const Cause cause : {Cause::uncertain, Cause::interrupted}) {
    recipient.reason.cause = cause;
    EXPECT_EQ(order(routes, recipient), (Names{"b", "a"}));
  }
  recipient.upstream = "gone from the configuration";
  EXPECT_EQ(order(routes, recipient), (Names{"a", "b"}));
}

TEST(Routes, PreferToProbeWhoIsNotPaused) {
  Routes routes({upstream("a", 1), upstream("b", 2)}, {.open_after = 1});
  routes.at(0).note_route_failure(kRefused, kNow);
  routes.at(1).note_route_failure(kRefused, kNow);
  EXPECT_EQ(routes.decide(Envelope{}, {}, kNow).preferred, 0u);
  routes.at(0).pause_until(kNow + minutes(5), kNow);
  EXPECT_EQ(routes.preferred(kNow), 1u);
  routes.at(1).pause_until(kNow + minutes(2), kNow);
  EXPECT_EQ(routes.preferred(kNow), 1u);
  EXPECT_TRUE(routes.probe_order(kNow).empty());
}

TEST(Upstream, OpensAfterConsecutiveRouteFailuresOnly) {
  Upstream one(upstream("a", 1), {.open_after = 3});
  EXPECT_FALSE(one.note_route_failure(kRefused, kNow));
  EXPECT_FALSE(one.note_route_failure(kRefused, kNow));
  one.note_answer();  // it refused a recipient: it works
  EXPECT_FALSE(one.note_route_failure(kRefused, kNow));
  EXPECT_FALSE(one.note_route_failure(kRefused, kNow));
  EXPECT_TRUE(one.in_service(kNow));
  EXPECT_TRUE(one.note_route_failure(kRefused, kNow));
  EXPECT_EQ(one.health(), Health::open);
  EXPECT_EQ(one.last_error(), "connection refused");
  EXPECT_FALSE(one.note_route_failure(kRefused, kNow));  // told once
}

TEST(Upstream, ClosesByRealHandOversOnly) {
  Upstream one(upstream("a", 1), {.open_after = 1, .recover_after = 2});
  one.note_route_failure(kRefused, kNow);
  one.note_answer();
  EXPECT_EQ(one.health(), Health::open);
  EXPECT_FALSE(one.note_hand_over());
  one.note_route_failure(kRefused, kNow);  // and they must be consecutive
  EXPECT_FALSE(one.note_hand_over());
  EXPECT_TRUE(one.note_hand_over());
  EXPECT_EQ(one.health(), Health::closed);
}

TEST(Upstream, GivesOutAFewProbesAnInterval) {
  Upstream one(upstream("a", 1), {.open_after = 1, .probe_interval = seconds(30)});
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
  Upstream one(upstream("a", 1), {.open_after = 1, .probe_interval = seconds(30)});
  one.note_route_failure(kRefused, kNow);
  auto pass = one.begin_probe(1, kNow + seconds(30));
  ASSERT_TRUE(pass);
  pass->give_back();
  EXPECT_TRUE(one.begin_probe(1, kNow + seconds(30)));
}

TEST(Upstream, ProbesSurviveAClockSetBack) {
  Upstream one(upstream("a", 1), {.open_after = 1, .probe_interval = seconds(30)});
  one.note_route_failure(kRefused, kNow);
  EXPECT_TRUE(one.begin_probe(1, kNow - hours(1)));
}

TEST(Upstream, PausesAreNeverShortenedAndAtMostADay) {
  Upstream one(upstream("a", 1), {.probe_interval = seconds(30)});
  EXPECT_TRUE(one.pause_until({}, kNow));  // the peer gave no time
  EXPECT_EQ(one.paused_until(), kNow + seconds(30));
  EXPECT_FALSE(one.pause_until(kNow + seconds(10), kNow));
  EXPECT_TRUE(one.pause_until(kNow + hours(24 * 3650), kNow));
  EXPECT_EQ(one.paused_until(), kNow + hours(24));
  EXPECT_FALSE(one.in_service(kNow));
  EXPECT_TRUE(one.in_service(kNow + hours(24)));
}

}  // namespace
}  // namespace postrider::relay
