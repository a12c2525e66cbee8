#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class SettleTest : public StoreTest {
 protected:
  Time later() const { return now_ + std::chrono::minutes(10); }
};

TEST_P(SettleTest, AHandOverEndsTheMessageAndIsOnRecord) {
  const MessageId id = claimed();
  Settlement s = settlement(id, {update(0, Trigger::hand_over)});
  s.attempts[0] = make_attempt("primary", OutcomeKind::sent);
  const auto settled = settle(std::move(s));
  ASSERT_TRUE(settled.has_value());
  EXPECT_EQ(settled->state, RecipientState::sent);
  EXPECT_EQ(settled->next_due, kNever);

  const MessageRecord record = find(id).value();
  EXPECT_EQ(record.recipients[0].state, RecipientState::sent);
  EXPECT_EQ(record.recipients[0].upstream, "primary");
  EXPECT_EQ(record.recipients[0].remote_id, "remote-1");
  EXPECT_EQ(record.recipients[0].tries, 1u);
  EXPECT_EQ(record.recipients[0].changed_at, now_);

  const auto events = history(id);
  EXPECT_EQ(types(events), (std::vector<EventType>{EventType::accepted, EventType::attempted, EventType::sent}));
  ASSERT_NE(events[1].attempt, nullptr);
  const Attempt& attempt = *events[1].attempt;
  EXPECT_EQ(attempt.upstream, "primary");
  EXPECT_EQ(attempt.peer, "mx.example.net[192.0.2.1]:25");
  EXPECT_EQ(attempt.tls, "TLSv1.3");
  EXPECT_EQ(attempt.duration_ms, 12u);
  EXPECT_EQ(attempt.stage, Stage::final_dot);
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(attempt.reason.enhanced, "2.0.0");
  ASSERT_EQ(attempt.recipients.size(), 1u);
  EXPECT_EQ(attempt.recipients[0].reason.code, 250);
  EXPECT_EQ(events[2].attempt, nullptr);
}

TEST_P(SettleTest, EveryOutcomeLeadsToItsStateAndItsEvent) {
  struct Row {
    Trigger trigger;
    RecipientState state;
    std::optional<EventType> event;
    bool waits;
  };
  const std::vector<Row> rows = {
      {Trigger::hand_over, RecipientState::sent, EventType::sent, false},
      {Trigger::defer, RecipientState::deferred, EventType::deferred, true},
      {Trigger::refuse, RecipientState::bounced, EventType::bounced, false},
      {Trigger::give_up, RecipientState::failed, EventType::failed, false},
      {Trigger::hold, RecipientState::held, EventType::held, false},
      {Trigger::unclaim, RecipientState::queued, std::nullopt, true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(to_string(row.trigger));
    const MessageId id = claimed();
    const auto settled = settle(id, row.trigger, later());
    ASSERT_TRUE(settled.has_value());
    EXPECT_EQ(settled->state, row.state);
    EXPECT_EQ(settled->next_due, row.waits ? later() : kNever);
    const MessageRecord record = find(id).value();
    EXPECT_EQ(record.recipients[0].state, row.state);
    EXPECT_EQ(record.recipients[0].reason.text, to_string(row.trigger));
    EXPECT_EQ(record.recipients[0].tries, row.trigger == Trigger::unclaim ? 0u : 1u);
    std::vector<EventType> expected{EventType::accepted, EventType::attempted};
    if (row.event) expected.push_back(*row.event);
    EXPECT_EQ(types(history(id)), expected);
  }
}

TEST_P(SettleTest, RecipientsSettleOneByOne) {
  const MessageId id = claimed(message({"a@example.com", "b@example.com", "c@example.com"}));
  auto settled = settle(settlement(id, {update(1, Trigger::hand_over)}));
  EXPECT_EQ(settled->state, RecipientState::sending);
  settled = settle(settlement(id, {update(0, Trigger::defer, later()), update(2, Trigger::refuse)}));
  EXPECT_EQ(settled->state, RecipientState::deferred);
  EXPECT_EQ(settled->next_due, later());
  const auto events = history(id);
  EXPECT_EQ(types(events), (std::vector<EventType>{EventType::accepted, EventType::attempted, EventType::sent,
                                                   EventType::attempted, EventType::deferred, EventType::bounced}));
  EXPECT_EQ(events[2].recipient, 1u);
  EXPECT_EQ(events[4].recipient, 0u);
  EXPECT_EQ(events[5].recipient, 2u);
  EXPECT_FALSE(body_of(id).empty());

  advance(std::chrono::minutes(10));
  EXPECT_EQ(claim(id).recipients, std::vector<std::uint32_t>{0});
  EXPECT_EQ(settle(id, Trigger::hand_over)->state, RecipientState::bounced);
  EXPECT_EQ(find(id)->recipients[0].tries, 2u);
}

TEST_P(SettleTest, WhatHappensToAllAlikeIsOneEvent) {
  const MessageId id = claimed(message({"a@example.com", "b@example.com", "c@example.com"}));
  ASSERT_TRUE(settle(settlement(id, {update(0, Trigger::hand_over), update(1, Trigger::hand_over),
                                     update(2, Trigger::hand_over)}))
                  .has_value());
  const auto events = history(id);
  ASSERT_EQ(types(events), (std::vector<EventType>{EventType::accepted, EventType::attempted, EventType::sent}));
  EXPECT_EQ(events[2].recipient, kAllRecipients);
}

TEST_P(SettleTest, AFailoverIsTwoAttemptsInOneSettlement) {
  const MessageId id = claimed();
  Settlement s = settlement(id, {update(0, Trigger::hand_over)});
  s.attempts = {make_attempt("primary", OutcomeKind::deferred), make_attempt("backup", OutcomeKind::sent)};
  ASSERT_TRUE(settle(std::move(s)).has_value());
  const auto events = history(id);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].attempt->upstream, "primary");
  EXPECT_EQ(events[2].attempt->upstream, "backup");
}

TEST_P(SettleTest, RefusesWhatIsNotBeingSentAndChangesNothing) {
  const MessageId id = claimed(message({"a@example.com", "b@example.com"}));
  ASSERT_TRUE(settle(settlement(id, {update(0, Trigger::hand_over)})).has_value());
  const auto before = history(id).size();
  const auto again = settle(settlement(id, {update(1, Trigger::hand_over), update(0, Trigger::refuse)}));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().kind, FaultKind::conflict);
  EXPECT_NE(again.error().text.find("sent"), std::string::npos);
  EXPECT_EQ(find(id)->recipients[0].state, RecipientState::sent);
  EXPECT_EQ(find(id)->recipients[1].state, RecipientState::sending);
  EXPECT_EQ(history(id).size(), before);
  EXPECT_EQ(settle(settlement(id, {update(7, Trigger::hand_over)})).error().kind, FaultKind::invalid);
  EXPECT_EQ(settle(settlement(ids_.next(now_), {update(0, Trigger::hand_over)})).error().kind, FaultKind::not_found);
}

// ---- asked to stop while it was being sent ------------------------------------------------------------------------

TEST_P(SettleTest, ACancelWhileSendingTakesEffectUnlessItWasSentOrRefused) {
  struct Row {
    Trigger trigger;
    RecipientState state;
  };
  for (const Row& row :
       {Row{Trigger::hand_over, RecipientState::sent}, Row{Trigger::refuse, RecipientState::bounced},
        Row{Trigger::defer, RecipientState::cancelled}, Row{Trigger::give_up, RecipientState::cancelled},
        Row{Trigger::unclaim, RecipientState::cancelled}}) {
    SCOPED_TRACE(to_string(row.trigger));
    const MessageId id = claimed();
    const auto asked = steer(id, SteerVerb::cancel);
    ASSERT_TRUE(asked.has_value());
    EXPECT_EQ(asked->changed, 1u);
    EXPECT_EQ(asked->record->recipients[0].state, RecipientState::sending);
    EXPECT_TRUE(find(id)->recipients[0].cancel_requested);
    const auto settled = settle(id, row.trigger, later());
    EXPECT_EQ(settled->state, row.state);
    EXPECT_EQ(settled->next_due, kNever);
    EXPECT_TRUE(due_ids().empty());
    EXPECT_FALSE(find(id)->recipients[0].cancel_requested);
    const auto events = history(id);
    EXPECT_EQ(events[1].type, EventType::cancel_requested);
    EXPECT_EQ(events[1].actor, "alice");
    EXPECT_EQ(events.back().type, row.state == RecipientState::sent      ? EventType::sent
                                  : row.state == RecipientState::bounced ? EventType::bounced
                                                                         : EventType::cancelled);
  }
}

TEST_P(SettleTest, AHoldWhileSendingTakesEffectUnlessItWasSentOrRefused) {
  struct Row {
    Trigger trigger;
    RecipientState state;
  };
  for (const Row& row : {Row{Trigger::hand_over, RecipientState::sent}, Row{Trigger::refuse, RecipientState::bounced},
                         Row{Trigger::defer, RecipientState::held}, Row{Trigger::give_up, RecipientState::held},
                         Row{Trigger::unclaim, RecipientState::held}}) {
    SCOPED_TRACE(to_string(row.trigger));
    const MessageId id = claimed();
    ASSERT_TRUE(steer(id, SteerVerb::hold).has_value());
    EXPECT_EQ(settle(id, row.trigger, later())->state, row.state);
    EXPECT_EQ(find(id)->recipients[0].reason.cause == Cause::operator_, row.state == RecipientState::held);
    EXPECT_TRUE(due_ids().empty());
  }
}

TEST_P(SettleTest, ACancelIsStrongerThanAHold) {
  const MessageId id = claimed();
  ASSERT_TRUE(steer(id, SteerVerb::cancel).has_value());
  ASSERT_TRUE(steer(id, SteerVerb::hold).has_value());
  EXPECT_EQ(settle(id, Trigger::defer, later())->state, RecipientState::cancelled);
}

// ---- bodies -------------------------------------------------------------------------------------------------------

TEST_P(SettleTest, TheBodyGoesWithTheLastLiveRecipient) {
  const std::string octets = body_octets(kChunkPayload * 2 + 77);
  const MessageId id = claimed(message({"a@example.com", "b@example.com"}, octets.size()));
  ASSERT_TRUE(settle(settlement(id, {update(0, Trigger::hand_over)})).has_value());
  EXPECT_EQ(body_of(id), octets);
  const auto live = store().stats().live_bytes;
  EXPECT_GE(live, octets.size());
  ASSERT_TRUE(settle(settlement(id, {update(1, Trigger::refuse)})).has_value());
  EXPECT_EQ(find(id)->body, BodyState::removed);
  EXPECT_EQ(find(id)->headers, "Subject: test\r\n");
  EXPECT_EQ(find(id)->body_size, octets.size());
  EXPECT_EQ(read_body(id).error().kind, FaultKind::not_found);
  EXPECT_EQ(store().stats().live_bytes, 0u);
  EXPECT_LT(store().stats().finished_bytes, octets.size());
}

TEST_P(SettleTest, TheBodyStaysWhileItMayBeWantedAgain) {
  const MessageId failed = brought_to(RecipientState::failed);
  EXPECT_EQ(body_of(failed), body_octets(100));
  const MessageId partly = claimed(message({"a@example.com", "b@example.com"}));
  ASSERT_TRUE(settle(settlement(partly, {update(0, Trigger::give_up), update(1, Trigger::hand_over)})).has_value());
  EXPECT_EQ(body_of(partly), body_octets(100));
  const MessageId held = brought_to(RecipientState::held);
  EXPECT_EQ(body_of(held), body_octets(100));
}

TEST_P(SettleTest, SentBodiesStayWhenRetentionSaysSo) {
  const MessageId id = claimed();
  Settlement s = settlement(id, {update(0, Trigger::hand_over)});
  s.remove_sent_body = false;
  ASSERT_TRUE(settle(std::move(s)).has_value());
  EXPECT_EQ(body_of(id), body_octets(100));
}

TEST_P(SettleTest, BodiesAreReadInWindows) {
  const std::string octets = body_octets(kChunkPayload * 5 + 1);
  const MessageId id = stored(message({"user@example.com"}, octets.size()));
  std::string got;
  for (std::uint32_t first = 0; first < 8; first += 2) {
    const auto window = read_body(id, first, 2);
    ASSERT_TRUE(window.has_value());
    EXPECT_EQ(window->size(), first < 6 ? 2u : 0u);
    for (const auto& chunk : *window) got += *chunk;
  }
  EXPECT_EQ(got, octets);
  EXPECT_EQ(read_body(ids_.next(now_)).error().kind, FaultKind::not_found);
}

POSTRIDER_STORE_SUITE(SettleTest);

}  // namespace
}  // namespace postrider::storage::conformance
