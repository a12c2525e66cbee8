#include <algorithm>

#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

using S = RecipientState;

class SteerTest : public StoreTest {};

struct Row {
  SteerVerb verb;
  S from;
  std::optional<S> to;  // nothing: conflict
  EventType event = EventType::accepted;
};

// Every verb on every state that the store's own verbs can bring about; `sending` has tests of its own.
const Row kRows[] = {
    {SteerVerb::retry, S::queued, S::queued, EventType::retried},
    {SteerVerb::retry, S::deferred, S::queued, EventType::retried},
    {SteerVerb::retry, S::held, S::queued, EventType::retried},
    {SteerVerb::retry, S::failed, S::queued, EventType::retried},
    {SteerVerb::retry, S::sent, {}},
    {SteerVerb::retry, S::bounced, {}},
    {SteerVerb::retry, S::cancelled, {}},
    {SteerVerb::release, S::queued, {}},
    {SteerVerb::release, S::deferred, {}},
    {SteerVerb::release, S::held, S::queued, EventType::released},
    {SteerVerb::release, S::failed, S::queued, EventType::released},
    {SteerVerb::release, S::sent, {}},
    {SteerVerb::release, S::bounced, {}},
    {SteerVerb::release, S::cancelled, {}},
    {SteerVerb::hold, S::queued, S::held, EventType::held},
    {SteerVerb::hold, S::deferred, S::held, EventType::held},
    {SteerVerb::hold, S::held, {}},
    {SteerVerb::hold, S::failed, {}},
    {SteerVerb::hold, S::sent, {}},
    {SteerVerb::hold, S::bounced, {}},
    {SteerVerb::hold, S::cancelled, {}},
    {SteerVerb::cancel, S::queued, S::cancelled, EventType::cancelled},
    {SteerVerb::cancel, S::deferred, S::cancelled, EventType::cancelled},
    {SteerVerb::cancel, S::held, S::cancelled, EventType::cancelled},
    {SteerVerb::cancel, S::failed, S::cancelled, EventType::cancelled},
    {SteerVerb::cancel, S::sent, {}},
    {SteerVerb::cancel, S::bounced, {}},
    {SteerVerb::cancel, S::cancelled, {}},
};

TEST_P(SteerTest, EveryVerbOnEveryState) {
  for (const Row& row : kRows) {
    SCOPED_TRACE("verb " + std::to_string(static_cast<int>(row.verb)) + " on " + std::string(to_string(row.from)));
    const MessageId id = brought_to(row.from);
    const auto before = history(id).size();
    advance(std::chrono::seconds(1));
    const auto steered = steer(id, row.verb);
    if (!row.to) {
      ASSERT_FALSE(steered.has_value());
      EXPECT_EQ(steered.error().kind, FaultKind::conflict);
      EXPECT_NE(steered.error().text.find(to_string(row.from)), std::string::npos);
      EXPECT_EQ(state(id), row.from);
      EXPECT_EQ(history(id).size(), before);
      continue;
    }
    ASSERT_TRUE(steered.has_value());
    EXPECT_EQ(steered->changed, 1u);
    EXPECT_EQ(steered->record->state(), *row.to);
    const MessageRecord record = find(id).value();
    EXPECT_EQ(record.state(), *row.to);
    EXPECT_EQ(record.recipients[0].reason.cause, Cause::operator_);
    const auto events = history(id);
    ASSERT_EQ(events.size(), before + 1);
    EXPECT_EQ(events.back().type, row.event);
    EXPECT_EQ(events.back().actor, "alice");
    const auto waiting = due_ids();
    EXPECT_EQ(std::count(waiting.begin(), waiting.end(), id), *row.to == S::queued ? 1 : 0);
    if (*row.to == S::queued) {
      EXPECT_EQ(record.due(), now_);
      EXPECT_EQ(record.recipients[0].tries, 0u);
      EXPECT_EQ(record.recipients[0].age_from, now_);
    }
  }
}

TEST_P(SteerTest, AReleaseLeavesAScheduledMessageItsTime) {
  NewMessage scheduled = message({"a@example.com", "b@example.com"});
  const Time send_at = now_ + std::chrono::hours(2);
  for (Recipient& recipient : scheduled.record.recipients) recipient.due = recipient.age_from = send_at;
  const MessageId id = stored(std::move(scheduled));
  ASSERT_TRUE(steer(id, SteerVerb::hold).has_value());
  EXPECT_EQ(find(id)->due(), kNever);
  advance(std::chrono::hours(1));
  ASSERT_TRUE(steer(id, SteerVerb::release).has_value());
  const auto released = find(id);
  for (const Recipient& recipient : released->recipients) {
    EXPECT_EQ(recipient.state, S::queued);
    EXPECT_EQ(recipient.due, send_at);
    EXPECT_EQ(recipient.age_from, send_at);
  }
  EXPECT_FALSE(claim(id).record) << "it waits for its time";

  ASSERT_TRUE(steer(id, SteerVerb::hold).has_value());
  ASSERT_TRUE(steer(id, SteerVerb::retry, 1).has_value());
  EXPECT_EQ(find(id)->recipients[1].due, now_);
  advance(std::chrono::hours(2));
  ASSERT_TRUE(steer(id, SteerVerb::release, 0).has_value());
  EXPECT_EQ(find(id)->recipients[0].due, now_) << "its time is past";
}

TEST_P(SteerTest, AReleaseOfWhatWasTriedIsDueNowWhateverItWaitedFor) {
  const MessageId id = claimed(message());
  ASSERT_TRUE(settle(settlement(id, {update(0, Trigger::defer, now_ + std::chrono::hours(1))})).has_value());
  ASSERT_TRUE(steer(id, SteerVerb::hold).has_value());
  advance(std::chrono::minutes(1));
  ASSERT_TRUE(steer(id, SteerVerb::release).has_value());
  EXPECT_EQ(find(id)->due(), now_);
  EXPECT_EQ(find(id)->recipients[0].age_from, now_);
}

TEST_P(SteerTest, RetryAndReleaseConflictWhileSending) {
  const MessageId id = brought_to(S::sending);
  for (const SteerVerb verb : {SteerVerb::retry, SteerVerb::release}) {
    const auto steered = steer(id, verb);
    ASSERT_FALSE(steered.has_value());
    EXPECT_EQ(steered.error().kind, FaultKind::conflict);
    EXPECT_NE(steered.error().text.find("sending"), std::string::npos);
  }
  EXPECT_EQ(settle(id, Trigger::hand_over)->state, S::sent);
}

TEST_P(SteerTest, ACancelAskedTwiceIsAnsweredAlikeAndSaidOnce) {
  const MessageId id = brought_to(S::sending);
  EXPECT_EQ(steer(id, SteerVerb::cancel)->changed, 1u);
  EXPECT_EQ(steer(id, SteerVerb::cancel)->changed, 1u);
  EXPECT_EQ(types(history(id)), (std::vector<EventType>{EventType::accepted, EventType::cancel_requested}));
}

TEST_P(SteerTest, WithoutARecipientThoseItAppliesToChange) {
  const MessageId id = claimed(message({"a@example.com", "b@example.com", "c@example.com"}));
  ASSERT_TRUE(settle(settlement(id, {update(0, Trigger::hand_over), update(1, Trigger::defer, now_),
                                     update(2, Trigger::give_up)}))
                  .has_value());
  const auto steered = steer(id, SteerVerb::cancel);
  ASSERT_TRUE(steered.has_value());
  EXPECT_EQ(steered->changed, 2u);
  const MessageRecord record = find(id).value();
  EXPECT_EQ(record.recipients[0].state, S::sent);
  EXPECT_EQ(record.recipients[1].state, S::cancelled);
  EXPECT_EQ(record.recipients[2].state, S::cancelled);
  EXPECT_FALSE(steer(id, SteerVerb::cancel).has_value());
}

TEST_P(SteerTest, WithARecipientOnlyThatOneChanges) {
  const MessageId id = stored(message({"a@example.com", "b@example.com"}));
  EXPECT_EQ(steer(id, SteerVerb::hold, 1)->changed, 1u);
  EXPECT_EQ(find(id)->recipients[0].state, S::queued);
  EXPECT_EQ(find(id)->recipients[1].state, S::held);
  EXPECT_EQ(history(id).back().recipient, 1u);
  const auto again = steer(id, SteerVerb::hold, 1);
  ASSERT_FALSE(again.has_value());
  EXPECT_NE(again.error().text.find("held"), std::string::npos);
  EXPECT_EQ(steer(id, SteerVerb::hold, 2).error().kind, FaultKind::not_found);
}

TEST_P(SteerTest, AllAlikeIsOneEvent) {
  const MessageId id = stored(message({"a@example.com", "b@example.com"}));
  EXPECT_EQ(steer(id, SteerVerb::hold)->changed, 2u);
  EXPECT_EQ(types(history(id)), (std::vector<EventType>{EventType::accepted, EventType::held}));
  EXPECT_EQ(history(id).back().recipient, kAllRecipients);
}

TEST_P(SteerTest, AnotherTenantsMessageIsNotFound) {
  NewMessage m = message();
  m.record.envelope.tenant = "shop";
  const MessageId id = stored(std::move(m));
  SteerRequest request;
  request.id = id;
  request.verb = SteerVerb::hold;
  request.tenant = "blog";
  request.now = now_;
  EXPECT_EQ(steer(request).error().kind, FaultKind::not_found);
  EXPECT_EQ(state(id), S::queued);
  request.tenant = "shop";
  EXPECT_TRUE(steer(request).has_value());
  request.id = ids_.next(now_);
  EXPECT_EQ(steer(request).error().kind, FaultKind::not_found);
}

TEST_P(SteerTest, AFailedMessageWithoutItsBodyCannotComeBack) {
  const MessageId id = brought_to(S::failed);
  RetirePolicy policy;
  policy.failed_bodies = Duration(0);
  retire_all(policy);
  for (const SteerVerb verb : {SteerVerb::retry, SteerVerb::release}) {
    const auto steered = steer(id, verb);
    ASSERT_FALSE(steered.has_value());
    EXPECT_EQ(steered.error().kind, FaultKind::conflict);
    EXPECT_NE(steered.error().text.find("body"), std::string::npos);
  }
  EXPECT_EQ(state(id), S::failed);
}

TEST_P(SteerTest, ManyRequestsAreAnsweredInOrder) {
  const MessageId a = stored(), gone = ids_.next(now_), b = brought_to(S::sent);
  std::vector<SteerRequest> requests(3);
  requests[0].id = a;
  requests[1].id = gone;
  requests[2].id = b;
  for (SteerRequest& request : requests) {
    request.verb = SteerVerb::hold;
    request.now = now_;
  }
  const auto answers = answer<std::vector<result<Steered>>>(
      [&](Done<std::vector<result<Steered>>> done) { store().steer(std::move(requests), std::move(done)); });
  ASSERT_EQ(answers->size(), 3u);
  EXPECT_TRUE(answers->at(0).has_value());
  EXPECT_EQ(answers->at(1).error().kind, FaultKind::not_found);
  EXPECT_EQ(answers->at(2).error().kind, FaultKind::conflict);
}

POSTRIDER_STORE_SUITE(SteerTest);

}  // namespace
}  // namespace postrider::storage::conformance
