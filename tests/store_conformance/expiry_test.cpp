// A message's own time to live: what waits ends when it is over, what is being sent ends with its attempt, nothing else ends.
#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class ExpiryTest : public StoreTest {
 protected:
  static constexpr auto kTime = std::chrono::hours(1);

  NewMessage short_lived(const std::vector<std::string>& recipients = {"user@example.com"}) {
    NewMessage m = message(recipients);
    m.record.envelope.expires_at = now_ + kTime;
    return m;
  }
};

TEST_P(ExpiryTest, WhatWaitsEndsWhenItsTimeIsOver) {
  const MessageId queued = stored(short_lived());
  const MessageId deferred = claimed(short_lived());
  const MessageId held = claimed(short_lived());
  ASSERT_TRUE(settle(deferred, Trigger::defer, now_ + std::chrono::minutes(10)).has_value());
  ASSERT_TRUE(settle(held, Trigger::hold).has_value());
  const MessageId timeless = stored();
  const Time end = now_ + kTime;

  advance(kTime - Duration(1));
  Expired none = expire();
  EXPECT_EQ(none.messages, 0u);
  EXPECT_FALSE(none.more);
  EXPECT_EQ(none.next, end);

  advance(Duration(1));
  const Expired expired = expire();
  EXPECT_EQ(expired.messages, 3u);
  EXPECT_FALSE(expired.more);
  EXPECT_EQ(expired.next, kNever);
  EXPECT_FALSE(expired.owes_notice);
  for (const MessageId& id : {queued, deferred, held}) {
    const MessageRecord record = find(id).value();
    EXPECT_EQ(record.state(), RecipientState::expired);
    EXPECT_EQ(record.recipients[0].changed_at, now_);
    EXPECT_EQ(record.body, BodyState::removed);
    EXPECT_EQ(record.headers, "Subject: test\r\n");
    const Event last = history(id).back();
    EXPECT_EQ(last.type, EventType::expired);
    EXPECT_EQ(last.reason.cause, Cause::policy);
    EXPECT_EQ(last.reason.text, "its time to live ended at " + format_rfc3339(end));
    EXPECT_EQ(record.recipients[0].reason, last.reason);
  }
  EXPECT_EQ(state(timeless), RecipientState::queued);
  EXPECT_EQ(due_ids(), std::vector<MessageId>{timeless});
  EXPECT_TRUE(verify_faults().empty());
}

TEST_P(ExpiryTest, StepsAreBoundedAndTheEarliestGoFirst) {
  std::vector<MessageId> ids;
  for (int i = 0; i < 5; ++i) {
    NewMessage m = message();
    m.record.envelope.expires_at = now_ + std::chrono::minutes(10 - i);
    ids.push_back(stored(std::move(m)));
  }
  advance(std::chrono::minutes(9));
  Expired step = expire(3);
  EXPECT_EQ(step.messages, 3u);
  EXPECT_TRUE(step.more);
  EXPECT_EQ(state(ids[4]), RecipientState::expired);
  EXPECT_EQ(state(ids[1]), RecipientState::queued);
  step = expire(3);
  EXPECT_EQ(step.messages, 1u);
  EXPECT_FALSE(step.more);
  EXPECT_EQ(step.next, now_ + std::chrono::minutes(1));
  EXPECT_EQ(state(ids[0]), RecipientState::queued);
}

TEST_P(ExpiryTest, NothingIsClaimedWhoseTimeIsOver) {
  const MessageId id = stored(short_lived());
  advance(kTime);
  EXPECT_EQ(claim(id).record, nullptr);
  EXPECT_EQ(state(id), RecipientState::queued);
  NewMessage late = message();
  late.record.envelope.expires_at = now_;
  EXPECT_EQ(state(claimed(std::move(late))), RecipientState::queued) << "an intent is a claim";
  EXPECT_EQ(expire().messages, 2u);
}

TEST_P(ExpiryTest, TheSettlementEndsWhatWasBeingSent) {
  struct Row {
    Trigger trigger;
    RecipientState state;
    EventType event;
  };
  for (const Row& row : {Row{Trigger::defer, RecipientState::expired, EventType::expired},
                         Row{Trigger::unclaim, RecipientState::expired, EventType::expired},
                         Row{Trigger::hold, RecipientState::expired, EventType::expired},
                         Row{Trigger::hand_over, RecipientState::sent, EventType::sent},
                         Row{Trigger::refuse, RecipientState::bounced, EventType::bounced},
                         Row{Trigger::give_up, RecipientState::failed, EventType::failed}}) {
    SCOPED_TRACE(to_string(row.trigger));
    const MessageId id = claimed(short_lived());
    const Time end = now_ + kTime;
    advance(kTime);
    EXPECT_EQ(expire().messages, 0u);
    EXPECT_EQ(state(id), RecipientState::sending);
    const auto settled = settle(id, row.trigger, now_ + std::chrono::minutes(10));
    ASSERT_TRUE(settled.has_value());
    EXPECT_EQ(settled->state, row.state);
    EXPECT_EQ(settled->next_due, kNever);
    const Event last = history(id).back();
    EXPECT_EQ(last.type, row.event);
    const bool ended = row.state == RecipientState::expired;
    EXPECT_EQ(last.reason.text == "its time to live ended at " + format_rfc3339(end), ended);
    EXPECT_EQ(find(id)->body == BodyState::removed, row.state != RecipientState::failed);
    EXPECT_EQ(expire().next, kNever) << "nothing is left to expire";
  }
}

TEST_P(ExpiryTest, WhatWasAskedForMeanwhileComesFirst) {
  const MessageId cancelled = claimed(short_lived()), held = claimed(short_lived());
  ASSERT_TRUE(steer(cancelled, SteerVerb::cancel).has_value());
  ASSERT_TRUE(steer(held, SteerVerb::hold).has_value());
  advance(kTime);
  EXPECT_EQ(settle(cancelled, Trigger::defer, now_)->state, RecipientState::cancelled);
  EXPECT_EQ(settle(held, Trigger::defer, now_)->state, RecipientState::expired) << "held mail expires too";
}

TEST_P(ExpiryTest, OneThatIsBeingSentKeepsTheBodyForTheOthers) {
  NewMessage m = short_lived({"a@example.com", "b@example.com"});
  m.record.recipients[1].due = now_ + std::chrono::minutes(5);
  const MessageId id = claimed(std::move(m));
  advance(kTime);
  EXPECT_EQ(expire().messages, 1u);
  MessageRecord record = find(id).value();
  EXPECT_EQ(record.recipients[0].state, RecipientState::sending);
  EXPECT_EQ(record.recipients[1].state, RecipientState::expired);
  EXPECT_EQ(history(id).back().recipient, 1u);
  EXPECT_EQ(body_of(id), body_octets(100));
  EXPECT_EQ(settle(id, Trigger::hand_over)->state, RecipientState::expired);
  EXPECT_EQ(find(id)->body, BodyState::removed);
}

TEST_P(ExpiryTest, TheSenderIsToldAtOnceWhereItIsToBeTold) {
  notify_sender_ = true;
  NewMessage quiet = short_lived(), whole = short_lived();
  quiet.record.recipients[0].notify.never = true;
  whole.record.envelope.ret = DsnReturn::full;
  const MessageId untold = stored(std::move(quiet));
  advance(kTime);
  EXPECT_FALSE(expire().owes_notice);
  EXPECT_EQ(find(untold)->recipients[0].owed, Notice::none);
  whole.now = now_;
  const MessageId told = stored(std::move(whole));
  EXPECT_TRUE(expire().owes_notice);
  EXPECT_EQ(find(told)->recipients[0].owed, Notice::failed);
  EXPECT_EQ(body_of(told), body_octets(100)) << "it is returned whole";
  const auto owing = answer<OwingPage>([&](Done<OwingPage> done) { store().owing({}, std::move(done)); });
  EXPECT_EQ(owing->ids, std::vector<MessageId>{told});
}

TEST_P(ExpiryTest, BodiesStayWhenRetentionSaysSo) {
  const MessageId id = stored(short_lived());
  advance(kTime);
  EXPECT_EQ(expire(100, false).messages, 1u);
  EXPECT_EQ(body_of(id), body_octets(100));
}

TEST_P(ExpiryTest, WhatWasInterruptedExpiresAfterTheStart) {
  const MessageId id = claimed(short_lived());
  advance(kTime);
  reopen(Ending::crash);
  EXPECT_EQ(state(id), RecipientState::deferred);
  EXPECT_EQ(expire().messages, 1u);
  EXPECT_EQ(state(id), RecipientState::expired);
}

TEST_P(ExpiryTest, WhoListensHearsOfTheEarliest) {
  std::vector<Time> heard;
  store().on_expiry_changed(mailbox_, [&](Time earliest) { heard.push_back(earliest); });
  stored();
  EXPECT_TRUE(heard.empty()) << "of those that have one";
  const Time end = now_ + kTime;
  stored(short_lived());
  mailbox_.run_until([&] { return !heard.empty(); });
  EXPECT_EQ(heard, std::vector<Time>{end});
  const MessageId id = claimed(short_lived());  // nobody waits for it while it is being sent
  ASSERT_TRUE(settle(id, Trigger::defer, now_ + std::chrono::minutes(1)).has_value());
  mailbox_.run_until([&] { return heard.size() == 2; });
  EXPECT_EQ(heard.back(), end);
}

POSTRIDER_STORE_SUITE(ExpiryTest);

}  // namespace
}  // namespace postrider::storage::conformance
