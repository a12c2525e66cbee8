// Another time, lane or time to live before the first try, and not after it.
#include "storage/record_codec.h"
#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class AmendTest : public StoreTest {
 protected:
  NewMessage scheduled_message(Time due, const std::vector<std::string>& recipients = {"user@example.com"}) {
    NewMessage m = message(recipients);
    for (Recipient& recipient : m.record.recipients) recipient.due = recipient.age_from = due;
    return m;
  }
  MessageId scheduled(Time due) { return stored(scheduled_message(due)); }
  MessageId scheduled() { return scheduled(now_ + hours(1)); }
  static AmendRequest of(const MessageId& id) {
    AmendRequest request;
    request.id = id;
    return request;
  }
  static AmendRequest to_time(const MessageId& id, Time send_at) {
    AmendRequest request = of(id);
    request.send_at = send_at;
    return request;
  }
  // All that is kept of the message, and where it waits for `bucket`.
  std::pair<std::string, std::vector<std::uint64_t>> kept(const MessageId& id, std::uint32_t bucket = 0) {
    std::string octets;
    encode_message({find(id).value()}, octets);
    std::vector<std::uint64_t> waits;
    DueQuery query;
    query.bucket = bucket;
    for (const DueEntry& entry : due(query).entries)
      if (entry.key.id == id) waits = {static_cast<std::uint64_t>(to_ms(entry.key.due)), entry.sender_hash};
    return {std::move(octets), std::move(waits)};
  }
  void expect_conflict(const MessageId& id, const std::string& state) {
    SCOPED_TRACE(state);
    const MessageRecord before = find(id).value();
    AmendRequest request = to_time(id, now_ + hours(5));
    request.lane = Lane::high;
    request.expires_at = now_ + hours(9);
    const auto amended = amend(request);
    ASSERT_FALSE(amended.has_value());
    EXPECT_EQ(amended.error().kind, FaultKind::conflict);
    EXPECT_NE(amended.error().text.find(" is " + state), std::string::npos) << amended.error().text;
    const MessageRecord after = find(id).value();
    EXPECT_EQ(after.due(), before.due());
    EXPECT_EQ(after.envelope.lane, before.envelope.lane);
    EXPECT_EQ(after.envelope.expires_at, before.envelope.expires_at);
    EXPECT_EQ(after.history, before.history);
  }
};

TEST_P(AmendTest, GivesAnotherTimeLaneAndTimeToLiveAndSaysSo) {
  const MessageId id = scheduled();
  const Time due = now_ + hours(2), end = now_ + hours(3);
  AmendRequest request = to_time(id, due);
  request.lane = Lane::high;
  request.expires_at = end;
  advance(minutes(1));
  const auto amended = amend(request);
  ASSERT_TRUE(amended.has_value()) << amended.error().text;
  reopen(Ending::crash);
  for (const MessageRecord& record : {**amended, find(id).value()}) {
    EXPECT_EQ(record.recipients[0].due, due);
    EXPECT_EQ(record.recipients[0].age_from, due);
    EXPECT_EQ(record.recipients[0].state, RecipientState::queued);
    EXPECT_EQ(record.envelope.lane, Lane::high);
    EXPECT_EQ(record.envelope.expires_at, end);
  }
  const auto events = history(id);
  ASSERT_EQ(types(events), (std::vector<EventType>{EventType::accepted, EventType::rescheduled}));
  EXPECT_EQ(events[1].at, now_);
  EXPECT_EQ(events[1].actor, "alice");
  EXPECT_EQ(events[1].recipient, kAllRecipients);
  EXPECT_EQ(events[1].reason.cause, Cause::operator_);
  EXPECT_EQ(events[1].reason.text, "send_at " + format_rfc3339(due) + ", before " + format_rfc3339(due - hours(1)) +
                                       "; lane high, before normal; expires_at " + format_rfc3339(end) +
                                       ", before never");
  EXPECT_TRUE(due_ids(0, Lane::normal).empty());
  EXPECT_EQ(due_ids(0, Lane::high), std::vector<MessageId>{id});
  EXPECT_TRUE(verify_faults().empty());
  advance(hours(1));
  EXPECT_EQ(claim(id).record, nullptr) << "the old time has no meaning any more";
  advance(hours(1));
  EXPECT_NE(claim(id).record, nullptr);
}

TEST_P(AmendTest, LeavesAloneWhatIsNotNamed) {
  NewMessage m = scheduled_message(now_ + hours(1));
  m.record.envelope.expires_at = now_ + hours(3);
  const MessageId id = stored(std::move(m));
  AmendRequest request = of(id);
  request.lane = Lane::low;
  ASSERT_TRUE(amend(request).has_value());
  EXPECT_EQ(find(id)->due(), now_ + hours(1));
  EXPECT_EQ(find(id)->envelope.expires_at, now_ + hours(3));
  EXPECT_EQ(history(id).back().reason.text, "lane low, before normal");
  ASSERT_TRUE(amend(to_time(id, now_ + hours(2))).has_value());
  EXPECT_EQ(find(id)->envelope.lane, Lane::low);
  EXPECT_EQ(due_ids(0, Lane::low), std::vector<MessageId>{id});
}

TEST_P(AmendTest, ATimeThatHasPassedMeansNow) {
  const MessageId id = scheduled();
  ASSERT_TRUE(amend(to_time(id, now_ - hours(1))).has_value());
  EXPECT_EQ(find(id)->recipients[0].due, now_);
  EXPECT_EQ(find(id)->recipients[0].age_from, now_);
  EXPECT_NE(claim(id).record, nullptr);
}

TEST_P(AmendTest, TheTimeIsThatOfAllRecipients) {
  NewMessage m = scheduled_message(now_ + hours(1), {"a@example.com", "b@example.com"});
  m.record.recipients[1].due = now_ + hours(4);
  const MessageId id = stored(std::move(m));
  ASSERT_TRUE(amend(to_time(id, now_ + hours(1))).has_value());
  const MessageRecord amended = find(id).value();
  for (const Recipient& recipient : amended.recipients) EXPECT_EQ(recipient.due, now_ + hours(1));
}

TEST_P(AmendTest, WhatChangesNothingIsNoEvent) {
  NewMessage m = scheduled_message(now_ + hours(1));
  m.record.envelope.expires_at = now_ + hours(3);
  const MessageId id = stored(std::move(m)), waiting = claimed();
  Settlement s = settlement(waiting, {update(0, Trigger::unclaim, now_ + hours(1))});
  s.wait_bucket = 7;
  ASSERT_TRUE(settle(std::move(s)).has_value());
  for (const auto& [message, bucket] : {std::pair(id, 0u), std::pair(waiting, 7u)}) {
    const auto before = kept(message, bucket);
    ASSERT_FALSE(before.second.empty());
    AmendRequest request = to_time(message, now_ + hours(1));
    request.lane = Lane::normal;
    ASSERT_TRUE(amend(request).has_value());
    request.expires_at = find(message)->envelope.expires_at;
    ASSERT_TRUE(amend(request).has_value());
    ASSERT_TRUE(amend(of(message)).has_value());
    EXPECT_EQ(kept(message, bucket), before);
  }
  EXPECT_EQ(types(history(id)), std::vector<EventType>{EventType::accepted});
}

TEST_P(AmendTest, IsTooLateFromTheFirstTryOn) {
  for (const RecipientState state :
       {RecipientState::sending, RecipientState::deferred, RecipientState::held, RecipientState::sent,
        RecipientState::bounced, RecipientState::failed, RecipientState::cancelled, RecipientState::expired}) {
    const MessageId id = brought_to(state);
    expect_conflict(id, std::string(to_string(state)));
  }
  expect_conflict(stored(), "queued, and its time has come");
}

TEST_P(AmendTest, OneRecipientThatIsTooLateIsEnough) {
  NewMessage m = message({"a@example.com", "b@example.com"});
  m.record.recipients[1].due = now_ + hours(1);
  const MessageId id = claimed(std::move(m));
  expect_conflict(id, "sending");
}

TEST_P(AmendTest, WhatWasTriedAndWaitsForAnUpstreamIsTooLate) {
  const MessageId id = brought_to(RecipientState::deferred);
  advance(minutes(10));
  ASSERT_NE(claim(id).record, nullptr);
  ASSERT_TRUE(settle(id, Trigger::unclaim, now_ + minutes(10)).has_value());
  expect_conflict(id, "queued, for another try");
}

// What an interrupted attempt may have handed over is not sent at another time: the way of a message that is cut off, claimed
// again and given back.
TEST_P(AmendTest, WhatMayHaveBeenHandedOverIsTooLate) {
  const MessageId crashed = claimed(), stopped = claimed();
  RecipientUpdate cut_off = update(0, Trigger::defer, now_ + minutes(1));
  cut_off.reason.cause = Cause::interrupted;
  cut_off.spends_try = false;
  ASSERT_TRUE(settle(settlement(stopped, {cut_off})).has_value());
  reopen(Ending::crash);
  ASSERT_EQ(find(crashed)->recipients[0].interruptions, 1u);
  advance(minutes(10));
  for (const MessageId& id : {crashed, stopped}) {
    ASSERT_NE(claim(id).record, nullptr);
    RecipientUpdate back = update(0, Trigger::unclaim, now_ + minutes(10));
    if (id == stopped) back.reason = find(id)->recipients[0].reason;
    ASSERT_TRUE(settle(settlement(id, {back})).has_value());
    ASSERT_EQ(find(id)->recipients[0].tries, 0u);
    expect_conflict(id, "queued, for another try");
  }
}

TEST_P(AmendTest, WhatWaitsForAnUpstreamUntriedWaitsForItsTimeAgain) {
  const MessageId later = claimed(), sooner = claimed();
  for (const MessageId& id : {later, sooner}) {
    Settlement s = settlement(id, {update(0, Trigger::unclaim, now_ + minutes(10))});
    s.wait_bucket = 7;
    ASSERT_TRUE(settle(std::move(s)).has_value());
  }
  ASSERT_EQ(due_ids(7).size(), 2u);
  ASSERT_TRUE(amend(to_time(later, now_ + hours(1))).has_value());
  AmendRequest lane = of(sooner);
  lane.lane = Lane::high;  // others may take it now
  ASSERT_TRUE(amend(lane).has_value());
  EXPECT_EQ(due_ids(), std::vector<MessageId>{later});
  EXPECT_EQ(due_ids(0, Lane::high), std::vector<MessageId>{sooner});
  EXPECT_TRUE(due_ids(7).empty());
  EXPECT_TRUE(due_ids(7, Lane::high).empty());
  EXPECT_TRUE(verify_faults().empty());
}

TEST_P(AmendTest, OnlyOnesOwn) {
  NewMessage m = scheduled_message(now_ + hours(1));
  m.record.envelope.tenant = "shop";
  const MessageId id = stored(std::move(m));
  AmendRequest request = to_time(id, now_ + hours(2));
  request.tenant = "blog";
  EXPECT_EQ(amend(request).error().kind, FaultKind::not_found);
  EXPECT_EQ(find(id)->due(), now_ + hours(1));
  request.tenant = "shop";
  EXPECT_TRUE(amend(request).has_value());
  EXPECT_EQ(amend(to_time(ids_.next(now_), now_)).error().kind, FaultKind::not_found);
}

// ---- time to live -------------------------------------------------------------------------------------------------

TEST_P(AmendTest, ATimeToLiveCountsFromTheNewTime) {
  NewMessage m = scheduled_message(now_ + hours(1));
  m.record.envelope.expires_at = now_ + hours(3);
  const MessageId id = stored(std::move(m));
  ASSERT_TRUE(amend(to_time(id, now_ + hours(20))).has_value());
  EXPECT_EQ(find(id)->envelope.expires_at, now_ + hours(22));
  EXPECT_NE(history(id).back().reason.text.find("; expires_at " + format_rfc3339(now_ + hours(22))), std::string::npos);
  ASSERT_TRUE(amend(to_time(id, now_ - hours(1))).has_value()) << "sooner again";
  EXPECT_EQ(find(id)->envelope.expires_at, now_ + hours(2));
  EXPECT_TRUE(verify_faults().empty());
  advance(hours(2));
  EXPECT_EQ(expire().messages, 1u);
  EXPECT_EQ(state(id), RecipientState::expired);
}

TEST_P(AmendTest, NoneEndsBeforeTheMessageIsSent) {
  NewMessage m = scheduled_message(now_ + hours(1));
  m.record.envelope.expires_at = now_ + hours(3);
  const MessageId id = stored(std::move(m));
  const auto before = kept(id);
  AmendRequest both = to_time(id, now_ + hours(5)), end = of(id);
  both.expires_at = now_ + hours(5);
  end.expires_at = now_ + hours(1);
  for (const AmendRequest& request : {both, end}) {
    const auto refused = amend(request);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, FaultKind::invalid);
    EXPECT_EQ(refused.error().text, "the message would expire at " + format_rfc3339(*request.expires_at) +
                                        ", not after it is sent, " + format_rfc3339(*request.expires_at));
  }
  EXPECT_EQ(kept(id), before);
}

TEST_P(AmendTest, TheNewTimeToLiveIsTheOneThatCounts) {
  const Time start = now_;
  const MessageId longer = scheduled(start + minutes(1)), endless = scheduled(start + minutes(1));
  const MessageId shorter = scheduled(start + minutes(1));
  for (const MessageId& id : {longer, endless}) {
    AmendRequest request = of(id);
    request.expires_at = start + minutes(5);
    ASSERT_TRUE(amend(request).has_value());
    request.expires_at = id == longer ? start + hours(1) : kNever;
    ASSERT_TRUE(amend(request).has_value());
  }
  AmendRequest request = of(shorter);
  request.expires_at = start + minutes(10);
  ASSERT_TRUE(amend(request).has_value());
  EXPECT_TRUE(verify_faults().empty());
  advance(minutes(5));
  EXPECT_EQ(expire().next, start + minutes(10));
  advance(minutes(5));
  const Expired expired = expire();
  EXPECT_EQ(expired.messages, 1u);
  EXPECT_EQ(expired.next, start + hours(1));
  EXPECT_EQ(state(shorter), RecipientState::expired);
  advance(hours(1));
  EXPECT_EQ(expire().next, kNever);
  EXPECT_EQ(state(longer), RecipientState::expired);
  EXPECT_EQ(state(endless), RecipientState::queued);
}

// ---- who listens --------------------------------------------------------------------------------------------------

TEST_P(AmendTest, WhoListensHearsOfTheNewTimes) {
  std::vector<Time> due, expiry;
  store().on_due_changed(mailbox_, [&](Time earliest) { due.push_back(earliest); });
  store().on_expiry_changed(mailbox_, [&](Time earliest) { expiry.push_back(earliest); });
  const MessageId id = scheduled(now_ + hours(4));
  mailbox_.run_until([&] { return due.size() == 1; });
  AmendRequest request = to_time(id, now_ + hours(2));
  request.expires_at = now_ + hours(3);
  ASSERT_TRUE(amend(request).has_value());
  mailbox_.run_until([&] { return due.size() == 2 && expiry.size() == 1; });
  EXPECT_EQ(due.back(), now_ + hours(2));
  EXPECT_EQ(expiry.back(), now_ + hours(3));

  ASSERT_TRUE(amend(request).has_value());  // nothing new
  AmendRequest other = of(id);
  other.expires_at = now_ + hours(9);
  ASSERT_TRUE(amend(other).has_value());
  mailbox_.run_until([&] { return expiry.size() == 2; });
  EXPECT_EQ(expiry.back(), now_ + hours(9)) << "also a later one: who waits for the old one would come too early";
  AmendRequest lane = of(id);
  lane.lane = Lane::high;
  ASSERT_TRUE(amend(lane).has_value());
  mailbox_.run_until([&] { return due.size() == 3; });
  EXPECT_EQ(due.back(), now_ + hours(2)) << "it stands elsewhere now";
}

POSTRIDER_STORE_SUITE(AmendTest);

}  // namespace
}  // namespace postrider::storage::conformance
