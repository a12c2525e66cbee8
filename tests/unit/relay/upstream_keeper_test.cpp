#include "relay/outbound/upstream_keeper.h"

#include <algorithm>

#include "tests/unit/relay/upstream_house_fixture.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Kind = UpstreamNews::Kind;
using Leave = Quota::Leave;
using States = std::vector<storage::UpstreamState>;

UpstreamConfig limited(const std::string& name, std::uint64_t daily, std::uint64_t monthly = 0) {
  UpstreamConfig config = upstream_config(name);
  config.daily_quota = daily;
  config.monthly_quota = monthly;
  return config;
}

class UpstreamKeeperTest : public HouseTest {
 protected:
  UpstreamKeeperTest() { time_.set_wall(parse_rfc3339("2026-11-22T12:00:00Z").value()); }
  ~UpstreamKeeperTest() override {
    if (keeper_) run(keeper_->drain());
  }

  // A process begins: it finds what the one before left.
  void start(std::vector<UpstreamConfig> configs) {
    routes_ = std::make_shared<Routes>(std::move(configs), HealthPolicy{.open_after = 1});
    States states = kept();
    restore_upstreams(*routes_, states, time_.now());
    KeeperParts parts{loop_,
                      time_,
                      time_,
                      *store_,
                      board_,
                      log_,
                      [this](const std::string& upstream) {
                        works_again_.push_back(upstream); }};
    keeper_ = std::make_unique<UpstreamKeeper>(std::move(parts), routes_, std::move(states));
    keeper_->start();
    run();
  }
  void end() {
    run(keeper_->drain());
    keeper_.reset();
  }
  // As kill -9.
  void crash() {
    keeper_.reset();
    store_ = store_->reopen(time_.now());
  }
  void reload(std::vector<UpstreamConfig> configs) {
    routes_ = std::make_shared<Routes>(std::move(configs), HealthPolicy{.open_after = 1}, routes_.get());
    keeper_->use(routes_);
    run();
  }

  void tell(const std::string& upstream, Kind kind, const Reason& reason = {}, const std::string& actor = {}) {
    keeper_->tell({upstream, kind, reason, actor});
    run();
  }
  void prefer(const std::string& upstream, std::uint32_t percent = 0) {
    Preferred preferred;
    preferred.upstream = upstream;
    preferred.percent = percent;
    preferred.by = "ops";
    routes_->preference().set(std::move(preferred));
    tell(upstream, Kind::preferred, {}, "ops");
  }
  // What a relay thread does.
  Leave take(std::uint32_t recipients, std::size_t upstream = 0) {
    const Leave leave = routes_->at(upstream).take_quota(recipients, time_.now());
    if (routes_->at(upstream).wants_mark()) tell(routes_->at(upstream).name(), Kind::quota_marked);
    return leave;
  }

  States kept() {
    return ask<States>([&](Done<States> done) { store_->upstream_states(std::move(done)); });
  }
  storage::UpstreamState kept(const std::string& name) {
    for (storage::UpstreamState& state : kept()) {
      if (state.name == name) return state;
    }
    return {};
  }
  std::vector<Event> events() {
    std::vector<Event> all = ask<std::vector<Event>>(
        [&](Done<std::vector<Event>> done) { store_->events(storage::EventQuery{}, std::move(done)); });
    std::erase_if(all, [](const Event& event) { return event.upstream.empty(); });
    return all;
  }

  Noticeboard board_;
  std::shared_ptr<Routes> routes_;
  std::unique_ptr<UpstreamKeeper> keeper_;
  std::vector<std::string> works_again_;
};

// ---- what happens to an upstream ------------------------------------------------------------------------------------

TEST_F(UpstreamKeeperTest, EveryChangeIsAnEventWithItsCause) {
  start({upstream_config("a")});
  routes_->at(0).note_route_failure(kRefused, time_.now());
  tell("a", Kind::opened, kRefused);
  const std::vector<Event> all = events();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].type, EventType::upstream_opened);
  EXPECT_EQ(all[0].upstream, "a");
  EXPECT_EQ(all[0].reason, kRefused);
  EXPECT_EQ(all[0].at, time_.now());
  EXPECT_EQ(kept("a").last_error, "connection refused");
}

TEST_F(UpstreamKeeperTest, ARestartFindsTheCircuitThePausesAndThePreference) {
  start({upstream_config("a"), upstream_config("b"), upstream_config("c")});
  routes_->at(0).note_route_failure(kRefused, time_.now());
  tell("a", Kind::opened, kRefused);
  routes_->at(1).pause_until(time_.now() + minutes(5), time_.now());
  tell("b", Kind::paused);
  routes_->at(2).stop();
  tell("c", Kind::stopped, {}, "alice");
  prefer("b", 5);
  crash();
  start({upstream_config("c"), upstream_config("b"), upstream_config("a")});
  EXPECT_TRUE(routes_->at(0).stopped());
  EXPECT_EQ(routes_->at(1).paused_until(), time_.now() + minutes(5));
  EXPECT_EQ(routes_->at(2).health(), Health::open);
  EXPECT_EQ(routes_->at(2).last_error(), "connection refused");
  ASSERT_TRUE(routes_->preference().get());
  EXPECT_EQ(routes_->preference().get()->upstream, "b");
  EXPECT_EQ(routes_->preference().get()->percent, 5u);
  EXPECT_EQ(routes_->preference().get()->by, "ops");
}

TEST_F(UpstreamKeeperTest, WhatWorksAgainIsSaidToWhoWaitsForIt) {
  start({upstream_config("a")});
  tell("a", Kind::works_again);
  tell("a", Kind::closed);
  tell("a", Kind::paused);
  EXPECT_EQ(works_again_, (std::vector<std::string>{"a", "a"}));
  EXPECT_EQ(events().size(), 2u) << "that it still works is no event";
}

TEST_F(UpstreamKeeperTest, NewsOfAnUpstreamThatIsGoneHarmNobody) {
  start({upstream_config("a")});
  tell("gone", Kind::opened, kRefused);
  EXPECT_TRUE(events().empty());
  EXPECT_TRUE(kept().empty());
}

TEST_F(UpstreamKeeperTest, NewsAfterItsEndHarmNobody) {
  start({upstream_config("a")});
  keeper_->tell({"a", Kind::closed, {}, {}});
  keeper_.reset();
  run();
  EXPECT_TRUE(events().empty());
}

TEST_F(UpstreamKeeperTest, WhatTheStoreRefusesIsKeptLater) {
  start({upstream_config("a")});
  store_->fail_writes(true);
  routes_->at(0).note_route_failure(kRefused, time_.now());
  tell("a", Kind::opened, kRefused);
  routes_->at(0).note_hand_over(time_.now());
  tell("a", Kind::closed);
  pass(seconds(5));
  EXPECT_TRUE(events().empty());
  store_->fail_writes(false);
  pass(seconds(1));
  const std::vector<Event> all = events();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].type, EventType::upstream_opened);
  EXPECT_EQ(all[1].type, EventType::upstream_closed);
  EXPECT_EQ(time_.next_alarm(), kNever);
}

// ---- the preference -------------------------------------------------------------------------------------------------

TEST_F(UpstreamKeeperTest, OneUpstreamIsPreferredAtATime) {
  start({upstream_config("a"), upstream_config("b")});
  prefer("b");
  prefer("a");
  EXPECT_TRUE(kept("a").preferred);
  EXPECT_FALSE(kept("b").preferred);
}

TEST_F(UpstreamKeeperTest, APreferenceForOneThatAReloadTookAwayDoesNotComeBackWithIt) {
  start({upstream_config("a"), upstream_config("z")});
  prefer("z");
  reload({upstream_config("a")});
  prefer("a");
  crash();
  start({upstream_config("a"), upstream_config("z")});
  EXPECT_EQ(routes_->preference().get()->upstream, "a");
}

TEST_F(UpstreamKeeperTest, APreferenceThatWasTakenBackAfterItsUpstreamWentStaysSo) {
  start({upstream_config("a"), upstream_config("z")});
  prefer("z");
  reload({upstream_config("a")});
  routes_->preference().clear();
  tell("z", Kind::rolled_back, {}, "ops");
  crash();
  start({upstream_config("a"), upstream_config("z")});
  EXPECT_FALSE(routes_->preference().get());
}

// ---- quotas ---------------------------------------------------------------------------------------------------------

TEST_F(UpstreamKeeperTest, GrantsExactlyTheQuotaOfADay) {
  start({limited("a", 10)});
  for (int i = 0; i < 10; ++i) ASSERT_EQ(take(1), Leave::yes) << i;
  EXPECT_EQ(take(1), Leave::used_up);
  EXPECT_EQ(kept("a").day_count, 10u);
}

TEST_F(UpstreamKeeperTest, TheDayIsNewAtMidnightOfItsZone) {
  UpstreamConfig berlin = limited("b", 10);
  berlin.quota_time_zone = "Europe/Berlin";
  start({limited("a", 10), berlin});
  take(10);  // asks for as many
  ASSERT_EQ(take(10), Leave::yes);
  take(10, 1);
  ASSERT_EQ(take(10, 1), Leave::yes);
  EXPECT_EQ(take(1), Leave::used_up);
  EXPECT_EQ(routes_->at(0).quota_renewed(time_.now()), parse_rfc3339("2026-11-23T00:00:00Z"));
  pass(hours(11));
  EXPECT_EQ(take(1), Leave::used_up);
  EXPECT_EQ(take(1, 1), Leave::yes) << "it is midnight in Berlin";
  pass(hours(1));
  EXPECT_EQ(take(1), Leave::yes);
  EXPECT_EQ(routes_->at(0).day().used(), 1u);
}

TEST_F(UpstreamKeeperTest, TheMonthGoesOnWhenTheDayIsNew) {
  start({limited("a", 10, 15)});
  take(10);
  take(10);
  ASSERT_EQ(take(10), Leave::yes);
  pass(hours(12));
  take(5);
  take(5);
  take(5);
  EXPECT_EQ(routes_->at(0).month().used(), 15u);
  EXPECT_EQ(take(1), Leave::used_up);
  EXPECT_EQ(routes_->at(0).quota_renewed(time_.now()), parse_rfc3339("2026-12-01T00:00:00Z"));
  pass(hours(24 * 8));
  EXPECT_EQ(take(1), Leave::yes);
}

TEST_F(UpstreamKeeperTest, AStopLosesNoLeave) {
  start({limited("a", 1000)});
  for (int i = 0; i < 123; ++i) ASSERT_EQ(take(1), Leave::yes);
  end();
  start({limited("a", 1000)});
  EXPECT_EQ(routes_->at(0).day().used(), 123u);
}

TEST_F(UpstreamKeeperTest, ACrashMayLoseLeaveButNoCount) {
  start({limited("a", 1000)});
  for (int i = 0; i < 123; ++i) ASSERT_EQ(take(1), Leave::yes);
  crash();
  start({limited("a", 1000)});
  EXPECT_GE(routes_->at(0).day().used(), 123u);
  EXPECT_LE(routes_->at(0).day().used(), 123u + 10u);
}

TEST_F(UpstreamKeeperTest, ARestartOnAnotherDayBeginsAnew) {
  start({limited("a", 10, 100)});
  take(10);
  take(10);
  ASSERT_EQ(take(10), Leave::yes);
  end();
  time_.pass_to(time_.now() + hours(24));
  start({limited("a", 10, 100)});
  EXPECT_EQ(routes_->at(0).day().used(), 0u);
  EXPECT_EQ(routes_->at(0).month().used(), 10u);
}

TEST_F(UpstreamKeeperTest, AMarkThatTheStoreRefusedIsMovedLater) {
  start({limited("a", 10)});
  store_->fail_writes(true);
  ASSERT_EQ(take(1), Leave::yes);
  EXPECT_EQ(routes_->at(0).quota(time_.now()), Leave::not_yet) << "and so nobody takes, and nobody asks";
  pass(seconds(5));
  store_->fail_writes(false);
  pass(seconds(1));
  EXPECT_EQ(take(1), Leave::yes);
}

TEST_F(UpstreamKeeperTest, AReloadMayGiveAndRaiseAQuota) {
  start({upstream_config("a")});
  EXPECT_EQ(take(1000), Leave::yes);
  reload({limited("a", 1)});
  EXPECT_EQ(take(1), Leave::yes);
  EXPECT_EQ(take(1), Leave::used_up);
  reload({limited("a", 2)});
  EXPECT_EQ(take(1), Leave::yes);
  EXPECT_EQ(take(1), Leave::used_up);
}

TEST_F(UpstreamKeeperTest, AnUpstreamThatComesBackWithAReloadHasUsedWhatItHad) {
  start({limited("a", 10), upstream_config("b")});
  take(10);
  ASSERT_EQ(take(10), Leave::yes);
  reload({upstream_config("b")});
  reload({limited("a", 10), upstream_config("b")});
  EXPECT_EQ(take(1), Leave::used_up);
}

}  // namespace
}  // namespace postrider::relay
