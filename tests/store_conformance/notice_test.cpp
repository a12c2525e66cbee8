// What is owed to senders: noted with its cause, cleared with the notice that pays it, kept from retention until then.
#include "core/notice.h"
#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class NoticeTest : public StoreTest {
 protected:
  NoticeTest() { notify_sender_ = true; }
  std::vector<MessageId> owing() {
    const auto page = answer<OwingPage>([&](Done<OwingPage> done) { store().owing({}, std::move(done)); });
    return page.value().ids;
  }
  NewMessage notice(const MessageId& about, std::vector<std::uint32_t> recipients = {0}) {
    NewMessage m = message({"app@example.org"});
    m.record.envelope.sender = Address{};
    m.record.envelope.door = Door::bounce;
    m.notifies = Notifies{about, std::move(recipients)};
    return m;
  }
  MessageId bounced(DsnReturn ret = DsnReturn::unset) {
    NewMessage m = message();
    m.record.envelope.ret = ret;
    const MessageId id = claimed(std::move(m));
    EXPECT_TRUE(settle(id, Trigger::refuse)->owes_notice);
    return id;
  }
};

TEST_P(NoticeTest, ABounceIsOwedUntilItsNoticeIsAccepted) {
  const MessageId id = bounced();
  EXPECT_EQ(owing(), std::vector<MessageId>{id});
  EXPECT_EQ(find(id)->recipients[0].owed, Notice::failed);
  const auto accepted = accept(notice(id));
  ASSERT_TRUE(accepted.has_value()) << accepted.error().text;
  EXPECT_TRUE(owing().empty());
  EXPECT_EQ(find(id)->recipients[0].owed, Notice::none);
  const auto events = history(id);
  EXPECT_EQ(events.back().type, EventType::notified);
  EXPECT_NE(events.back().reason.text.find(accepted->id.str()), std::string::npos);
}

TEST_P(NoticeTest, ASecondNoticeIsAConflictAndLeavesNothing) {
  const MessageId id = bounced();
  ASSERT_TRUE(accept(notice(id)).has_value());
  NewMessage second = notice(id);
  const MessageId second_id = second.record.id;
  const auto refused = accept(std::move(second));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, FaultKind::conflict);
  EXPECT_EQ(find(second_id).error().kind, FaultKind::not_found);
}

TEST_P(NoticeTest, TheDebtOutlivesAStart) {
  const MessageId id = bounced();
  reopen(Ending::crash);
  EXPECT_EQ(owing(), std::vector<MessageId>{id});
}

TEST_P(NoticeTest, ABodyThatIsReturnedWholeStaysUntilTheNotice) {
  const MessageId id = bounced(DsnReturn::full);
  EXPECT_EQ(find(id)->body, BodyState::present);
  EXPECT_EQ(body_of(id), body_octets(100));
  ASSERT_TRUE(accept(notice(id)).has_value());
  EXPECT_EQ(find(id)->body, BodyState::removed);
  EXPECT_EQ(find(id)->headers, "Subject: test\r\n");
}

TEST_P(NoticeTest, WithoutNoticesNothingIsOwed) {
  const MessageId id = claimed();
  Settlement s = settlement(id, {update(0, Trigger::refuse)});
  s.notify_sender = false;
  EXPECT_FALSE(settle(std::move(s))->owes_notice);
  EXPECT_TRUE(owing().empty());
}

TEST_P(NoticeTest, AFailureOfTheRouteIsOwedOnlyWhenItsBodyGoes) {
  const MessageId id = claimed();
  RecipientUpdate gave_up = update(0, Trigger::give_up);
  gave_up.route_caused = true;
  EXPECT_FALSE(settle(settlement(id, {gave_up}))->owes_notice);
  EXPECT_TRUE(find(id)->recipients[0].failed_by_route);
  RetirePolicy policy;
  policy.failed_bodies = std::chrono::hours(1);
  advance(std::chrono::hours(2));
  EXPECT_EQ(retire_all(policy).owing, 1u);
  EXPECT_EQ(owing(), std::vector<MessageId>{id});
}

TEST_P(NoticeTest, AFailureOfTheRouteIsToldBeforeItsHistoryGoes) {
  for (const bool crowded : {false, true}) {
    const MessageId id = claimed();
    RecipientUpdate gave_up = update(0, Trigger::give_up);
    gave_up.route_caused = true;
    ASSERT_TRUE(settle(settlement(id, {gave_up})).has_value());
    RetirePolicy policy;
    policy.history = std::chrono::hours(1);
    policy.failed_bodies = crowded ? std::chrono::hours(24) : std::chrono::hours(1);
    if (crowded) policy.history_max_bytes = 0;
    if (!crowded) advance(std::chrono::hours(2));
    const Retired retired = retire_all(policy);
    EXPECT_EQ(retired.messages, 0u) << crowded;
    EXPECT_EQ(retired.owing, 1u) << crowded;
    ASSERT_EQ(owing(), std::vector<MessageId>{id}) << crowded;
    ASSERT_TRUE(accept(notice(id)).has_value());
    advance(std::chrono::hours(2));
    EXPECT_EQ(retire_all(policy).messages, 1u) << crowded;
  }
}

TEST_P(NoticeTest, ReleasingTakesAnUntoldFailureBack) {
  const MessageId id = claimed();
  ASSERT_TRUE(settle(id, Trigger::give_up)->owes_notice);
  ASSERT_TRUE(steer(id, SteerVerb::release).has_value());
  EXPECT_TRUE(owing().empty());
}

TEST_P(NoticeTest, ADelayIsNotToldOfWhatWasHeldOrCancelledSince) {
  for (const SteerVerb verb : {SteerVerb::hold, SteerVerb::cancel}) {
    NewMessage m = message();
    m.record.recipients[0].notify.delay = true;
    const MessageId id = claimed(std::move(m));
    advance(kDelayNotice);
    ASSERT_TRUE(settle(id, Trigger::defer, now_)->owes_notice);
    ASSERT_EQ(owing(), std::vector<MessageId>{id});
    ASSERT_TRUE(steer(id, verb).has_value());
    EXPECT_TRUE(owing().empty());
  }
}

TEST_P(NoticeTest, RetentionWaitsForTheNotice) {
  const MessageId id = bounced();
  RetirePolicy policy;
  policy.history = std::chrono::hours(1);
  advance(std::chrono::hours(2));
  EXPECT_EQ(retire_all(policy).messages, 0u);
  policy.history_max_bytes = 0;
  EXPECT_EQ(retire_all(policy).messages, 0u) << "not even when the history is over its size";
  ASSERT_TRUE(accept(notice(id)).has_value());
  advance(std::chrono::hours(2));
  EXPECT_EQ(retire_all(policy).messages, 1u);
}

TEST_P(NoticeTest, DebtsAreForgivenWhereNoticesAreSwitchedOff) {
  const MessageId id = bounced();
  RetirePolicy policy;
  policy.history = std::chrono::hours(1);
  advance(std::chrono::hours(2));
  EXPECT_EQ(retire_all(policy).messages, 0u);
  retire_all(policy, false);
  EXPECT_TRUE(owing().empty());
  advance(std::chrono::hours(2));
  retire_all(policy, false);
  EXPECT_EQ(find(id).error().kind, FaultKind::not_found);
}

TEST_P(NoticeTest, APreviewSaysWhatTheRunWillDoAndChangesNothing) {
  RetirePolicy policy;
  policy.history = std::chrono::hours(1);
  policy.failed_bodies = std::chrono::hours(1);
  for (int i = 0; i < 3; ++i) brought_to(RecipientState::sent);
  for (int i = 0; i < 2; ++i) brought_to(RecipientState::cancelled);
  const MessageId live = stored();
  advance(std::chrono::hours(2));
  RetireRequest request{policy, now_, 1000, true};
  const auto before = store().stats();
  const auto preview =
      answer<Retired>([&](Done<Retired> done) { store().preview_retire(request, std::move(done)); }).value();
  EXPECT_EQ(preview.messages, 5u);
  EXPECT_GT(preview.bytes, 0u);
  EXPECT_EQ(store().stats().last_seq, before.last_seq);
  EXPECT_EQ(retire_all(policy).messages, preview.messages);
  EXPECT_TRUE(find(live).has_value());
}

POSTRIDER_STORE_SUITE(NoticeTest);

}  // namespace
}  // namespace postrider::storage::conformance
