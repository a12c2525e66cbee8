// The retry rules over hours: when a message is tried, what spends a try, and where it ends.
#include <gtest/gtest.h>

#include "tests/simulation/world.h"

namespace postrider::sim {
namespace {

class Retry : public OnBothStores {
 protected:
  static WorldOptions on_this_store() {
    WorldOptions options;
    options.store = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(, Retry, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

// Retry n comes 10 minutes after the try before it, stretched by at most 5 %.
void expect_ten_minutes_apart(const std::vector<Time>& tries) {
  for (std::size_t i = 1; i < tries.size(); ++i) {
    EXPECT_GE(tries[i] - tries[i - 1], minutes(10)) << "retry " << i;
    EXPECT_LE(tries[i] - tries[i - 1], minutes(10) + seconds(30) + seconds(1)) << "retry " << i;
  }
}

TEST_P(Retry, TriesAtOnceAndThriceMoreThenParks) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return deferred(); };
  const Time start = world.time.now();
  const MessageId id = world.submit({});
  world.run_for(hours(2));

  const std::vector<Time> tries = world.tries(id);
  ASSERT_EQ(tries.size(), 4u);
  EXPECT_EQ(tries.front(), start);
  expect_ten_minutes_apart(tries);
  const MessageRecord record = world.find(id);
  EXPECT_EQ(record.state(), RecipientState::failed);
  EXPECT_EQ(record.body, BodyState::present);
  EXPECT_EQ(record.recipients[0].tries, 4u);
  EXPECT_EQ(record.recipients[0].reason.cause, Cause::retries);
  EXPECT_EQ(record.recipients[0].reason.code, 451);
}

TEST_P(Retry, SucceedsOnTheThirdTry) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) { return nth < 3 ? deferred() : sent(); };
  const MessageId id = world.submit({});
  world.run_for(hours(2));

  EXPECT_EQ(world.tries(id).size(), 3u);
  const MessageRecord record = world.find(id);
  EXPECT_EQ(record.state(), RecipientState::sent);
  EXPECT_EQ(record.recipients[0].upstream, "primary");
  EXPECT_EQ(record.recipients[0].remote_id, "Ok: queued as 1");
  EXPECT_EQ(record.body, BodyState::removed);
  EXPECT_EQ(world.attempts(id).size(), 3u);
}

TEST_P(Retry, LaterTriesReadTheBodyFromTheSpool) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) { return nth < 2 ? deferred() : sent(); };
  Letter letter;
  letter.body.clear();
  for (int line = 0; line < 30'000; ++line) letter.body += "line " + std::to_string(line) + "\r\n";
  const MessageId id = world.submit(letter);
  world.settle_down();
  EXPECT_EQ(world.script.bodies[id], letter.body);
  world.script.bodies.clear();
  world.run_for(minutes(11));
  EXPECT_EQ(world.script.bodies[id], letter.body);
}

TEST_P(Retry, FirstTryReadsStagedChunksFromTheSpoolAndTheRestFromMemory) {
  World world(on_this_store());
  Letter letter;
  letter.body.assign(8 * storage::kChunkPayload + 100, 'x');
  letter.body.replace(5 * storage::kChunkPayload, 4, "here");
  letter.staged_chunks = 6;
  const MessageId id = world.submit(letter);
  world.settle_down();
  EXPECT_EQ(world.script.bodies[id], letter.body);
  EXPECT_EQ(world.state(id), RecipientState::sent);
}

TEST_P(Retry, PermanentRefusalEndsAtOnce) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return bounced(); };
  const MessageId id = world.submit({});
  world.run_for(hours(2));

  EXPECT_EQ(world.tries(id).size(), 1u);
  const MessageRecord record = world.find(id);
  EXPECT_EQ(record.state(), RecipientState::bounced);
  EXPECT_EQ(record.recipients[0].reason.enhanced, "5.1.1");
}

TEST_P(Retry, RecipientsSettleOneByOne) {
  World world(on_this_store());
  world.script.play = [](std::size_t, const MessageRecord&, unsigned nth) {
    Play play = sent();
    if (nth > 1) return play;
    play.unlike[1] = {1, OutcomeKind::deferred, deferred().reason};
    play.unlike[2] = {2, OutcomeKind::bounced, bounced().reason};
    return play;
  };
  Letter letter;
  letter.to = {"a@example.net", "b@example.net", "c@example.net"};
  const MessageId id = world.submit(letter);
  world.settle_down();
  const MessageRecord first = world.find(id);
  EXPECT_EQ(first.recipients[0].state, RecipientState::sent);
  EXPECT_EQ(first.recipients[1].state, RecipientState::deferred);
  EXPECT_EQ(first.recipients[2].state, RecipientState::bounced);
  EXPECT_EQ(first.body, BodyState::present);

  world.run_for(minutes(11));
  EXPECT_EQ(world.find(id).recipients[1].state, RecipientState::sent);
  ASSERT_EQ(world.script.calls.size(), 2u);
  EXPECT_EQ(world.script.calls[1].recipients, std::vector<std::uint32_t>{1});
}

TEST_P(Retry, DueTimesAreHonouredWithinASecond) {
  World world(on_this_store());
  const Time start = world.time.now();
  std::vector<std::pair<MessageId, Time>> expected;
  for (const int second : {3600, 1, 90, 600, 2, 601}) {
    Letter letter;
    letter.due = start + seconds(second);
    expected.emplace_back(world.submit_for_later(letter), *letter.due);
  }
  world.run_for(hours(2));
  for (const auto& [id, due] : expected) {
    const std::vector<Time> tries = world.tries(id);
    ASSERT_EQ(tries.size(), 1u);
    EXPECT_GE(tries[0], due);
    EXPECT_LE(tries[0], due + seconds(1));
  }
}

TEST_P(Retry, ThrottleSpendsNoTryAndWaitsUntilTheTimeGiven) {
  World world(on_this_store());
  const Time until = world.time.now() + minutes(25);
  world.script.play = [&world, until](std::size_t, const MessageRecord&, unsigned) {
    return world.time.now() < until ? throttled(until) : sent();
  };
  const MessageId first = world.submit({});
  world.settle_down();
  const MessageId second = world.submit({});  // the pause holds it back as well
  world.run_for(minutes(24));
  EXPECT_EQ(world.script.calls.size(), 1u);
  EXPECT_EQ(world.find(first).recipients[0].tries, 0u);
  EXPECT_EQ(world.state(second), RecipientState::queued);

  world.run_for(minutes(1) + seconds(1));
  EXPECT_EQ(world.tries(first), (std::vector<Time>{until - minutes(25), until}));
  EXPECT_EQ(world.state(first), RecipientState::sent);
  EXPECT_EQ(world.tries(second), std::vector<Time>{until});
  EXPECT_EQ(world.state(second), RecipientState::sent);
}

TEST_P(Retry, WithoutAnEndEverythingEndsWithMaxAge) {
  WorldOptions options = on_this_store();
  options.dispatch.retry.max_age = hours(2);
  World world(options);
  const Time start = world.time.now();
  world.script.play = [](std::size_t, const MessageRecord&, unsigned) { return throttled(); };
  const MessageId id = world.submit({});
  world.run_for(hours(3));
  const MessageRecord record = world.find(id);
  EXPECT_EQ(record.state(), RecipientState::failed);
  EXPECT_EQ(record.recipients[0].reason.cause, Cause::age);
  EXPECT_LE(record.recipients[0].changed_at, start + hours(2) + minutes(1));
}

TEST_P(Retry, ThePauseOfOneUpstreamSendsMessagesToTheNext) {
  WorldOptions options = on_this_store();
  options.upstreams = {"primary", "backup"};
  World world(options);
  world.script.play = [](std::size_t upstream, const MessageRecord&, unsigned) {
    return upstream == 0 ? throttled() : sent();
  };
  const MessageId id = world.submit({});
  world.settle_down();
  const MessageRecord record = world.find(id);
  EXPECT_EQ(record.state(), RecipientState::sent);
  EXPECT_EQ(record.recipients[0].upstream, "backup");
  EXPECT_EQ(record.recipients[0].tries, 1u);
}

TEST_P(Retry, WhatOneHopCannotTakeGoesToTheNextAndBouncesOnlyWhenNoneCan) {
  WorldOptions options = on_this_store();
  options.upstreams = {"primary", "backup"};
  World world(options);
  world.script.play = [](std::size_t upstream, const MessageRecord& message, unsigned) {
    return upstream == 1 && message.envelope.sender.local == "lucky" ? sent() : incapable();
  };
  Letter lucky;
  lucky.sender = "lucky@example.com";
  const MessageId taken = world.submit(lucky);
  const MessageId refused = world.submit({});
  world.settle_down();
  EXPECT_EQ(world.state(taken), RecipientState::sent);
  const MessageRecord record = world.find(refused);
  EXPECT_EQ(record.state(), RecipientState::bounced);
  EXPECT_EQ(record.recipients[0].reason.enhanced, "5.6.3");
  EXPECT_EQ(world.attempts(refused).size(), 2u);
}

}  // namespace
}  // namespace postrider::sim
