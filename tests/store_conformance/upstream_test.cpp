// What the store keeps of upstreams: their states and events, what waits for them, and whose messages their ids mean.
#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class UpstreamTest : public StoreTest {
 protected:
  static UpstreamState named(const std::string& name) {
    UpstreamState state;
    state.name = name;
    return state;
  }
  MessageId handed_over(const std::string& upstream, const std::string& id) {
    NewMessage m = message({"a@example.com", "b@example.com"});
    const MessageId message_id = claimed(std::move(m));
    std::vector<RecipientUpdate> updates{update(0, Trigger::hand_over), update(1, Trigger::hand_over)};
    for (RecipientUpdate& u : updates) {
      u.upstream = upstream;
      u.remote_id = id;
      u.provider_id = true;
    }
    EXPECT_TRUE(settle(settlement(message_id, updates)).has_value());
    return message_id;
  }
};

// ---- states and events --------------------------------------------------------------------------------------------

TEST_P(UpstreamTest, AStateIsKeptAsItIsAndReplacesTheOneBefore) {
  UpstreamState state = named("primary");
  state.health = 2;
  state.opened_stage = 3;
  state.changed_at = now_;
  state.last_error = "refused";
  state.paused_until = now_ + std::chrono::hours(1);
  state.stopped = true;
  state.stopped_by = "alice";
  state.preferred = true;
  state.canary_percent = 5;
  state.canary_messages = 100;
  state.preferred_by = "bob";
  state.day_start = now_;
  state.month_start = now_ - std::chrono::hours(24);
  state.day_count = 10;
  state.month_count = 1'000'000'000'000;
  ASSERT_TRUE(put_upstream(named("primary")).has_value());
  ASSERT_TRUE(put_upstream(named("backup")).has_value());
  ASSERT_TRUE(put_upstream(state).has_value());
  reopen(Ending::crash);
  const auto states = upstream_states();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].name, "backup");
  EXPECT_EQ(states[0].health, 0);
  const UpstreamState& after = states[1];
  EXPECT_EQ(after.name, "primary");
  EXPECT_EQ(after.health, 2);
  EXPECT_EQ(after.opened_stage, 3);
  EXPECT_EQ(after.changed_at, state.changed_at);
  EXPECT_EQ(after.last_error, "refused");
  EXPECT_EQ(after.paused_until, state.paused_until);
  EXPECT_TRUE(after.stopped);
  EXPECT_EQ(after.stopped_by, "alice");
  EXPECT_TRUE(after.preferred);
  EXPECT_EQ(after.canary_percent, 5u);
  EXPECT_EQ(after.canary_messages, 100u);
  EXPECT_EQ(after.preferred_by, "bob");
  EXPECT_EQ(after.day_start, state.day_start);
  EXPECT_EQ(after.month_start, state.month_start);
  EXPECT_EQ(after.day_count, 10u);
  EXPECT_EQ(after.month_count, 1'000'000'000'000u);
  EXPECT_TRUE(verify_faults().empty());
}

TEST_P(UpstreamTest, ItsEventsStandInTheFeedAmongTheOthers) {
  const MessageId before = stored();
  ASSERT_TRUE(put_upstream(named("primary"), {upstream_event(EventType::upstream_opened, now_),
                                              upstream_event(EventType::upstream_paused, now_)})
                  .has_value());
  const MessageId after = stored();
  const auto events = all_events();
  ASSERT_EQ(types(events), (std::vector<EventType>{EventType::accepted, EventType::upstream_opened,
                                                   EventType::upstream_paused, EventType::accepted}));
  for (std::size_t i = 1; i < events.size(); ++i) EXPECT_EQ(events[i].seq, events[i - 1].seq + 1);
  EXPECT_TRUE(events[1].message.is_nil());
  EXPECT_EQ(events[1].upstream, "primary");
  EXPECT_EQ(events[1].reason.text, "said the upstream");
  EXPECT_EQ(events[2].upstream, "primary");
  EXPECT_EQ(types(history(before)), std::vector<EventType>{EventType::accepted});
  EXPECT_EQ(types(history(after)), std::vector<EventType>{EventType::accepted});
}

TEST_P(UpstreamTest, RefusesAsAWholeWhatIsNoUpstreamsEvent) {
  const auto refused = put_upstream(
      named("primary"), {upstream_event(EventType::upstream_opened, now_), upstream_event(EventType::sent, now_)});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, FaultKind::invalid);
  EXPECT_EQ(put_upstream(named("")).error().kind, FaultKind::invalid);
  EXPECT_EQ(put_upstream(named(std::string(300, 'n'))).error().kind, FaultKind::invalid);
  EXPECT_TRUE(upstream_states().empty());
  EXPECT_TRUE(all_events().empty());
}

TEST_P(UpstreamTest, EventsOfUpstreamsGoByTheirAge) {
  ASSERT_TRUE(put_upstream(named("primary"), {upstream_event(EventType::upstream_opened, now_)}).has_value());
  const MessageId live = stored();
  const MessageId sent = brought_to(RecipientState::sent);
  advance(std::chrono::hours(2));
  ASSERT_TRUE(put_upstream(named("primary"), {upstream_event(EventType::upstream_closed, now_)}).has_value());
  RetirePolicy policy;
  policy.history = std::chrono::hours(1);
  policy.history_max_bytes = 0;  // crowded or not
  EXPECT_EQ(retire_all(policy).messages, 1u);
  EXPECT_EQ(find(sent).error().kind, FaultKind::not_found);
  EXPECT_EQ(types(all_events()), (std::vector<EventType>{EventType::accepted, EventType::upstream_closed}));
  EXPECT_TRUE(find(live).has_value());
  advance(std::chrono::hours(1));
  retire_all(policy);
  EXPECT_EQ(types(all_events()), std::vector<EventType>{EventType::accepted});
  EXPECT_EQ(upstream_states().size(), 1u) << "the state has no age";
}

// ---- what waits ---------------------------------------------------------------------------------------------------

TEST_P(UpstreamTest, WhatWaitsIsCountedByBucketAndLane) {
  EXPECT_TRUE(waiting().empty());
  EXPECT_TRUE(due_heads().empty());
  const auto waits = [&](std::uint32_t bucket, Lane lane, std::chrono::minutes in) {
    NewMessage m = message();
    m.record.wait_bucket = bucket;
    m.record.envelope.lane = lane;
    m.record.recipients[0].due = now_ + in;
    return stored(std::move(m));
  };
  for (int i = 3; i > 0; --i) waits(0, Lane::normal, std::chrono::minutes(i));
  waits(0, Lane::low, std::chrono::minutes(9));
  waits(7, Lane::high, std::chrono::minutes(2));
  const MessageId last = waits(UINT32_MAX, Lane::low, std::chrono::minutes(5));
  brought_to(RecipientState::held);
  brought_to(RecipientState::sending);
  const std::vector<DueHead> heads = due_heads();
  ASSERT_EQ(heads.size(), 4u);
  EXPECT_EQ(heads[0], (DueHead{0, Lane::normal, now_ + std::chrono::minutes(1)}));
  EXPECT_EQ(heads[1], (DueHead{0, Lane::low, now_ + std::chrono::minutes(9)}));
  EXPECT_EQ(heads[2], (DueHead{7, Lane::high, now_ + std::chrono::minutes(2)}));
  EXPECT_EQ(heads[3], (DueHead{UINT32_MAX, Lane::low, now_ + std::chrono::minutes(5)}));
  const auto rows = waiting();
  ASSERT_EQ(rows.size(), 4u);
  const auto check = [&](const Waiting& row, std::uint32_t bucket, Lane lane, std::uint64_t messages, int minutes) {
    EXPECT_EQ(row.bucket, bucket);
    EXPECT_EQ(row.lane, lane);
    EXPECT_EQ(row.messages, messages);
    EXPECT_EQ(row.earliest, now_ + std::chrono::minutes(minutes));
  };
  check(rows[0], 0, Lane::normal, 3, 1);
  check(rows[1], 0, Lane::low, 1, 9);
  check(rows[2], 7, Lane::high, 1, 2);
  check(rows[3], UINT32_MAX, Lane::low, 1, 5);
  ASSERT_TRUE(steer(last, SteerVerb::cancel).has_value());
  EXPECT_EQ(due_heads().size(), 3u);
}

// ---- providers' ids -----------------------------------------------------------------------------------------------

TEST_P(UpstreamTest, AMessageIsFoundByTheIdItsProviderGave) {
  const MessageId id = handed_over("mail", "<1@provider>");
  const MessageId other = handed_over("other", "<1@provider>");
  EXPECT_EQ(find_by_provider_id("mail", "<1@provider>").value(), id);
  EXPECT_EQ(find_by_provider_id("other", "<1@provider>").value(), other);
  EXPECT_EQ(find_by_provider_id("mail", "<2@provider>").error().kind, FaultKind::not_found);
  EXPECT_EQ(find_by_provider_id("", "").error().kind, FaultKind::not_found);
  EXPECT_TRUE(find(id)->recipients[1].provider_id);
  EXPECT_EQ(find(id)->recipients[1].remote_id, "<1@provider>");
  reopen(Ending::crash);
  EXPECT_EQ(find_by_provider_id("mail", "<1@provider>").value(), id);
  EXPECT_TRUE(verify_faults().empty());
}

TEST_P(UpstreamTest, OfSeveralWithOneIdTheNewestIsMeant) {
  handed_over("mail", "twice");
  advance(std::chrono::minutes(1));
  const MessageId newer = handed_over("mail", "twice");
  EXPECT_EQ(find_by_provider_id("mail", "twice").value(), newer);
}

TEST_P(UpstreamTest, TheTextOfAReplyIsNoId) {
  const MessageId id = brought_to(RecipientState::sent);
  EXPECT_EQ(find(id)->recipients[0].remote_id, "remote-1");
  EXPECT_EQ(find_by_provider_id("primary", "remote-1").error().kind, FaultKind::not_found);
}

TEST_P(UpstreamTest, AnIdGoesWithWhatItStoodFor) {
  const MessageId id = claimed();
  RecipientUpdate gave_up = update(0, Trigger::give_up);
  gave_up.remote_id = "first";
  gave_up.provider_id = true;
  ASSERT_TRUE(settle(settlement(id, {gave_up})).has_value());
  EXPECT_EQ(find_by_provider_id("primary", "first").value(), id);
  ASSERT_TRUE(steer(id, SteerVerb::retry).has_value());
  EXPECT_EQ(find_by_provider_id("primary", "first").error().kind, FaultKind::not_found);
  handed_over("mail", "second");
  RetirePolicy policy;
  policy.history = Duration(0);
  EXPECT_EQ(retire_all(policy).messages, 1u);
  EXPECT_EQ(find_by_provider_id("mail", "second").error().kind, FaultKind::not_found);
  EXPECT_TRUE(verify_faults().empty());
}

// ---- fields -------------------------------------------------------------------------------------------------------

TEST_P(UpstreamTest, WhatASubmitterAskedForIsKept) {
  NewMessage m = message();
  m.record.envelope.tags = {"invoice", ""};
  m.record.envelope.retry.retries = 0;
  m.record.envelope.retry.interval = std::chrono::minutes(3);
  m.record.envelope.expires_at = now_ + std::chrono::hours(1);
  m.record.envelope.capture_only = true;
  m.record.recipients[0].redirected_from = "real@example.net";
  const MessageId id = stored(std::move(m));
  reopen(Ending::clean);
  const MessageRecord record = find(id).value();
  EXPECT_EQ(record.envelope.tags, (std::vector<std::string>{"invoice", ""}));
  EXPECT_EQ(record.envelope.retry.retries, 0u);
  EXPECT_EQ(record.envelope.retry.interval, Duration(std::chrono::minutes(3)));
  EXPECT_EQ(record.envelope.expires_at, now_ + std::chrono::hours(1));
  EXPECT_TRUE(record.envelope.capture_only);
  EXPECT_EQ(record.recipients[0].redirected_from, "real@example.net");
}

TEST_P(UpstreamTest, TagsAreBounded) {
  NewMessage many = message(), longest = message(), most = message();
  many.record.envelope.tags.resize(kMaxTags + 1);
  longest.record.envelope.tags = {std::string(kMaxTagOctets + 1, 't')};
  most.record.envelope.tags.assign(kMaxTags, std::string(kMaxTagOctets, 't'));
  EXPECT_EQ(accept(std::move(many)).error().kind, FaultKind::invalid);
  EXPECT_EQ(accept(std::move(longest)).error().kind, FaultKind::invalid);
  EXPECT_EQ(find(stored(std::move(most)))->envelope.tags.size(), kMaxTags);
}

TEST_P(UpstreamTest, TheHistorySaysWhyAnUpstreamWasAsked) {
  const MessageId id = claimed();
  Settlement s = settlement(id, {update(0, Trigger::hand_over)});
  s.attempts[0].why = "preferred: alice's hot swap";
  s.attempts[0].provider_id = true;
  ASSERT_TRUE(settle(std::move(s)).has_value());
  const auto events = history(id);
  ASSERT_NE(events[1].attempt, nullptr);
  EXPECT_EQ(events[1].attempt->why, "preferred: alice's hot swap");
  EXPECT_TRUE(events[1].attempt->provider_id);
}

POSTRIDER_STORE_SUITE(UpstreamTest);

}  // namespace
}  // namespace postrider::storage::conformance
