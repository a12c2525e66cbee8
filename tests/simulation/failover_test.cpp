// Several upstreams: who takes over when one fails, what comes back, and what that costs the messages: nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/simulation/world.h"

namespace postrider::sim {
namespace {

class Failover : public OnBothStores {
 protected:
  static WorldOptions with(std::vector<std::string> upstreams) {
    WorldOptions options;
    options.store = GetParam();
    options.upstreams = std::move(upstreams);
    options.health.open_after = 5;
    return options;
  }
  // As many a second as asked for, for so many seconds.
  static std::vector<MessageId> load(World& world, int a_second, int for_seconds) {
    std::vector<MessageId> ids;
    for (int second = 0; second < for_seconds; ++second) {
      for (int i = 0; i < a_second; ++i) ids.push_back(world.submit({}));
      world.run_for(seconds(1));
    }
    return ids;
  }
  static std::size_t handed_over(const World& world, std::size_t upstream, Time from, Time to) {
    return static_cast<std::size_t>(std::count_if(
        world.script.calls.begin(), world.script.calls.end(),
        [&](const HandoverCall& call) { return call.upstream == upstream && call.at >= from && call.at < to; }));
  }
  static std::vector<EventType> news_of(World& world, const std::string& upstream) {
    std::vector<EventType> news;
    for (const Event& event : world.all_events()) {
      if (event.upstream == upstream) news.push_back(event.type);
    }
    return news;
  }
};
INSTANTIATE_TEST_SUITE_P(, Failover, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

TEST_P(Failover, PrimaryDiesMidLoadAndComesBack) {
  World world(with({"primary", "backup"}));
  const Time dies = world.time.now() + seconds(10), lives = dies + minutes(3);
  Time swapped{}, swapped_back{};
  world.script.play = [&](std::size_t upstream, const MessageRecord&, unsigned) {
    const Time now = world.time.now();
    const bool down = upstream == 0 && now >= dies && now < lives;
    if (upstream == 1 && swapped == Time{}) swapped = now;
    if (upstream == 0 && now >= lives && swapped_back == Time{}) swapped_back = now;
    return down ? route_failure() : sent();
  };
  const std::vector<MessageId> ids = load(world, 5, 300);
  for (const MessageId& id : ids) {
    ASSERT_EQ(world.state(id), RecipientState::sent);
    EXPECT_LE(world.attempts(id).size(), 2u);
    const auto attempts = world.attempts(id);
    EXPECT_EQ(std::count_if(attempts.begin(), attempts.end(),
                            [](const Attempt& a) { return a.outcome == OutcomeKind::sent; }),
              1);
  }
  EXPECT_LE(swapped - dies, seconds(1)) << "the first message that failed went on within the same try";
  EXPECT_LE(swapped_back - lives, seconds(31)) << "a probe an interval finds out that it works again";
  RecordProperty("swap_ms", static_cast<int>((swapped - dies).count()));
  RecordProperty("swap_back_ms", static_cast<int>((swapped_back - lives).count()));
  EXPECT_EQ(news_of(world, "primary"), (std::vector{EventType::upstream_opened, EventType::upstream_closed}));
}

TEST_P(Failover, AllDieForAnHourAndComeBack) {
  WorldOptions options = with({"primary", "backup"});
  options.revive_failed = true;
  World world(options);
  const Time dies = world.time.now() + seconds(5), lives = dies + hours(1);
  world.script.play = [&](std::size_t, const MessageRecord&, unsigned) {
    return world.time.now() >= dies && world.time.now() < lives ? route_failure() : sent();
  };
  const std::vector<MessageId> ids = load(world, 1, 400);
  world.run_until(lives);
  for (const MessageId& id : ids) ASSERT_NE(world.state(id), RecipientState::bounced);
  world.run_for(minutes(15));
  for (const MessageId& id : ids) EXPECT_EQ(world.state(id), RecipientState::sent) << id.str();
}

TEST_P(Failover, WhatFailedByTheRouteIsRevivedWhenItWorksAgain) {
  WorldOptions options = with({"only"});
  options.revive_failed = true;
  World world(options);
  bool down = true;
  world.script.play = [&](std::size_t, const MessageRecord&, unsigned) { return down ? route_failure() : sent(); };
  std::vector<MessageId> ids{world.submit({}), world.submit({})};
  world.run_for(hours(2));
  for (const MessageId& id : ids) ASSERT_EQ(world.state(id), RecipientState::failed);
  down = false;
  world.run_for(hours(1));
  for (const MessageId& id : ids) ASSERT_EQ(world.state(id), RecipientState::failed) << "nobody knows yet";
  world.submit({});
  world.run_for(minutes(2));
  for (const MessageId& id : ids) {
    EXPECT_EQ(world.state(id), RecipientState::sent);
    const auto history = world.history(id);
    EXPECT_TRUE(
        std::any_of(history.begin(), history.end(), [](const Event& e) { return e.type == EventType::revived; }));
  }
}

TEST_P(Failover, QuotaRunsOutAtNoonAndIsNewAtMidnight) {
  WorldOptions options = with({"primary", "backup"});
  options.configure = [](UpstreamConfig& config) {
    if (config.name == "primary") config.daily_quota = 100;
  };
  World world(options);
  const Time start = world.time.now();
  const std::vector<MessageId> first = load(world, 10, 15);
  for (const MessageId& id : first) {
    EXPECT_EQ(world.state(id), RecipientState::sent);
    EXPECT_EQ(world.find(id).recipients[0].tries, 1u);
  }
  EXPECT_EQ(handed_over(world, 0, start, world.time.now()), 100u);
  EXPECT_EQ(handed_over(world, 1, start, world.time.now()), 50u);
  EXPECT_EQ(world.routes().at(0).health(), relay::Health::closed) << "a quota is no failure";

  world.run_for(hours(25));
  const Time next_day = world.time.now();
  load(world, 5, 2);
  EXPECT_EQ(handed_over(world, 0, next_day, world.time.now()), 10u);
}

TEST_P(Failover, QuotaIsCountedAcrossACrash) {
  WorldOptions options = with({"primary", "backup"});
  options.configure = [](UpstreamConfig& config) {
    if (config.name == "primary") config.daily_quota = 20;
  };
  World world(options);
  const Time start = world.time.now();
  load(world, 5, 3);
  world.crash();
  load(world, 5, 3);
  EXPECT_LE(handed_over(world, 0, start, world.time.now()), 20u);
  EXPECT_GE(handed_over(world, 0, start, world.time.now()), 18u);
  EXPECT_EQ(world.script.calls.size(), 30u);
}

TEST_P(Failover, OneThatNeverAnswersTakesItsOwnSlotsOnly) {
  WorldOptions options = with({"primary", "backup"});
  options.dispatch.max_in_flight = 10;
  World world(options);
  world.script.play = [](std::size_t upstream, const MessageRecord&, unsigned) {
    return upstream == 0 ? hangs_at(Stage::greeting) : sent();
  };
  std::vector<MessageId> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(world.submit({}));
  world.run_for(minutes(2));
  const auto sent_count = std::count_if(ids.begin(), ids.end(),
                                        [&](const MessageId& id) { return world.state(id) == RecipientState::sent; });
  EXPECT_EQ(sent_count, 90) << "all but those that hang";
  EXPECT_NE(world.routes().at(0).health(), relay::Health::closed);
  const std::vector<MessageId> later = load(world, 10, 5);
  for (const MessageId& id : later) EXPECT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Failover, BadCredentialsThenAReloadWithGoodOnes) {
  WorldOptions options = with({"only"});
  options.health.probe_interval = minutes(5);
  World world(options);
  bool good = false;
  world.script.play = [&](std::size_t, const MessageRecord&, unsigned) {
    Play play = route_failure();
    play.reason = {Cause::route, Stage::auth, 535, "5.7.8", "bad credentials"};
    return good ? sent() : play;
  };
  const std::vector<MessageId> ids = load(world, 2, 20);
  EXPECT_EQ(world.routes().at(0).health(), relay::Health::open);
  good = true;
  world.reload();
  world.run_for(seconds(5));
  const auto sent_count = std::count_if(ids.begin(), ids.end(),
                                        [&](const MessageId& id) { return world.state(id) == RecipientState::sent; });
  EXPECT_GE(sent_count, 30) << "what had waited went at once, not after the probe interval";
  world.run_for(minutes(11));
  for (const MessageId& id : ids) EXPECT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Failover, OneRoutesBacklogStandsInNobodysWay) {
  WorldOptions options = with({"slow", "fast"});
  options.configure = [](UpstreamConfig& config) { config.match.recipient_domain = {config.name + ".example"}; };
  options.dispatch.window = 64;
  World world(options);
  ASSERT_TRUE(world.control().pause("slow", "ops"));
  Letter slow, fast;
  slow.to = {"someone@slow.example"};
  fast.to = {"someone@fast.example"};
  std::vector<MessageId> waiting;
  for (int i = 0; i < 500; ++i) waiting.push_back(world.submit_for_later(slow));
  world.run_for(seconds(2));
  const MessageId quick = world.submit_for_later(fast);
  world.run_for(seconds(1));
  EXPECT_EQ(world.state(quick), RecipientState::sent);
  EXPECT_EQ(world.find(waiting.front()).recipients[0].tries, 0u);
  ASSERT_TRUE(world.control().resume("slow", "ops"));
  world.run_for(seconds(30));
  for (const MessageId& id : waiting) ASSERT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Failover, WhatNoUpstreamTakesWaitsAndSaysSoUntilOneDoes) {
  WorldOptions options = with({"picky"});
  std::string domain = "other.example";
  options.configure = [&domain](UpstreamConfig& config) { config.match.recipient_domain = {domain}; };
  World world(options);
  const MessageId id = world.submit({});
  world.run_for(minutes(5));
  const MessageRecord record = world.find(id);
  EXPECT_TRUE(is_live(record.state()));
  EXPECT_TRUE(world.tries(id).empty());
  domain = "example.net";
  world.reload();
  world.run_for(minutes(2));
  EXPECT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Failover, ARateMakesMailWaitAndSpendsNoTry) {
  WorldOptions options = with({"primary", "backup"});
  options.configure = [](UpstreamConfig& config) {
    if (config.name == "primary") config.rate = {10, seconds(1)};
  };
  World world(options);
  const Time start = world.time.now();
  std::vector<MessageId> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(world.submit({}));
  world.run_for(seconds(10));
  EXPECT_EQ(handed_over(world, 1, start, world.time.now()), 0u) << "without spill_after it waits";
  for (int second = 0; second < 6; ++second)
    EXPECT_LE(handed_over(world, 0, start + seconds(second), start + seconds(second + 1)), 11u);
  for (const MessageId& id : ids) {
    EXPECT_EQ(world.state(id), RecipientState::sent);
    EXPECT_EQ(world.find(id).recipients[0].tries, 1u);
  }
}

TEST_P(Failover, WhatHasWaitedForSpillAfterGoesToTheNext) {
  WorldOptions options = with({"primary", "backup"});
  options.configure = [](UpstreamConfig& config) {
    if (config.name == "primary") config.rate = {1, seconds(1)};
    if (config.name == "primary") config.spill_after = seconds(5);
  };
  World world(options);
  const Time start = world.time.now();
  for (int i = 0; i < 20; ++i) world.submit({});
  world.run_for(seconds(20));
  EXPECT_EQ(handed_over(world, 1, start, start + seconds(5)), 0u);
  EXPECT_GE(handed_over(world, 1, start + seconds(5), start + seconds(7)), 10u);
  EXPECT_EQ(world.script.calls.size(), 20u);
}

TEST_P(Failover, AShortPauseIsWaitedForAndALongOneIsNot) {
  WorldOptions options = with({"primary", "backup"});
  options.configure = [](UpstreamConfig& config) { config.spill_after = seconds(30); };
  World world(options);
  Duration pause = seconds(10);
  bool throttle = true;
  world.script.play = [&](std::size_t upstream, const MessageRecord&, unsigned) {
    return upstream == 0 && std::exchange(throttle, false) ? throttled(world.time.now() + pause) : sent();
  };
  const MessageId patient = world.submit({});
  world.run_for(seconds(15));
  EXPECT_EQ(world.state(patient), RecipientState::sent);
  EXPECT_EQ(world.find(patient).recipients[0].upstream, "primary");
  EXPECT_EQ(world.find(patient).recipients[0].tries, 1u) << "a throttle spends no try";

  pause = minutes(10);
  throttle = true;
  const MessageId hasty = world.submit({});
  world.run_for(seconds(2));
  EXPECT_EQ(world.find(hasty).recipients[0].upstream, "backup");
}

// Half of a message taken, then 429: the account is throttled, whatever became of the first half.
TEST_P(Failover, AProviderThatTakesOneCallAndThrottlesTheNextIsPaused) {
  WorldOptions options = with({"primary", "backup"});
  options.configure = [](UpstreamConfig& config) {
    config.spill_after = seconds(30);
    if (config.name == "primary") config.type = UpstreamType::mailgun;
  };
  World world(options);
  world.script.play = [&](std::size_t upstream, const MessageRecord&, unsigned) {
    Play play = sent();
    if (upstream != 0) return play;
    play.throttled_until = world.time.now() + minutes(10);
    play.unlike[1] = {1, OutcomeKind::deferred, {Cause::throttle, Stage::final_dot, 429, {}, "too many requests"}};
    return play;
  };
  Letter two;
  two.to = {"a@example.net", "b@example.net"};
  world.submit(two);
  world.run_for(seconds(2));
  const MessageId next = world.submit({});
  world.run_for(seconds(2));
  EXPECT_EQ(world.find(next).recipients[0].upstream, "backup");
  const std::vector<EventType> news = news_of(world, "primary");
  EXPECT_EQ(std::count(news.begin(), news.end(), EventType::upstream_paused), 1);
}

// ---- hot swap ---------------------------------------------------------------------------------------------------------

TEST_P(Failover, APreferredUpstreamTakesAllMailAndGivesItBack) {
  World world(with({"primary", "backup"}));
  ASSERT_TRUE(world.control().prefer("backup", 0, 0, "ops"));
  const MessageId swapped = world.submit({});
  world.run_for(seconds(1));
  EXPECT_EQ(world.find(swapped).recipients[0].upstream, "backup");
  world.crash();
  const MessageId after_restart = world.submit({});
  world.run_for(seconds(1));
  EXPECT_EQ(world.find(after_restart).recipients[0].upstream, "backup") << "a restart forgets no hot swap";
  ASSERT_TRUE(world.control().prefer_none("ops"));
  const MessageId back = world.submit({});
  world.run_for(seconds(1));
  EXPECT_EQ(world.find(back).recipients[0].upstream, "primary");
}

TEST_P(Failover, ACanaryThatDoesWorseIsRolledBack) {
  WorldOptions options = with({"primary", "canary"});
  options.health.open_after = 1000;
  options.health.open_rate = 0;
  World world(options);
  world.script.play = [n = 0](std::size_t upstream, const MessageRecord&, unsigned) mutable {
    return upstream == 1 && ++n % 2 == 0 ? route_failure() : sent();
  };
  ASSERT_TRUE(world.control().prefer("canary", 20, 0, "ops"));
  const std::vector<MessageId> ids = load(world, 10, 60);
  for (const MessageId& id : ids) EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_FALSE(world.routes().preference().get());
  EXPECT_EQ(news_of(world, "canary"), (std::vector{EventType::upstream_preferred, EventType::upstream_rolled_back}));
  const std::size_t sample = handed_over(world, 1, Time{}, world.time.now());
  EXPECT_GE(sample, relay::Preference::kSample);
  EXPECT_LE(sample, relay::Preference::kSample + 2);
}

TEST_P(Failover, ACanaryOfSoManyMessagesIsPromotedWhenTheyWentWell) {
  World world(with({"primary", "canary"}));
  ASSERT_TRUE(world.control().prefer("canary", 0, 30, "ops"));
  load(world, 10, 10);
  ASSERT_TRUE(world.routes().preference().get());
  EXPECT_FALSE(world.routes().preference().get()->canary());
  EXPECT_EQ(news_of(world, "canary"), (std::vector{EventType::upstream_preferred, EventType::upstream_promoted}));
}

// ---- what a restart knows -----------------------------------------------------------------------------------------------

TEST_P(Failover, ARestartKnowsWhoIsOutOfServiceAndWhoIsStopped) {
  WorldOptions options = with({"broken", "stopped", "good"});
  World world(options);
  world.script.play = [](std::size_t upstream, const MessageRecord&, unsigned) {
    return upstream == 0 ? route_failure() : sent();
  };
  load(world, 2, 5);
  ASSERT_TRUE(world.control().pause("stopped", "ops"));
  world.run_for(seconds(1));
  world.crash();
  EXPECT_NE(world.routes().at(0).health(), relay::Health::closed);
  EXPECT_EQ(world.routes().at(0).last_error(), "connection refused");
  EXPECT_TRUE(world.routes().at(1).stopped());
  const MessageId id = world.submit({});
  world.run_for(seconds(1));
  EXPECT_EQ(world.find(id).recipients[0].upstream, "good");
}

// ---- time to live --------------------------------------------------------------------------------------------------------

TEST_P(Failover, AMessageEndsWithItsTimeToLiveWhateverItWaitsFor) {
  WorldOptions options = with({"only"});
  options.health.open_after = 1;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return route_failure(); };
  world.submit({});
  world.run_for(seconds(1));  // the circuit is open
  Letter letter;
  letter.expires_at = world.time.now() + minutes(1);
  const MessageId waiting = world.submit(letter);
  world.run_for(seconds(59));
  EXPECT_TRUE(is_live(world.state(waiting)));
  world.run_for(seconds(2));
  EXPECT_EQ(world.state(waiting), RecipientState::expired);
}

// ---- every message accounted for ---------------------------------------------------------------------------------------

TEST(ManyMessages, FiftyThousandThroughThreeUpstreamsWithRandomFaults) {
  WorldOptions options;
  options.upstreams = {"first", "second", "third"};
  options.revive_failed = true;
  options.dispatch.retry.retries = 10;
  options.dispatchers = 2;
  World world(options);
  std::mt19937 dice(20250101);
  std::array<bool, 3> down{};
  world.script.play = [&](std::size_t upstream, const MessageRecord&, unsigned) {
    if (down[upstream]) return route_failure();
    const auto roll = dice() % 1000;
    Play play = sent(Duration(dice() % 200));
    if (roll < 20) play = route_failure();
    if (roll >= 20 && roll < 30) play = throttled();
    if (roll >= 30 && roll < 60) play = deferred();
    if (roll >= 60 && roll < 70) play = cut_after_dot();
    return play;
  };
  std::vector<MessageId> ids;
  for (int second = 0; second < 500; ++second) {
    for (std::size_t i = 0; i < down.size(); ++i) {
      if (dice() % 60 == 0) down[i] = !down[i];
    }
    for (std::uint32_t i = 0; i < 100; ++i) {
      Letter letter;
      letter.dispatcher = i % 2;
      ids.push_back(world.submit(letter));
    }
    world.run_for(seconds(1));
  }
  down = {};
  world.run_for(hours(8));
  std::map<RecipientState, int> states;
  std::size_t doubles = 0;
  for (const MessageId& id : ids) {
    ++states[world.state(id)];
    const auto attempts = world.attempts(id);
    const auto taken = std::count_if(attempts.begin(), attempts.end(),
                                     [](const Attempt& a) { return a.outcome == OutcomeKind::sent; });
    const bool uncertain = std::any_of(attempts.begin(), attempts.end(),
                                       [](const Attempt& a) { return a.outcome == OutcomeKind::uncertain; });
    ASSERT_EQ(taken, 1) << id.str();
    if (uncertain) ++doubles;
  }
  EXPECT_EQ(states[RecipientState::sent], 50'000);
  EXPECT_TRUE(world.script.twice_at_once.empty());
  RecordProperty("may_be_doubled", static_cast<int>(doubles));
}

TEST(ManyMessages, HighOvertakesABacklogOfAHundredThousandLow) {
  WorldOptions options;
  options.dispatch.max_in_flight = 20;
  World world(options);
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return sent(Duration(100)); };
  Letter low;
  low.lane = Lane::low;
  low.body = "\r\n";
  for (int i = 0; i < 100'000; ++i) world.submit_for_later(low);
  world.run_for(seconds(2));
  const std::size_t low_before = world.script.calls.size();
  Letter high;
  high.lane = Lane::high;
  std::vector<MessageId> urgent;
  const Time asked = world.time.now();
  for (int i = 0; i < 50; ++i) urgent.push_back(world.submit(high));
  world.run_for(seconds(2));
  for (const MessageId& id : urgent) {
    ASSERT_EQ(world.tries(id).size(), 1u);
    EXPECT_LE(world.tries(id)[0] - asked, seconds(2));
  }
  EXPECT_GT(world.script.calls.size(), low_before + urgent.size()) << "the low lane keeps a share";
}

}  // namespace
}  // namespace postrider::sim
