// What failed by its route comes back when the route does: found by an index, within its age, in bounded steps.
#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class RevivalTest : public StoreTest {
 protected:
  static constexpr auto kAge = std::chrono::hours(24);

  MessageId failed(bool by_route = true) {
    const MessageId id = claimed();
    RecipientUpdate gave_up = update(0, Trigger::give_up);
    gave_up.route_caused = by_route;
    Settlement s = settlement(id, {gave_up});
    s.wait_bucket = 9;
    EXPECT_TRUE(settle(std::move(s)).has_value());
    return id;
  }
};

TEST_P(RevivalTest, AFailureOfTheRouteIsDueAgainWithItsAge) {
  const MessageId id = failed(), recipients_fault = failed(false), cancelled = failed();
  ASSERT_TRUE(steer(cancelled, SteerVerb::cancel).has_value());
  const Time accepted = now_;
  advance(std::chrono::hours(1));
  const Revived revived = revive(kAge);
  EXPECT_EQ(revived.messages, 1u);
  EXPECT_FALSE(revived.next.has_value());
  const MessageRecord record = find(id).value();
  const Recipient& recipient = record.recipients[0];
  EXPECT_EQ(recipient.state, RecipientState::queued);
  EXPECT_EQ(recipient.tries, 0u);
  EXPECT_EQ(recipient.age_from, accepted);
  EXPECT_EQ(recipient.due, now_);
  EXPECT_FALSE(recipient.failed_by_route);
  EXPECT_EQ(recipient.reason.text, "primary works again");
  EXPECT_EQ(record.wait_bucket, 0u);
  EXPECT_EQ(due_ids(), std::vector<MessageId>{id});
  EXPECT_EQ(history(id).back().type, EventType::revived);
  EXPECT_EQ(history(id).back().reason.text, "primary works again");
  EXPECT_EQ(state(recipients_fault), RecipientState::failed);
  EXPECT_EQ(state(cancelled), RecipientState::cancelled);
  EXPECT_EQ(claim(id).recipients, std::vector<std::uint32_t>{0});
  EXPECT_EQ(revive(kAge).messages, 0u);
}

TEST_P(RevivalTest, OnlyTheRecipientsThatTheRouteFailed) {
  const MessageId id = claimed(message({"a@example.com", "b@example.com", "c@example.com"}));
  RecipientUpdate by_route = update(0, Trigger::give_up);
  by_route.route_caused = true;
  ASSERT_TRUE(
      settle(settlement(id, {by_route, update(1, Trigger::give_up), update(2, Trigger::hand_over)})).has_value());
  EXPECT_EQ(revive(kAge).messages, 1u);
  const MessageRecord record = find(id).value();
  EXPECT_EQ(record.recipients[0].state, RecipientState::queued);
  EXPECT_EQ(record.recipients[1].state, RecipientState::failed);
  EXPECT_EQ(record.recipients[2].state, RecipientState::sent);
  EXPECT_EQ(history(id).back().recipient, 0u);
}

TEST_P(RevivalTest, WhatIsTooOldStays) {
  const MessageId old = failed();
  advance(kAge);
  const MessageId young = failed();
  EXPECT_EQ(revive(kAge).messages, 1u);
  EXPECT_EQ(state(old), RecipientState::failed);
  EXPECT_TRUE(find(old)->recipients[0].failed_by_route);
  EXPECT_EQ(state(young), RecipientState::queued);
}

TEST_P(RevivalTest, StepsGoOnBehindTheLastOneLookedAt) {
  std::vector<MessageId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(failed());
  Revived step = revive(kAge, 2);
  EXPECT_EQ(step.messages, 2u);
  EXPECT_EQ(step.next, ids[1]);
  EXPECT_EQ(state(ids[0]), RecipientState::queued) << "oldest first";
  step = revive(kAge, 2, step.next);
  EXPECT_EQ(step.next, ids[3]);
  step = revive(kAge, 2, step.next);
  EXPECT_EQ(step.messages, 1u);
  EXPECT_FALSE(step.next.has_value());
  EXPECT_EQ(due_ids().size(), 5u);
}

TEST_P(RevivalTest, OldOnesDoNotStopTheWalk) {
  for (int i = 0; i < 3; ++i) failed();
  advance(kAge);
  const MessageId young = failed();
  Revived step;
  std::uint64_t revived = 0;
  do {
    step = revive(kAge, 1, step.next);
    revived += step.messages;
  } while (step.next);
  EXPECT_EQ(revived, 1u);
  EXPECT_EQ(state(young), RecipientState::queued);
}

TEST_P(RevivalTest, NothingComesBackWithoutItsBodyOrAfterItsTime) {
  const MessageId gone = failed();
  RetirePolicy policy;
  policy.failed_bodies = std::chrono::minutes(1);
  advance(std::chrono::minutes(2));
  EXPECT_EQ(retire_all(policy, false).bodies, 1u);
  NewMessage m = message();
  m.record.envelope.expires_at = now_ + std::chrono::minutes(5);
  const MessageId over = claimed(std::move(m));
  RecipientUpdate gave_up = update(0, Trigger::give_up);
  gave_up.route_caused = true;
  ASSERT_TRUE(settle(settlement(over, {gave_up})).has_value());
  advance(std::chrono::minutes(5));
  EXPECT_EQ(revive(kAge).messages, 0u);
  EXPECT_EQ(state(gone), RecipientState::failed);
  EXPECT_EQ(state(over), RecipientState::failed);
}

TEST_P(RevivalTest, DispatchersAreToldThatSomethingIsDue) {
  failed();
  std::vector<Time> heard;
  store().on_due_changed(mailbox_, [&](Time earliest) { heard.push_back(earliest); });
  advance(std::chrono::minutes(1));
  EXPECT_EQ(revive(kAge).messages, 1u);
  mailbox_.run_until([&] { return !heard.empty(); });
  EXPECT_EQ(heard, std::vector<Time>{now_});
}

TEST_P(RevivalTest, TheIndexOutlivesAStartAndGoesWithTheMessage) {
  const MessageId id = failed();
  reopen(Ending::crash);
  EXPECT_TRUE(verify_faults().empty());
  EXPECT_EQ(revive(kAge).messages, 1u);
  ASSERT_NE(claim(id).record, nullptr);
  RecipientUpdate gave_up = update(0, Trigger::give_up);
  gave_up.route_caused = true;
  ASSERT_TRUE(settle(settlement(id, {gave_up})).has_value());
  RetirePolicy policy;
  policy.history = policy.failed_bodies = Duration(0);
  retire_all(policy, false);
  EXPECT_EQ(find(id).error().kind, FaultKind::not_found);
  EXPECT_EQ(revive(kAge).messages, 0u);
}

POSTRIDER_STORE_SUITE(RevivalTest);

}  // namespace
}  // namespace postrider::storage::conformance
