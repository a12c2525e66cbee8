// What met a throttle waits for the pause of its upstream as all other mail does: asked again when it ends, once, or sooner where
// somebody ends it sooner.
#include <gtest/gtest.h>

#include <utility>

#include "tests/simulation/world.h"

namespace postrider::sim {
namespace {

class Throttle : public OnBothStores {
 protected:
  static WorldOptions with(std::vector<std::string> upstreams, Duration spill_after = Duration{0}) {
    WorldOptions options;
    options.store = GetParam();
    options.upstreams = std::move(upstreams);
    options.configure = [spill_after](UpstreamConfig& config) { config.spill_after = spill_after; };
    return options;
  }
  // Those named throttle for so long, as long as `throttles_`; all others take it.
  void play(World& world, std::size_t upstreams, Duration pause) {
    world.script.play = [this, &world, upstreams, pause](std::size_t upstream, const MessageRecord&, unsigned) {
      return throttles_ && upstream < upstreams ? throttled(world.time.now() + pause) : sent();
    };
  }
  bool throttles_ = true;
};
INSTANTIATE_TEST_SUITE_P(, Throttle, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

TEST_P(Throttle, TheOnlyUpstreamIsAskedAgainAtTheEndOfItsPauseAndNotBefore) {
  World world(with({"only"}));
  play(world, 1, hours(1));
  const Time start = world.time.now();
  const MessageId id = world.submit({});
  world.run_for(minutes(59));
  EXPECT_EQ(world.tries(id), std::vector<Time>{start});
  const Recipient waits = world.find(id).recipients[0];
  EXPECT_EQ(waits.state, RecipientState::deferred);
  EXPECT_EQ(waits.due, start) << "nothing but the pause holds it back";
  EXPECT_EQ(waits.tries, 0u);
  EXPECT_EQ(waits.reason.cause, Cause::throttle);

  world.run_for(hours(2));
  EXPECT_EQ(world.tries(id), (std::vector<Time>{start, start + hours(1), start + hours(2)}));
  EXPECT_EQ(world.find(id).recipients[0].tries, 0u);
  throttles_ = false;
  world.run_for(hours(1));
  EXPECT_EQ(world.tries(id).size(), 4u);
  EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(world.find(id).recipients[0].tries, 1u);
}

TEST_P(Throttle, ResumeFreesItAtOnce) {
  World world(with({"only"}));
  play(world, 1, hours(24));
  std::vector<MessageId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(world.submit({}));
  world.run_for(minutes(5));
  throttles_ = false;
  EXPECT_EQ(world.routes().at(0).last_error(), "slow down");
  ASSERT_TRUE(world.control().resume("only", "ops"));
  world.run_for(seconds(2));
  for (const MessageId& id : ids) EXPECT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Throttle, ResumeHoldsOverARestartAndSoDoesThePause) {
  World world(with({"only"}));
  play(world, 1, hours(24));
  const MessageId id = world.submit({});
  world.settle_down();
  throttles_ = false;
  world.crash();
  world.run_for(hours(1));
  EXPECT_EQ(world.tries(id).size(), 1u) << "the pause is remembered";
  EXPECT_EQ(world.routes().at(0).last_error(), "slow down");
  ASSERT_TRUE(world.control().resume("only", "ops"));
  world.crash();
  world.run_for(seconds(2));
  EXPECT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Throttle, AReloadThatBringsAnotherUpstreamFreesIt) {
  World world(with({"primary", "backup"}));
  play(world, 2, hours(1));
  const MessageId id = world.submit({});
  world.run_for(minutes(1));
  EXPECT_EQ(world.attempts(id).size(), 2u) << "both, in one try";
  ASSERT_EQ(world.state(id), RecipientState::deferred);
  world.options().upstreams.emplace_back("third");
  world.reload();
  world.run_for(seconds(2));
  EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(world.find(id).recipients[0].upstream, "third");
}

TEST_P(Throttle, OfTwoPausesTheFirstToEndFreesIt) {
  World world(with({"primary", "backup"}));
  const Time start = world.time.now();
  world.script.play = [&](std::size_t upstream, const MessageRecord&, unsigned nth) {
    return nth > 2 ? sent() : throttled(start + (upstream == 0 ? hours(2) : hours(1)));
  };
  const MessageId id = world.submit({});
  world.run_for(hours(3));
  EXPECT_EQ(world.tries(id), (std::vector<Time>{start, start, start + hours(1)}));
  EXPECT_EQ(world.find(id).recipients[0].upstream, "backup");
}

TEST_P(Throttle, APauseShorterThanSpillAfterIsWaitedForAndResumeEndsIt) {
  World world(with({"primary", "backup"}, minutes(30)));
  play(world, 1, minutes(20));
  const Time start = world.time.now();
  const MessageId id = world.submit({});
  world.run_for(minutes(19));
  EXPECT_EQ(world.tries(id), std::vector<Time>{start});
  throttles_ = false;
  world.run_for(minutes(1));
  EXPECT_EQ(world.tries(id), (std::vector<Time>{start, start + minutes(20)}));
  EXPECT_EQ(world.find(id).recipients[0].upstream, "primary");

  throttles_ = true;
  const MessageId resumed = world.submit({});
  world.run_for(minutes(1));
  throttles_ = false;
  ASSERT_TRUE(world.control().resume("primary", "ops"));
  world.run_for(seconds(2));
  EXPECT_EQ(world.find(resumed).recipients[0].upstream, "primary");
  EXPECT_EQ(world.state(resumed), RecipientState::sent);
}

TEST_P(Throttle, APauseLongerThanSpillAfterSendsItOnInTheSameTry) {
  World world(with({"primary", "backup"}, minutes(10)));
  play(world, 1, minutes(20));
  const MessageId id = world.submit({});
  world.settle_down();
  EXPECT_EQ(world.find(id).recipients[0].upstream, "backup");
  EXPECT_EQ(world.find(id).recipients[0].tries, 1u);
}

// Due at once while another one is in service and cannot take it, it would be tried without end.
TEST_P(Throttle, WhatTheNextOneCannotTakeIsNotAskedOverAndOver) {
  World world(with({"primary", "backup"}));
  const Time start = world.time.now();
  world.script.play = [&](std::size_t upstream, const MessageRecord&, unsigned) {
    if (upstream == 1) return incapable();
    return world.time.now() < start + hours(1) ? throttled(start + hours(1)) : sent();
  };
  const MessageId id = world.submit({});
  world.run_for(hours(2));
  EXPECT_EQ(world.tries(id), (std::vector<Time>{start, start, start + hours(1)}));
  EXPECT_EQ(world.state(id), RecipientState::sent);
}

class ThrottleBesideFailure : public Throttle {
 protected:
  // The primary throttles until `pause_ends`, the backup fails until `back`.
  void play(World& world, Time pause_ends, Time back) {
    world.script.play = [&world, pause_ends, back](std::size_t upstream, const MessageRecord&, unsigned) {
      const Time now = world.time.now();
      if (upstream == 1) return now < back ? route_failure() : sent();
      return now < pause_ends ? throttled(pause_ends) : sent();
    };
  }
};
INSTANTIATE_TEST_SUITE_P(, ThrottleBesideFailure, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

TEST_P(ThrottleBesideFailure, ALongPauseKeepsNobodyFromTheOneThatComesBack) {
  World world(with({"primary", "backup"}));
  const Time start = world.time.now();
  play(world, start + hours(24), start + minutes(30));
  const MessageId first = world.submit({});
  world.settle_down();
  const MessageId later = world.submit({});  // the primary is paused already
  world.run_for(minutes(29));
  EXPECT_EQ(world.attempts(first).size(), 4u) << "both, and the backup twice more";
  EXPECT_EQ(world.attempts(later).size(), 3u);
  for (const MessageId& id : {first, later}) {
    const Recipient recipient = world.find(id).recipients[0];
    EXPECT_EQ(recipient.state, RecipientState::deferred);
    EXPECT_EQ(recipient.tries, 3u);
    EXPECT_EQ(recipient.reason.cause, Cause::route);
  }
  world.run_until(start + minutes(40));
  for (const MessageId& id : {first, later}) {
    EXPECT_EQ(world.state(id), RecipientState::sent);
    EXPECT_EQ(world.find(id).recipients[0].upstream, "backup");
  }
}

TEST_P(ThrottleBesideFailure, AShortPauseIsWaitedForAndSpendsNoTry) {
  World world(with({"primary", "backup"}));
  const Time start = world.time.now();
  play(world, start + minutes(5), kNever);
  const MessageId id = world.submit({});
  world.run_for(minutes(6));
  EXPECT_EQ(world.tries(id), (std::vector<Time>{start, start, start + minutes(5)}));
  EXPECT_EQ(world.find(id).recipients[0].upstream, "primary");
  EXPECT_EQ(world.find(id).recipients[0].tries, 1u);
}

TEST_P(ThrottleBesideFailure, TheLastTryIsNotTheLastBeforeThePauseEnds) {
  World world(with({"primary", "backup"}));
  const Time start = world.time.now();
  play(world, start + hours(2), kNever);
  const MessageId id = world.submit({});
  world.run_for(minutes(119));
  EXPECT_EQ(world.state(id), RecipientState::deferred);
  EXPECT_EQ(world.attempts(id).size(), 5u) << "the primary once, the backup four times";
  world.run_until(start + hours(2));
  EXPECT_EQ(world.state(id), RecipientState::sent);
  EXPECT_EQ(world.find(id).recipients[0].upstream, "primary");
}

TEST_P(Throttle, NobodyWaitsPastMaxAge) {
  WorldOptions options = with({"only"});
  options.dispatch.retry.max_age = hours(2);
  World world(options);
  play(world, 1, hours(24));
  const Time start = world.time.now();
  const MessageId id = world.submit({});
  world.run_for(hours(3));
  const Recipient recipient = world.find(id).recipients[0];
  EXPECT_EQ(recipient.state, RecipientState::failed);
  EXPECT_EQ(recipient.reason.cause, Cause::age);
  EXPECT_EQ(recipient.reason.text, "gave up after 2h: slow down");
  EXPECT_LE(recipient.changed_at, start + hours(2) + seconds(2));
  EXPECT_EQ(world.tries(id).size(), 1u);
}

TEST_P(Throttle, ATimeToLiveEndsDuringThePause) {
  World world(with({"only"}));
  play(world, 1, hours(1));
  Letter letter;
  letter.expires_at = world.time.now() + minutes(30);
  const MessageId id = world.submit(letter);
  world.run_for(minutes(31));
  EXPECT_EQ(world.state(id), RecipientState::expired);
}

// A provider that takes one of two calls is paused; a server that throttles one of two recipients speaks of that one.
TEST_P(Throttle, OfSeveralRecipientsOnlyWhoMetItWaits) {
  for (const UpstreamType type : {UpstreamType::mailgun, UpstreamType::smtp}) {
    WorldOptions options = with({"only"});
    options.configure = [type](UpstreamConfig& config) { config.type = type; };
    World world(options);
    world.script.play = [&](std::size_t, const MessageRecord&, unsigned nth) {
      Play play = sent();
      if (nth > 1) return play;
      if (type == UpstreamType::mailgun) play.throttled_until = world.time.now() + hours(1);
      play.unlike[1] = {1, OutcomeKind::deferred, throttled().reason};
      return play;
    };
    const Time start = world.time.now();
    Letter two;
    two.to = {"a@example.net", "b@example.net"};
    const MessageId id = world.submit(two);
    world.run_for(minutes(9));
    EXPECT_EQ(world.find(id).recipients[0].state, RecipientState::sent);
    EXPECT_EQ(world.find(id).recipients[1].state, RecipientState::deferred);
    EXPECT_EQ(world.script.calls.size(), 1u);
    world.run_until(start + hours(1));
    ASSERT_EQ(world.script.calls.size(), 2u);
    EXPECT_EQ(world.script.calls[1].recipients, std::vector<std::uint32_t>{1});
    const Duration waited = world.script.calls[1].at - start;
    EXPECT_GE(waited, type == UpstreamType::mailgun ? hours(1) : minutes(10));
    EXPECT_LE(waited, type == UpstreamType::mailgun ? hours(1) : minutes(11)) << "the pause, or one retry interval";
    EXPECT_EQ(world.state(id), RecipientState::sent);
  }
}

TEST_P(Throttle, WhoWaitsForAPauseBesideOneWhoWaitsForARetryIsFreedByResume) {
  WorldOptions options = with({"a", "b"});
  options.configure = [](UpstreamConfig& config) { config.match.recipient_domain = {config.name + ".example"}; };
  World world(options);
  world.script.play = [&](std::size_t upstream, const MessageRecord&, unsigned) {
    if (upstream == 1) return world.script.calls.size() < 3 ? deferred() : sent();
    return throttles_ ? throttled(world.time.now() + hours(1)) : sent();
  };
  Letter two;
  two.to = {"one@a.example", "two@b.example"};
  const MessageId id = world.submit(two);
  world.run_for(minutes(5));
  EXPECT_EQ(world.script.calls.size(), 2u);
  throttles_ = false;
  ASSERT_TRUE(world.control().resume("a", "ops"));
  world.run_for(seconds(11));
  EXPECT_EQ(world.find(id).recipients[0].state, RecipientState::sent);
  EXPECT_EQ(world.find(id).recipients[1].state, RecipientState::deferred);
  world.run_for(minutes(6));
  EXPECT_EQ(world.state(id), RecipientState::sent);
}

// What may have been sent waits for the upstream that may know it, though another one of the same priority has room.
TEST_P(Throttle, WhatMayHaveBeenSentWaitsForItsOwnUpstream) {
  WorldOptions options = with({"primary", "twin"});
  options.configure = [](UpstreamConfig& config) {
    config.priority = 1;
    config.spill_after = minutes(5);
  };
  World world(options);
  world.script.play = [&](std::size_t, const MessageRecord&, unsigned nth) {
    if (nth == 1) return cut_after_dot();
    return nth == 2 ? throttled(world.time.now() + minutes(2)) : sent();
  };
  const MessageId id = world.submit({});
  world.run_for(minutes(12));
  ASSERT_EQ(world.script.calls.size(), 2u);
  EXPECT_EQ(world.script.calls[1].upstream, world.script.calls[0].upstream);
  world.run_for(minutes(2));
  EXPECT_EQ(world.state(id), RecipientState::sent);
}

}  // namespace
}  // namespace postrider::sim
