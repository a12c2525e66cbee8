#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class RetentionTest : public StoreTest {
 protected:
  // Nothing goes by itself: each test shortens what it is about.
  static RetirePolicy keep_all() {
    RetirePolicy policy;
    policy.history = policy.sent_bodies = policy.failed_bodies = std::chrono::hours(24 * 365);
    return policy;
  }
  MessageId sent_with_body() {
    const MessageId id = claimed();
    Settlement s = settlement(id, {update(0, Trigger::hand_over)});
    s.remove_sent_body = false;
    EXPECT_TRUE(settle(std::move(s)).has_value());
    return id;
  }
  bool gone(const MessageId& id) {
    const auto found = find(id);
    return !found && found.error().kind == FaultKind::not_found;
  }
};

TEST_P(RetentionTest, HistoryGoesAtItsAgeAndNotBefore) {
  RetirePolicy policy = keep_all();
  policy.history = std::chrono::hours(10);
  const MessageId first = brought_to(RecipientState::sent);
  advance(std::chrono::hours(1));
  const MessageId second = brought_to(RecipientState::bounced);
  advance(std::chrono::hours(9) - Duration(1));
  EXPECT_EQ(retire_all(policy).messages, 0u);
  advance(Duration(1));
  const Retired retired = retire_all(policy);
  EXPECT_EQ(retired.messages, 1u);
  EXPECT_GT(retired.bytes, 0u);
  EXPECT_TRUE(gone(first));
  EXPECT_FALSE(gone(second));
  EXPECT_EQ(list_all({}), std::vector<MessageId>{second});
  for (const Event& event : all_events()) EXPECT_EQ(event.message, second);
  advance(std::chrono::hours(1));
  EXPECT_EQ(retire_all(policy).messages, 1u);
  EXPECT_TRUE(all_events().empty());
  EXPECT_EQ(store().stats().finished_bytes, 0u);
}

TEST_P(RetentionTest, LiveMessagesStayHoweverOldAndGoOnceTheyFinished) {
  RetirePolicy policy;
  policy.history = policy.failed_bodies = Duration(0);
  policy.history_max_bytes = 0;
  std::vector<MessageId> live;
  for (const auto s :
       {RecipientState::queued, RecipientState::sending, RecipientState::deferred, RecipientState::held}) {
    live.push_back(brought_to(s));
  }
  const MessageId mixed = claimed(message({"a@example.com", "b@example.com"}));
  ASSERT_TRUE(settle(settlement(mixed, {update(0, Trigger::give_up), update(1, Trigger::hold)})).has_value());
  live.push_back(mixed);
  const auto events = all_events().size();
  advance(std::chrono::hours(24 * 400));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(retire_all(policy).messages, 0u);
  for (const MessageId& id : live) EXPECT_EQ(body_of(id), body_octets(100));
  EXPECT_EQ(all_events().size(), events);

  ASSERT_TRUE(settle(live[1], Trigger::hand_over).has_value());
  ASSERT_TRUE(steer(mixed, SteerVerb::cancel).has_value());
  EXPECT_EQ(retire_all(policy).messages, 2u);
  EXPECT_TRUE(gone(live[1]));
  EXPECT_TRUE(gone(mixed));
  EXPECT_FALSE(gone(live[0]));
}

TEST_P(RetentionTest, EveryStateThatIsAnEndGoesAndNoOther) {
  RetirePolicy policy;
  policy.history = policy.failed_bodies = Duration(0);
  policy.history_max_bytes = 0;
  using State = RecipientState;
  for (const State state : {State::queued, State::sending, State::deferred, State::held, State::sent, State::bounced,
                            State::failed, State::expired, State::cancelled}) {
    const MessageId id = brought_to(state);
    EXPECT_EQ(gone(id), false);
    advance(std::chrono::hours(1));
    retire_all(policy);
    EXPECT_EQ(gone(id), !is_live(state)) << to_string(state);
  }
}

TEST_P(RetentionTest, OverItsSizeTheOldestHistoryGoesFirst) {
  std::vector<MessageId> ids;
  for (int i = 0; i < 40; ++i) {
    advance(std::chrono::seconds(1));
    ids.push_back(brought_to(RecipientState::sent));
  }
  const std::uint64_t all = store().stats().finished_bytes;
  ASSERT_GT(all, 0u);
  RetirePolicy policy = keep_all();
  policy.history_max_bytes = all / 2;
  const Retired retired = retire_all(policy);
  EXPECT_LE(store().stats().finished_bytes, all / 2);
  EXPECT_GE(retired.messages, 15u);
  EXPECT_LE(retired.messages, 25u);
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(gone(ids[i]), i < retired.messages) << i;
}

TEST_P(RetentionTest, BodiesOfSentMessagesGoAtTheirAge) {
  RetirePolicy policy = keep_all();
  policy.sent_bodies = std::chrono::hours(2);
  const MessageId sent = sent_with_body(), failed = brought_to(RecipientState::failed);
  advance(std::chrono::hours(2) - Duration(1));
  EXPECT_EQ(retire_all(policy).bodies, 0u);
  advance(Duration(1));
  EXPECT_EQ(retire_all(policy).bodies, 1u);
  EXPECT_EQ(find(sent)->body, BodyState::removed);
  EXPECT_EQ(find(sent)->headers, "Subject: test\r\n");
  EXPECT_EQ(read_body(sent).error().kind, FaultKind::not_found);
  EXPECT_EQ(history(sent).back().type, EventType::body_removed);
  EXPECT_EQ(body_of(failed), body_octets(100));
}

TEST_P(RetentionTest, BodiesOfFailedMessagesGoAtTheirAge) {
  RetirePolicy policy = keep_all();
  policy.failed_bodies = std::chrono::hours(2);
  const MessageId sent = sent_with_body(), failed = brought_to(RecipientState::failed);
  advance(std::chrono::hours(2));
  EXPECT_EQ(retire_all(policy).bodies, 1u);
  EXPECT_EQ(find(failed)->body, BodyState::removed);
  EXPECT_EQ(state(failed), RecipientState::failed);
  EXPECT_EQ(body_of(sent), body_octets(100));
}

TEST_P(RetentionTest, HistoryWaitsForABodyThatIsStillKept) {
  RetirePolicy policy = keep_all();
  policy.history = std::chrono::hours(1);
  policy.failed_bodies = std::chrono::hours(3);
  const MessageId failed = brought_to(RecipientState::failed);
  advance(std::chrono::hours(2));
  retire_all(policy);
  EXPECT_EQ(body_of(failed), body_octets(100));
  ASSERT_TRUE(steer(failed, SteerVerb::retry).has_value());
  ASSERT_NE(claim(failed).record, nullptr);
  ASSERT_TRUE(settle(failed, Trigger::give_up).has_value());
  advance(std::chrono::hours(2));
  retire_all(policy);
  EXPECT_EQ(body_of(failed), body_octets(100));  // its age counts from the second failure
  advance(std::chrono::hours(1));
  retire_all(policy);
  advance(std::chrono::hours(1));
  retire_all(policy);
  EXPECT_TRUE(gone(failed));
}

TEST_P(RetentionTest, WhatCameBackToLifeStays) {
  RetirePolicy policy = keep_all();
  policy.history = policy.failed_bodies = std::chrono::hours(1);
  const MessageId id = brought_to(RecipientState::failed);
  advance(std::chrono::hours(1) - Duration(1));
  ASSERT_TRUE(steer(id, SteerVerb::release).has_value());
  advance(std::chrono::hours(5));
  EXPECT_EQ(retire_all(policy).messages, 0u);
  EXPECT_EQ(body_of(id), body_octets(100));
}

TEST_P(RetentionTest, OneStepIsBounded) {
  for (int i = 0; i < 60; ++i) brought_to(RecipientState::sent);
  advance(std::chrono::hours(1));
  RetirePolicy policy = keep_all();
  policy.history = Duration(0);
  const RetireRequest request{policy, now_, 10};
  const Retired step = answer<Retired>([&](Done<Retired> done) { store().retire(request, std::move(done)); }).value();
  EXPECT_LE(step.messages, 10u);
  EXPECT_TRUE(step.more);
  const Retired rest = retire_all(policy);
  EXPECT_EQ(step.messages + rest.messages, 60u);
}

TEST_P(RetentionTest, GoesOnAfterAReopen) {
  RetirePolicy policy = keep_all();
  policy.history = std::chrono::hours(1);
  const MessageId first = brought_to(RecipientState::sent);
  advance(std::chrono::hours(1));
  const MessageId second = brought_to(RecipientState::sent);
  retire_all(policy);
  reopen(Ending::clean);
  EXPECT_TRUE(gone(first));
  EXPECT_FALSE(gone(second));
  advance(std::chrono::hours(1));
  EXPECT_EQ(retire_all(policy).messages, 1u);
  EXPECT_TRUE(gone(second));
}

POSTRIDER_STORE_SUITE(RetentionTest);

}  // namespace
}  // namespace postrider::storage::conformance
