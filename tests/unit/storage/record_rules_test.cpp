#include "storage/record_rules.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "storage/retention_rules.h"

namespace postrider::storage {
namespace {

using S = RecipientState;
const Time kNow = from_ms(1'800'000'000'000);
constexpr auto kMinute = std::chrono::minutes(1);

MessageRecord record(std::size_t recipients = 1) {
  static MessageIdSource ids(1);
  MessageRecord r;
  r.id = ids.next(kNow);
  r.envelope.sender = parse_address("app@example.org").value();
  r.envelope.created_at = kNow;
  for (std::size_t i = 0; i < recipients; ++i) {
    Recipient& recipient = r.recipients.emplace_back();
    recipient.address = parse_address("user" + std::to_string(i) + "@example.com").value();
    recipient.due = kNow;
    recipient.age_from = kNow;
  }
  return r;
}

MessageRecord in_state(S state, std::size_t recipients = 1) {
  MessageRecord r = record(recipients);
  for (Recipient& recipient : r.recipients) {
    recipient.state = state;
    recipient.changed_at = kNow;
  }
  return r;
}

Settlement settlement(const MessageRecord& r, std::vector<std::pair<std::uint32_t, Trigger>> ends) {
  Settlement s;
  s.id = r.id;
  s.now = kNow + kMinute;
  for (const auto& [index, trigger] : ends) {
    RecipientUpdate u;
    u.recipient = index;
    u.trigger = trigger;
    u.due = kNow + 10 * kMinute;
    s.updates.push_back(u);
  }
  return s;
}

std::vector<EventType> types(const std::vector<Event>& events) {
  std::vector<EventType> all;
  for (const Event& event : events) all.push_back(event.type);
  return all;
}

// ---- accept -------------------------------------------------------------------------------------------------------

TEST(AcceptRecord, CompletesTheRecipientsAndSaysItOnce) {
  NewMessage m;
  m.record = record(3);
  m.now = kNow;
  m.record.recipients[1].due = kNow + kMinute;
  m.record.recipients[1].age_from = Time{};
  const auto events = accept_record(m);
  ASSERT_TRUE(events.has_value());
  EXPECT_EQ(types(*events), std::vector<EventType>{EventType::accepted});
  EXPECT_EQ(m.record.recipients[0].changed_at, kNow);
  EXPECT_EQ(m.record.recipients[1].age_from, kNow + kMinute);
}

TEST(AcceptRecord, TellsWhatAGuardDid) {
  NewMessage plain, redirected, captured;
  plain.record = redirected.record = captured.record = record(2);
  redirected.record.recipients[1].redirected_from = "x@example.com";
  captured.record.envelope.capture_only = true;
  EXPECT_EQ(accept_record(plain)->at(0).reason, Reason());
  EXPECT_EQ(accept_record(redirected)->at(0).reason.text, "redirected from x@example.com");
  EXPECT_EQ(accept_record(redirected)->at(0).reason.cause, Cause::policy);
  EXPECT_EQ(accept_record(captured)->at(0).reason.text, "for a capture upstream only");
}

TEST(AcceptRecord, RefusesWhatIsNotANewMessage) {
  NewMessage nobody;
  EXPECT_EQ(accept_record(nobody).error().kind, FaultKind::invalid);
  NewMessage started;
  started.record = in_state(S::sending);
  EXPECT_EQ(accept_record(started).error().kind, FaultKind::invalid);
  NewMessage gap;
  gap.record = record();
  gap.record.body_chunks = 3;
  gap.first_chunk = 1;
  gap.body.chunks.push_back(std::make_shared<const std::string>("x"));
  EXPECT_EQ(accept_record(gap).error().kind, FaultKind::invalid);
}

TEST(AcceptRecord, RefusesMoreMetadataThanIsKept) {
  NewMessage many, large;
  many.record = large.record = record();
  many.record.envelope.metadata.resize(kMaxMetadata + 1);
  EXPECT_EQ(accept_record(many).error().text, "a message has metadata of at most 50 names");
  large.record.envelope.metadata = {{"name", std::string(kMaxMetadataOctets - 3, 'x')}};
  EXPECT_EQ(accept_record(large).error().text, "names and values of metadata have at most 10000 octets");
  large.record.envelope.metadata[0].second.pop_back();
  EXPECT_TRUE(accept_record(large).has_value());
}

// ---- settle -------------------------------------------------------------------------------------------------------

TEST(SettleRecord, AFaultLeavesTheRecordAsItWas) {
  MessageRecord r = in_state(S::sending, 2);
  r.recipients[1].state = S::sent;
  for (const auto& ends :
       std::vector<std::vector<std::pair<std::uint32_t, Trigger>>>{{{0, Trigger::hand_over}, {1, Trigger::hand_over}},
                                                                   {{0, Trigger::hand_over}, {2, Trigger::hand_over}},
                                                                   {{0, Trigger::hand_over}, {0, Trigger::defer}},
                                                                   {{0, Trigger::revive}}}) {
    Settlement s = settlement(r, ends);
    s.wait_bucket = 9;
    EXPECT_FALSE(settle_record(r, s).has_value());
    EXPECT_EQ(r.recipients[0].state, S::sending);
    EXPECT_EQ(r.wait_bucket, 0u);
  }
}

TEST(SettleRecord, TheBodyGoesOnlyWhenNobodyNeedsItAnyMore) {
  struct Row {
    Trigger first, second;
    bool remove, goes;
  };
  for (const Row& row :
       {Row{Trigger::hand_over, Trigger::hand_over, true, true}, Row{Trigger::hand_over, Trigger::refuse, true, true},
        Row{Trigger::hand_over, Trigger::hand_over, false, false},
        Row{Trigger::hand_over, Trigger::give_up, true, false}, Row{Trigger::hand_over, Trigger::defer, true, false},
        Row{Trigger::hold, Trigger::hand_over, true, false}}) {
    MessageRecord r = in_state(S::sending, 2);
    Settlement s = settlement(r, {{0, row.first}, {1, row.second}});
    s.remove_sent_body = row.remove;
    const auto settled = settle_record(r, s);
    ASSERT_TRUE(settled.has_value());
    EXPECT_EQ(settled->body_may_go, row.goes);
    EXPECT_EQ(r.body, row.goes ? BodyState::removed : BodyState::present);
  }
}

TEST(SettleRecord, EventsAreOnePerRecipientUnlessAllAreAlike) {
  MessageRecord alike = in_state(S::sending, 3);
  auto settled =
      settle_record(alike, settlement(alike, {{0, Trigger::defer}, {1, Trigger::defer}, {2, Trigger::defer}}));
  ASSERT_EQ(settled->events.size(), 1u);
  EXPECT_EQ(settled->events[0].recipient, kAllRecipients);

  MessageRecord some = in_state(S::sending, 3);
  settled = settle_record(some, settlement(some, {{0, Trigger::defer}, {2, Trigger::defer}}));
  ASSERT_EQ(settled->events.size(), 2u);
  EXPECT_EQ(settled->events[0].recipient, 0u);
  EXPECT_EQ(settled->events[1].recipient, 2u);

  MessageRecord reasons = in_state(S::sending, 2);
  Settlement s = settlement(reasons, {{0, Trigger::refuse}, {1, Trigger::refuse}});
  s.updates[1].reason.code = 550;
  settled = settle_record(reasons, s);
  EXPECT_EQ(settled->events.size(), 2u);
}

TEST(SettleRecord, ARequestThatTookEffectKeepsWhatTheAttemptSaid) {
  MessageRecord r = in_state(S::sending);
  r.recipients[0].cancel_requested = true;
  Settlement s = settlement(r, {{0, Trigger::defer}});
  s.updates[0].reason = Reason{Cause::route, Stage::connect, 0, "", "connection refused"};
  ASSERT_TRUE(settle_record(r, s).has_value());
  EXPECT_EQ(r.recipients[0].state, S::cancelled);
  EXPECT_EQ(r.recipients[0].reason.cause, Cause::operator_);
  EXPECT_EQ(r.recipients[0].reason.stage, Stage::connect);
  EXPECT_NE(r.recipients[0].reason.text.find("connection refused"), std::string::npos);
}

// ---- steer --------------------------------------------------------------------------------------------------------

// States that only providers and lists bring about, which the conformance suite cannot reach through the store.
TEST(SteerRecord, StatesTheStoreItselfDoesNotReach) {
  struct Row {
    SteerVerb verb;
    S from;
    bool applies;
  };
  for (const Row& row : {Row{SteerVerb::release, S::suppressed, true}, Row{SteerVerb::retry, S::suppressed, false},
                         Row{SteerVerb::cancel, S::suppressed, false}, Row{SteerVerb::hold, S::suppressed, false},
                         Row{SteerVerb::release, S::delivered, false}, Row{SteerVerb::retry, S::delivered, false},
                         Row{SteerVerb::release, S::expired, false}, Row{SteerVerb::retry, S::expired, false},
                         Row{SteerVerb::cancel, S::expired, false}, Row{SteerVerb::hold, S::delivered, false}}) {
    SCOPED_TRACE(to_string(row.from));
    MessageRecord r = in_state(row.from);
    const auto steered = steer_record(r, {r.id, row.verb, {}, "alice", "", {}, kNow});
    ASSERT_EQ(steered.has_value(), row.applies);
    EXPECT_EQ(r.state(), row.applies ? S::queued : row.from);
    if (row.applies) continue;
    EXPECT_NE(steered.error().text.find(to_string(row.from)), std::string::npos);
  }
}

TEST(SteerRecord, StartsTriesAndAgeAnew) {
  MessageRecord r = in_state(S::failed);
  r.recipients[0].tries = 4;
  r.recipients[0].interruptions = 2;
  r.wait_bucket = 12;
  ASSERT_TRUE(steer_record(r, {r.id, SteerVerb::retry, {}, "alice", "", {}, kNow + kMinute}).has_value());
  EXPECT_EQ(r.recipients[0].tries, 0u);
  EXPECT_EQ(r.recipients[0].interruptions, 0u);
  EXPECT_EQ(r.recipients[0].age_from, kNow + kMinute);
  EXPECT_EQ(r.due(), kNow + kMinute);
  EXPECT_EQ(r.wait_bucket, 0u);
}

TEST(SteerRecord, TheGivenReasonIsKept) {
  MessageRecord r = record();
  Reason why;
  why.cause = Cause::policy;
  why.text = "quarter end";
  const auto steered = steer_record(r, {r.id, SteerVerb::hold, {}, "alice", "", why, kNow});
  ASSERT_TRUE(steered.has_value());
  EXPECT_EQ(r.recipients[0].reason, why);
  EXPECT_EQ(steered->events.at(0).reason, why);
}

// ---- recovery -----------------------------------------------------------------------------------------------------

TEST(RecoverRecord, IsSilentWhenNothingWasBeingSent) {
  for (const S state : {S::queued, S::deferred, S::held, S::sent, S::failed}) {
    MessageRecord r = in_state(state);
    EXPECT_TRUE(recover_record(r, kNow, 3).empty());
    EXPECT_EQ(r.state(), state);
  }
}

TEST(RecoverRecord, OneAttemptForEachUpstreamThatWasAsked) {
  MessageRecord r = in_state(S::sending, 3);
  r.recipients[0].upstream = r.recipients[2].upstream = "primary";
  r.recipients[1].upstream = "backup";
  r.recipients[2].changed_at = kNow - kMinute;
  const auto events = recover_record(r, kNow + kMinute, 3);
  ASSERT_EQ(types(events),
            (std::vector<EventType>{EventType::attempted, EventType::attempted, EventType::interrupted}));
  EXPECT_EQ(events[0].attempt->upstream, "primary");
  EXPECT_EQ(events[0].attempt->recipients.size(), 2u);
  EXPECT_EQ(events[0].attempt->started_at, kNow - kMinute);
  EXPECT_EQ(events[1].attempt->upstream, "backup");
  EXPECT_EQ(events[2].recipient, kAllRecipients);
}

TEST(RecoverRecord, HoldsOnlyTheRecipientThatWasHitTooOften) {
  MessageRecord r = in_state(S::sending, 2);
  r.recipients[1].interruptions = 2;
  const auto events = recover_record(r, kNow, 3);
  EXPECT_EQ(r.recipients[0].state, S::deferred);
  EXPECT_EQ(r.recipients[1].state, S::held);
  EXPECT_EQ(r.recipients[1].reason.cause, Cause::policy);
  EXPECT_EQ(events.back().type, EventType::held);
  EXPECT_EQ(events.back().recipient, 1u);
}

// ---- helpers ------------------------------------------------------------------------------------------------------

TEST(DueKeyOf, IsTheEarliestWaitingRecipient) {
  MessageRecord r = record(3);
  r.envelope.lane = Lane::low;
  r.wait_bucket = 4;
  r.recipients[0].state = S::sending;
  r.recipients[1].due = kNow + 2 * kMinute;
  r.recipients[2].due = kNow + kMinute;
  EXPECT_EQ(due_key(r), (DueKey{4, Lane::low, kNow + kMinute, r.id}));
  EXPECT_FALSE(due_key(in_state(S::sending)).has_value());
  EXPECT_FALSE(due_key(in_state(S::held)).has_value());
}

TEST(SenderHash, FoldsCaseAndTellsTenantsApart) {
  MessageRecord a = record(), b = record(), c = record();
  b.envelope.sender = parse_address("APP@Example.ORG").value();
  c.envelope.tenant = "shop";
  EXPECT_EQ(sender_hash(a), sender_hash(b));
  EXPECT_NE(sender_hash(a), sender_hash(c));
}

TEST(ShardOf, SpreadsIdsOverAllShards) {
  std::vector<int> counts(3);
  for (int i = 0; i < 3000; ++i) ++counts.at(shard_of(record().id, 3));
  for (const int count : counts) EXPECT_NEAR(count, 1000, 200);
  EXPECT_EQ(shard_of(record().id, 1), 0u);
}

TEST(StoredBytes, AreWholePagesForLongValues) {
  EXPECT_LT(stored_bytes(100), 200u);
  EXPECT_EQ(stored_bytes(4000), 4096u);
  EXPECT_EQ(stored_bytes(4096 - 16), 4096u);
  EXPECT_EQ(stored_bytes(4096 - 15), 8192u);
  EXPECT_EQ(stored_bytes(kChunkPayload + kChunkRecordHeader), 12u * 4096u);  // the chunk size leaves no page half empty
  EXPECT_EQ(stored_body_bytes(0), 0u);
  EXPECT_EQ(stored_body_bytes(kChunkPayload * 3), 3u * 12u * 4096u);
  EXPECT_EQ(stored_body_bytes(kChunkPayload + 3000), 13u * 4096u);
}

TEST(Retention, NeverTouchesAMessageWithALiveRecipient) {
  RetirePolicy policy;
  policy.history = policy.sent_bodies = policy.failed_bodies = Duration(0);
  const Time far = kNow + std::chrono::hours(24 * 4000);
  for (int first = 0; first < kRecipientStates; ++first) {
    for (int second = 0; second < kRecipientStates; ++second) {
      MessageRecord r = in_state(static_cast<S>(first), 2);
      r.recipients[1].state = static_cast<S>(second);
      const bool live = is_live(static_cast<S>(first)) || is_live(static_cast<S>(second));
      EXPECT_EQ(finished_at(r), live ? kNever : kNow);
      EXPECT_EQ(body_expired(r, policy, far), !live);
      EXPECT_EQ(history_expired(r, policy, far), !live);
    }
  }
}

TEST(Retention, CountsFromTheLastChangeAndByWhoMayComeBack) {
  RetirePolicy policy;
  policy.history = 5 * kMinute;
  policy.sent_bodies = kMinute;
  policy.failed_bodies = 10 * kMinute;
  MessageRecord r = in_state(S::sent, 2);
  r.recipients[1].changed_at = kNow + kMinute;
  EXPECT_FALSE(body_expired(r, policy, kNow + 2 * kMinute - Duration(1)));
  EXPECT_TRUE(body_expired(r, policy, kNow + 2 * kMinute));
  EXPECT_FALSE(history_expired(r, policy, kNow + 6 * kMinute - Duration(1)));
  EXPECT_TRUE(history_expired(r, policy, kNow + 6 * kMinute));
  for (const S parked : {S::failed, S::suppressed}) {
    r.recipients[0].state = parked;
    EXPECT_FALSE(body_expired(r, policy, kNow + 11 * kMinute - Duration(1)));
    EXPECT_FALSE(history_expired(r, policy, kNow + 11 * kMinute - Duration(1)));
    EXPECT_TRUE(history_expired(r, policy, kNow + 11 * kMinute));
  }
  const Event event = remove_body(r, kNow, true);
  EXPECT_EQ(event.type, EventType::body_removed);
  EXPECT_FALSE(body_expired(r, policy, kNow + 60 * kMinute));
  EXPECT_TRUE(history_expired(r, policy, kNow + 6 * kMinute));
}

TEST(AmendRecord, DoesNotMakeAHistoryLongerWithoutEnd) {
  MessageRecord r = record();
  AmendRequest request;
  request.now = kNow - kMinute;
  request.lane = Lane::high;
  r.history.resize(kMaxHistoryToAmend - 1, 1);
  ASSERT_TRUE(amend_record(r, request).has_value());
  r.history.push_back(2);
  request.lane = Lane::low;
  const auto refused = amend_record(r, request);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, FaultKind::conflict);
  EXPECT_NE(refused.error().text.find("1000 entries"), std::string::npos) << refused.error().text;
  EXPECT_EQ(r.envelope.lane, Lane::high);
}

TEST(AmendRecord, IsTooLateOnceAStopWasAskedFor) {
  for (const bool cancel : {true, false}) {
    MessageRecord r = record();
    r.recipients[0].due = kNow + kMinute;
    (cancel ? r.recipients[0].cancel_requested : r.recipients[0].hold_requested) = true;
    AmendRequest request;
    request.now = kNow;
    request.send_at = kNow + 2 * kMinute;
    EXPECT_EQ(amend_record(r, request).error().text,
              "the message is queued, to be stopped: it can be rescheduled only before its first try");
    EXPECT_EQ(r.due(), kNow + kMinute);
  }
}

TEST(ListFilterTest, DomainsMatchWholeAndInAnyCase) {
  const MessageRecord r = record();
  const auto matches = [&](const std::string& sender) {
    ListQuery query;
    query.sender = sender;
    return ListFilter(query).matches(r);
  };
  EXPECT_TRUE(matches("APP@example.ORG"));
  EXPECT_TRUE(matches("@Example.org"));
  EXPECT_FALSE(matches("@ample.org"));
  EXPECT_FALSE(matches("@"));
  EXPECT_FALSE(matches(""));
}

}  // namespace
}  // namespace postrider::storage
