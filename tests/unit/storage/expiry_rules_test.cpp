// What time does to a message by itself, for every state a recipient can be in.
#include "storage/expiry_rules.h"

#include <gtest/gtest.h>

namespace postrider::storage {
namespace {

using S = RecipientState;
const Time kNow = from_ms(1'800'000'000'000);

MessageRecord in_states(const std::vector<S>& states, Time expires_at = kNow) {
  MessageRecord record;
  record.id = MessageIdSource(1).next(kNow);
  record.envelope.sender = {"app", "example.org"};
  record.envelope.expires_at = expires_at;
  for (const S state : states) {
    Recipient& recipient = record.recipients.emplace_back();
    recipient.address = {"user", "example.com"};
    recipient.state = state;
    recipient.age_from = kNow;
  }
  return record;
}

TEST(ExpiryTime, IsKnownOfWhatWaitsAndOfNothingElse) {
  for (int i = 0; i < kRecipientStates; ++i) {
    const S state = static_cast<S>(i);
    const bool waits = state == S::queued || state == S::deferred || state == S::held;
    EXPECT_EQ(expiry_time(in_states({state})).has_value(), waits) << to_string(state);
    EXPECT_FALSE(expiry_time(in_states({state}, kNever)).has_value());
    MessageRecord record = in_states({state});
    EXPECT_EQ(expire_record(record, {kNow}).events.size(), waits ? 1u : 0u);
    EXPECT_EQ(record.state(), waits ? S::expired : state);
  }
  EXPECT_EQ(expiry_time(in_states({S::sending, S::held})), kNow);
}

TEST(ExpireRecord, LeavesWhatHasTime) {
  MessageRecord record = in_states({S::queued}, kNow + Duration(1));
  EXPECT_TRUE(expire_record(record, {kNow}).events.empty());
  EXPECT_EQ(record.state(), S::queued);
}

TEST(ExpireRecord, SaysOnceWhatHappensToAll) {
  MessageRecord alike = in_states({S::queued, S::deferred}), mixed = in_states({S::queued, S::sent, S::held});
  auto result = expire_record(alike, {kNow});
  ASSERT_EQ(result.events.size(), 1u);
  EXPECT_EQ(result.events[0].recipient, kAllRecipients);
  EXPECT_TRUE(result.body_may_go);
  EXPECT_EQ(alike.body, BodyState::removed);
  result = expire_record(mixed, {kNow});
  ASSERT_EQ(result.events.size(), 2u);
  EXPECT_EQ(result.events[1].recipient, 2u);
}

TEST(ExpireRecord, ReplacesADebtOfADelay) {
  for (const bool wants : {true, false}) {
    MessageRecord record = in_states({S::deferred});
    record.recipients[0].owed = Notice::delayed;
    record.recipients[0].notify = {false, false, wants, true};
    expire_record(record, {kNow});
    EXPECT_EQ(record.recipients[0].owed, wants ? Notice::failed : Notice::none);
  }
}

TEST(Revivable, NeedsAFailureByTheRouteAndTheBody) {
  for (int i = 0; i < kRecipientStates; ++i) {
    MessageRecord record = in_states({static_cast<S>(i)}, kNever);
    EXPECT_FALSE(revivable(record));
    record.recipients[0].failed_by_route = true;
    EXPECT_EQ(revivable(record), static_cast<S>(i) == S::failed);
    record.body = BodyState::removed;
    EXPECT_FALSE(revivable(record));
  }
}

TEST(ReviveRecord, ComparesTheAgeWithItsLimit) {
  ReviveRequest request;
  request.max_age = std::chrono::hours(1);
  for (const auto& [age, comes_back] : {std::pair(Duration(std::chrono::hours(1)) - Duration(1), true),
                                        std::pair(Duration(std::chrono::hours(1)), false)}) {
    MessageRecord record = in_states({S::failed}, kNever);
    record.recipients[0].failed_by_route = true;
    request.now = kNow + age;
    EXPECT_EQ(revive_record(record, request).size(), comes_back ? 1u : 0u);
    EXPECT_EQ(record.state(), comes_back ? S::queued : S::failed);
  }
}

TEST(KnownAs, AsksForUpstreamAndIdOfOneRecipient) {
  MessageRecord record = in_states({S::sent, S::sent}, kNever);
  record.recipients[0].upstream = "a";
  record.recipients[0].remote_id = "1";
  record.recipients[0].provider_id = true;
  record.recipients[1].upstream = "b";
  record.recipients[1].remote_id = "2";
  EXPECT_TRUE(known_as(record, "a", "1"));
  EXPECT_FALSE(known_as(record, "a", "2"));
  EXPECT_FALSE(known_as(record, "b", "2")) << "a reply's text";
}

}  // namespace
}  // namespace postrider::storage
