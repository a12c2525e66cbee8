#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class RecoveryTest : public StoreTest {};

TEST_P(RecoveryTest, WhatWasAnsweredIsThereAfterEitherEnding) {
  for (const Ending ending : {Ending::clean, Ending::crash}) {
    const std::string octets = body_octets(kChunkPayload + 100);
    const MessageId queued = stored(message({"user@example.com"}, octets.size()));
    const MessageId sent = brought_to(RecipientState::sent), failed = brought_to(RecipientState::failed);
    const auto events = all_events().size();
    reopen(ending);
    EXPECT_EQ(state(queued), RecipientState::queued);
    EXPECT_EQ(body_of(queued), octets);
    EXPECT_EQ(state(sent), RecipientState::sent);
    EXPECT_EQ(state(failed), RecipientState::failed);
    EXPECT_EQ(body_of(failed), body_octets(100));
    EXPECT_EQ(all_events().size(), events);
  }
}

TEST_P(RecoveryTest, AClaimOfADeadEpochBecomesAnUncertainAttempt) {
  const std::uint32_t epoch = store().stats().epoch;
  const Time claimed_at = now_;
  const MessageId fresh = claimed(), later = stored();
  ASSERT_NE(claim(later, "backup").record, nullptr);
  advance(std::chrono::minutes(3));
  reopen(Ending::crash);
  EXPECT_GT(store().stats().epoch, epoch);
  for (const auto& [id, upstream] : {std::pair<MessageId, std::string>{fresh, "primary"}, {later, "backup"}}) {
    const MessageRecord record = find(id).value();
    const Recipient& recipient = record.recipients[0];
    EXPECT_EQ(recipient.state, RecipientState::deferred);
    EXPECT_EQ(recipient.due, now_);
    EXPECT_EQ(recipient.tries, 0u);
    EXPECT_EQ(recipient.interruptions, 1u);
    EXPECT_EQ(recipient.reason.cause, Cause::interrupted);
    const auto events = history(id);
    ASSERT_EQ(types(events),
              (std::vector<EventType>{EventType::accepted, EventType::attempted, EventType::interrupted}));
    ASSERT_NE(events[1].attempt, nullptr);
    EXPECT_EQ(events[1].attempt->upstream, upstream);
    EXPECT_EQ(events[1].attempt->outcome, OutcomeKind::uncertain);
    EXPECT_EQ(events[1].attempt->started_at, claimed_at);
    EXPECT_FALSE(events[1].attempt->counted);
  }
  EXPECT_EQ(due_ids().size(), 2u);
  ASSERT_NE(claim(fresh).record, nullptr);
  EXPECT_EQ(settle(fresh, Trigger::hand_over)->state, RecipientState::sent);
}

TEST_P(RecoveryTest, OnlyTheRecipientsBeingSentAreUncertain) {
  const MessageId id = claimed(message({"a@example.com", "b@example.com", "c@example.com"}));
  ASSERT_TRUE(settle(settlement(id, {update(0, Trigger::hand_over)})).has_value());
  reopen(Ending::crash);
  const MessageRecord record = find(id).value();
  EXPECT_EQ(record.recipients[0].state, RecipientState::sent);
  EXPECT_EQ(record.recipients[1].state, RecipientState::deferred);
  EXPECT_EQ(record.recipients[2].state, RecipientState::deferred);
  const auto events = history(id);
  ASSERT_EQ(types(events),
            (std::vector<EventType>{EventType::accepted, EventType::attempted, EventType::sent, EventType::attempted,
                                    EventType::interrupted, EventType::interrupted}));
  ASSERT_EQ(events[3].attempt->recipients.size(), 2u);
  EXPECT_EQ(events[3].attempt->recipients[0].recipient, 1u);
  EXPECT_EQ(events[3].attempt->recipients[1].recipient, 2u);
}

TEST_P(RecoveryTest, TheThirdInterruptionHolds) {
  const MessageId id = claimed();
  for (int crash = 1; crash <= 3; ++crash) {
    advance(std::chrono::minutes(1));
    reopen(Ending::crash);
    ASSERT_EQ(state(id), crash < 3 ? RecipientState::deferred : RecipientState::held) << crash;
    EXPECT_EQ(claim(id).record != nullptr, crash < 3);
  }
  EXPECT_TRUE(due_ids().empty());
  EXPECT_EQ(find(id)->recipients[0].reason.cause, Cause::policy);
  EXPECT_FALSE(find(id)->recipients[0].reason.text.empty());
  EXPECT_EQ(history(id).back().type, EventType::held);
  EXPECT_EQ(body_of(id), body_octets(100));
  ASSERT_TRUE(steer(id, SteerVerb::release).has_value());
  EXPECT_EQ(find(id)->recipients[0].interruptions, 0u);
  ASSERT_NE(claim(id).record, nullptr);
  reopen(Ending::crash);
  EXPECT_EQ(state(id), RecipientState::deferred);
}

TEST_P(RecoveryTest, WhatWasAskedWhileSendingTakesEffect) {
  const MessageId cancelled = claimed(), held = claimed();
  ASSERT_TRUE(steer(cancelled, SteerVerb::cancel).has_value());
  ASSERT_TRUE(steer(held, SteerVerb::hold).has_value());
  reopen(Ending::crash);
  EXPECT_EQ(state(cancelled), RecipientState::cancelled);
  EXPECT_EQ(history(cancelled).back().type, EventType::cancelled);
  EXPECT_EQ(state(held), RecipientState::held);
  EXPECT_TRUE(due_ids().empty());
}

TEST_P(RecoveryTest, ALateSettlementOfADeadClaimIsAConflict) {
  const MessageId id = claimed();
  reopen(Ending::crash);
  EXPECT_EQ(settle(id, Trigger::hand_over).error().kind, FaultKind::conflict);
  EXPECT_EQ(state(id), RecipientState::deferred);
}

TEST_P(RecoveryTest, NothingIsRecoveredTwice) {
  const MessageId id = claimed();
  reopen(Ending::crash);
  const auto events = history(id).size();
  reopen(Ending::crash);
  reopen(Ending::clean);
  EXPECT_EQ(history(id).size(), events);
  EXPECT_EQ(find(id)->recipients[0].interruptions, 1u);
}

POSTRIDER_STORE_SUITE(RecoveryTest);

}  // namespace
}  // namespace postrider::storage::conformance
