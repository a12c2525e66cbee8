#include "storage/claim_rules.h"

#include <gtest/gtest.h>

#include <algorithm>

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
  for (std::size_t i = 0; i < recipients; ++i) {
    Recipient& recipient = r.recipients.emplace_back();
    recipient.address = parse_address("User" + std::to_string(i) + "@Example.com").value();
    recipient.due = kNow;
  }
  return r;
}

FindSuppression list_of(const std::vector<std::string>& keys) {
  return [keys](const std::string& key) -> std::optional<Suppression> {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) return std::nullopt;
    return Suppression{key, "complained", {}, {}};
  };
}

TEST(ClaimRecord, AnIntentClaimsOnlyWhatIsDue) {
  MessageRecord r = record(2);
  r.recipients[1].due = kNow + kMinute;
  EXPECT_TRUE(claim_new(r, Intent{"primary"}, kNow, {}).empty());
  EXPECT_EQ(r.recipients[0].state, S::sending);
  EXPECT_EQ(r.recipients[1].state, S::queued);
}

TEST(ClaimRecord, ChangesNothingWhenNothingIsDue) {
  MessageRecord r = record();
  EXPECT_TRUE(claim_record(r, {r.id, "primary", kNow - Duration(1)}, {}).nothing());
  EXPECT_EQ(r.recipients[0].state, S::queued);
  EXPECT_TRUE(r.recipients[0].upstream.empty());
  EXPECT_EQ(claim_record(r, {r.id, "primary", kNow}, {}).claimed.size(), 1u);
  EXPECT_TRUE(claim_record(r, {r.id, "backup", kNow}, {}).nothing());
  EXPECT_EQ(r.recipients[0].upstream, "primary");
}

TEST(ClaimRecord, KeepsTheUpstreamOfAHandOverThatWasCutOff) {
  for (const Cause cause : {Cause::uncertain, Cause::interrupted, Cause::route}) {
    MessageRecord r = record();
    r.recipients[0].upstream = "backup";
    r.recipients[0].reason.cause = cause;
    EXPECT_EQ(claim_record(r, {r.id, "primary", kNow}, {}).claimed.size(), 1u);
    EXPECT_EQ(r.recipients[0].upstream, cause == Cause::route ? "primary" : "backup");
  }
}

TEST(ClaimRecord, AsksTheListForWhatIsDueAndForNothingElse) {
  MessageRecord r = record(4);
  r.recipients[0].state = S::deferred;
  r.recipients[1].due = kNow + kMinute;
  r.recipients[2].state = S::held;
  std::vector<std::string> asked;
  const ClaimResult claim = claim_record(r, {r.id, "primary", kNow}, [&](const std::string& key) {
    asked.push_back(key);
    return std::optional<Suppression>();
  });
  EXPECT_EQ(asked, (std::vector<std::string>{"user0@example.com", "user3@example.com"}));
  EXPECT_EQ(claim.claimed, (std::vector<std::uint32_t>{0, 3}));
  EXPECT_TRUE(claim.suppressed.empty());
}

TEST(ClaimRecord, WhoIsOnTheListComesToRestWithAReason) {
  MessageRecord r = record(3);
  const ClaimResult claim = claim_record(r, {r.id, "primary", kNow}, list_of({"user1@example.com"}));
  EXPECT_EQ(claim.claimed, (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(claim.suppressed, std::vector<std::uint32_t>{1});
  ASSERT_EQ(claim.events.size(), 1u);
  EXPECT_EQ(claim.events[0].type, EventType::suppressed);
  EXPECT_EQ(claim.events[0].recipient, 1u);
  EXPECT_EQ(claim.events[0].reason.text, "on the suppression list: complained");
  EXPECT_EQ(r.recipients[1].state, S::suppressed);
  EXPECT_EQ(r.recipients[1].changed_at, kNow);
  EXPECT_EQ(r.recipients[1].reason, claim.events[0].reason);
  EXPECT_EQ(r.recipients[1].owed, Notice::failed);
}

TEST(ClaimRecord, SaysItOnceWhenAllAreOnTheList) {
  MessageRecord r = record(2);
  const ClaimResult claim =
      claim_record(r, {r.id, "primary", kNow, false}, list_of({"user0@example.com", "user1@example.com"}));
  EXPECT_TRUE(claim.claimed.empty());
  ASSERT_EQ(claim.events.size(), 1u);
  EXPECT_EQ(claim.events[0].recipient, kAllRecipients);
  EXPECT_FALSE(r.live());
  EXPECT_FALSE(r.owes_notice()) << "notices are off";
}

}  // namespace
}  // namespace postrider::storage
