// The suppression list: kept under one form of an address, asked whenever a recipient is due, and nobody on it is sent to.
#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

using S = RecipientState;

class SuppressionTest : public StoreTest {
 protected:
  std::vector<std::string> listed(const SuppressionQuery& query = {}) {
    std::vector<std::string> addresses;
    for (const Suppression& entry : list_suppressions(query).entries) addresses.push_back(entry.address);
    return addresses;
  }
  std::vector<S> states(const MessageRecord& record) {
    std::vector<S> all;
    for (const Recipient& recipient : record.recipients) all.push_back(recipient.state);
    return all;
  }
};

// ---- the list -----------------------------------------------------------------------------------------------------

TEST_P(SuppressionTest, AnEntryIsFoundHoweverTheAddressIsWritten) {
  ASSERT_TRUE(suppress("Ann@B\xc3\xbc"
                       "cher.example",
                       "hard bounce")
                  .has_value());
  const auto found = find_suppressions({"ann@xn--bcher-kva.EXAMPLE", "bob@example.com", "", "no address"});
  ASSERT_EQ(found.size(), 4u);
  ASSERT_TRUE(found[0].has_value());
  EXPECT_EQ(found[0]->address, "ann@xn--bcher-kva.example");
  EXPECT_EQ(found[0]->reason, "hard bounce");
  EXPECT_EQ(found[0]->actor, "alice");
  EXPECT_EQ(found[0]->created_at, now_);
  for (std::size_t i = 1; i < found.size(); ++i) EXPECT_FALSE(found[i].has_value());
}

TEST_P(SuppressionTest, PutReplacesAndRemoveNeedsAnEntry) {
  ASSERT_TRUE(suppress("a@example.com", "first").has_value());
  ASSERT_TRUE(suppress("A@EXAMPLE.com", "second").has_value());
  EXPECT_EQ(listed(), std::vector<std::string>{"a@example.com"});
  EXPECT_EQ(find_suppressions({"a@example.com"})[0]->reason, "second");
  EXPECT_EQ(unsuppress("b@example.com").error().kind, FaultKind::not_found);
  EXPECT_EQ(unsuppress("no address").error().kind, FaultKind::not_found);
  EXPECT_TRUE(unsuppress("a@Example.com").has_value());
  EXPECT_EQ(unsuppress("a@example.com").error().kind, FaultKind::not_found);
  EXPECT_TRUE(listed().empty());
}

TEST_P(SuppressionTest, OnlyAnAddressCanBeOnIt) {
  for (const std::string& wrong : {std::string(), std::string("two@signs@example.com"), std::string("a b@example.com"),
                                   std::string(65, 'x') + "@example.com", "a@" + std::string(300, 'x')}) {
    EXPECT_EQ(suppress(wrong).error().kind, FaultKind::invalid) << wrong;
  }
  EXPECT_TRUE(suppress("postmaster").has_value()) << "a bare local name is an address of ours";
  const std::string label = std::string(61, 'd') + ".";
  const std::string longest = std::string(64, 'l') + "@" + label + label + label + label + "example";
  ASSERT_EQ(longest.size(), kMaxSuppressedAddress);
  EXPECT_TRUE(suppress(longest).has_value());
  EXPECT_TRUE(find_suppressions({longest})[0].has_value());
}

TEST_P(SuppressionTest, TextsAreKeptPrintableAndBounded) {
  ASSERT_TRUE(suppress("a@example.com", "line\r\nbreak" + std::string(2000, 'x')).has_value());
  const std::string reason = find_suppressions({"a@example.com"})[0]->reason;
  EXPECT_LE(reason.size(), kMaxReasonText);
  EXPECT_EQ(reason.find('\n'), std::string::npos);
  NewMessage m = message({"a@example.com"});
  const MessageId id = claimed(std::move(m));
  EXPECT_LE(find(id)->recipients[0].reason.text.size(), kMaxReasonText);
}

TEST_P(SuppressionTest, PagesGoThroughItInOrder) {
  for (const char* address : {"c@example.com", "a@example.com", "B@example.com", "d@example.com", "e@example.com"})
    ASSERT_TRUE(suppress(address).has_value());
  SuppressionQuery query;
  query.limit = 2;
  EXPECT_EQ(listed(query), (std::vector<std::string>{"a@example.com", "b@example.com"}));
  EXPECT_TRUE(list_suppressions(query).more);
  query.after = "b@example.com";
  EXPECT_EQ(listed(query), (std::vector<std::string>{"c@example.com", "d@example.com"}));
  query.after = "D@example.com";
  EXPECT_EQ(listed(query), std::vector<std::string>{"e@example.com"});
  EXPECT_FALSE(list_suppressions(query).more);
  query.after = "bb";  // of no entry, and no address either
  EXPECT_EQ(listed(query), (std::vector<std::string>{"c@example.com", "d@example.com"}));
}

TEST_P(SuppressionTest, TheListOutlivesACrash) {
  ASSERT_TRUE(suppress("a@example.com").has_value());
  ASSERT_TRUE(suppress("b@example.com").has_value());
  ASSERT_TRUE(unsuppress("b@example.com").has_value());
  reopen(Ending::crash);
  EXPECT_EQ(listed(), std::vector<std::string>{"a@example.com"});
  EXPECT_TRUE(verify_faults().empty());
  EXPECT_EQ(state(claimed(message({"a@example.com"}))), S::suppressed);
}

// ---- accept -------------------------------------------------------------------------------------------------------

TEST_P(SuppressionTest, AMessageToNobodyElseIsFinishedWhenItIsAccepted) {
  ASSERT_TRUE(suppress("user@example.com", "complained").has_value());
  NewMessage m = message({"USER@example.com"});
  m.intent = Intent{"primary"};
  const auto accepted = accept(std::move(m));
  ASSERT_TRUE(accepted.has_value());
  ASSERT_EQ(accepted->kind, Accepted::Kind::stored);
  const Recipient& recipient = accepted->record->recipients[0];
  EXPECT_EQ(recipient.state, S::suppressed);
  EXPECT_EQ(recipient.reason.cause, Cause::policy);
  EXPECT_EQ(recipient.reason.text, "on the suppression list: complained");
  EXPECT_TRUE(recipient.upstream.empty());
  const MessageId id = accepted->id;
  EXPECT_EQ(types(history(id)), (std::vector<EventType>{EventType::accepted, EventType::suppressed}));
  EXPECT_EQ(history(id).back().reason, recipient.reason);
  EXPECT_EQ(accepted->record->history, find(id)->history);
  EXPECT_TRUE(due_ids().empty());
  EXPECT_EQ(store().stats().live_messages, 0u);
  EXPECT_EQ(body_of(id).size(), 100u) << "it can be released";
  EXPECT_EQ(claim(id).record, nullptr);
  EXPECT_TRUE(verify_faults().empty());
  reopen(Ending::crash);
  EXPECT_EQ(state(id), S::suppressed);
}

TEST_P(SuppressionTest, TheOthersOfAMessageAreSent) {
  ASSERT_TRUE(suppress("b@example.com").has_value());
  const MessageId id = claimed(message({"a@example.com", "b@example.com", "c@example.com"}));
  EXPECT_EQ(states(*find(id)), (std::vector<S>{S::sending, S::suppressed, S::sending}));
  EXPECT_EQ(history(id).back().recipient, 1u);
  ASSERT_TRUE(settle(settlement(id, {update(0, Trigger::hand_over), update(2, Trigger::hand_over)})).has_value());
  EXPECT_EQ(state(id), S::suppressed);
  EXPECT_EQ(store().stats().live_messages, 0u);
  EXPECT_TRUE(verify_faults().empty());
}

TEST_P(SuppressionTest, OnlyWhatIsDueIsAskedFor) {
  ASSERT_TRUE(suppress("user@example.com").has_value());
  NewMessage later = message();
  later.record.recipients[0].due = now_ + std::chrono::hours(1);
  const MessageId id = claimed(std::move(later)), without_intent = stored();
  EXPECT_EQ(state(id), S::queued);
  EXPECT_EQ(state(without_intent), S::queued);
  advance(std::chrono::hours(1));
  ASSERT_TRUE(unsuppress("user@example.com").has_value());
  EXPECT_EQ(claim(id).recipients, std::vector<std::uint32_t>{0}) << "the list of the moment counts";
}

// ---- claim --------------------------------------------------------------------------------------------------------

TEST_P(SuppressionTest, AClaimSuppressesWhoIsOnTheListByThen) {
  const MessageId id = claimed();
  ASSERT_TRUE(settle(id, Trigger::defer, now_ + std::chrono::minutes(10)).has_value());
  ASSERT_TRUE(suppress("user@example.com").has_value());
  advance(std::chrono::minutes(10));
  const Claimed claimed = claim(id);
  ASSERT_NE(claimed.record, nullptr);
  EXPECT_TRUE(claimed.recipients.empty());
  EXPECT_EQ(claimed.suppressed, std::vector<std::uint32_t>{0});
  EXPECT_EQ(claimed.record->recipients[0].state, S::suppressed);
  EXPECT_EQ(history(id).back().type, EventType::suppressed);
  EXPECT_EQ(claimed.record->history, find(id)->history);
  EXPECT_TRUE(due_ids().empty());
  EXPECT_EQ(claim(id).record, nullptr);
  EXPECT_EQ(settle(id, Trigger::hand_over).error().kind, FaultKind::conflict);
}

TEST_P(SuppressionTest, WhatIsNotDueYetKeepsItsPlaceAndIsHeardOf) {
  NewMessage m = message({"a@example.com", "b@example.com"});
  const Time later = now_ + std::chrono::minutes(30);
  m.record.recipients[1].due = later;
  const MessageId id = stored(std::move(m));
  ASSERT_TRUE(suppress("a@example.com").has_value());
  std::vector<Time> heard;
  store().on_due_changed(mailbox_, [&](Time earliest) { heard.push_back(earliest); });
  const Claimed claimed = claim(id);
  EXPECT_EQ(claimed.suppressed, std::vector<std::uint32_t>{0});
  EXPECT_TRUE(claimed.recipients.empty());
  mailbox_.run_until([&] { return !heard.empty() && heard.back() == later; });
  EXPECT_EQ(states(*find(id)), (std::vector<S>{S::suppressed, S::queued}));
  EXPECT_EQ(find(id)->due(), later);
  EXPECT_EQ(due_ids(), std::vector<MessageId>{id});
}

TEST_P(SuppressionTest, AReleaseHoldsOnlyOnceTheEntryIsGone) {
  ASSERT_TRUE(suppress("user@example.com").has_value());
  const MessageId id = claimed();
  EXPECT_EQ(steer(id, SteerVerb::retry).error().kind, FaultKind::conflict);
  ASSERT_TRUE(steer(id, SteerVerb::release).has_value());
  EXPECT_EQ(state(id), S::queued);
  EXPECT_EQ(claim(id).suppressed, std::vector<std::uint32_t>{0});
  EXPECT_EQ(state(id), S::suppressed);
  ASSERT_TRUE(unsuppress("user@example.com").has_value());
  ASSERT_TRUE(steer(id, SteerVerb::release).has_value());
  EXPECT_EQ(claim(id).recipients, std::vector<std::uint32_t>{0});
  EXPECT_EQ(body_of(id).size(), 100u);
}

TEST_P(SuppressionTest, ItsBodyIsKeptAsLongAsThatOfAFailure) {
  const MessageId id = brought_to(S::suppressed);
  RetirePolicy policy;
  policy.failed_bodies = std::chrono::hours(2);
  retire_all(policy);
  EXPECT_EQ(find(id)->body, BodyState::present);
  advance(std::chrono::hours(2));
  EXPECT_EQ(retire_all(policy, false).bodies, 1u);
  EXPECT_EQ(steer(id, SteerVerb::release).error().kind, FaultKind::conflict);
}

TEST_P(SuppressionTest, TheSenderIsOwedANoticeWhereThatIsOn) {
  ASSERT_TRUE(suppress("user@example.com").has_value());
  for (const bool on : {true, false}) {
    NewMessage fresh = message();
    fresh.intent = Intent{"primary", on};
    const MessageId accepted = stored(std::move(fresh)), waiting = stored();
    EXPECT_EQ(find(accepted)->recipients[0].owed, on ? Notice::failed : Notice::none);
    std::vector<ClaimRequest> requests{{waiting, "primary", now_, on}};
    const auto claims = answer<std::vector<Claimed>>(
        [&](Done<std::vector<Claimed>> done) { store().claim(requests, std::move(done)); });
    EXPECT_EQ(claims->at(0).record->owes_notice(), on);
    const auto owing = answer<OwingPage>([&](Done<OwingPage> done) { store().owing({}, std::move(done)); });
    EXPECT_EQ(owing->ids.size(), 2u) << "those of the first round";
  }
}

TEST_P(SuppressionTest, ATimeToLiveThatIsOverComesFirst) {
  ASSERT_TRUE(suppress("user@example.com").has_value());
  NewMessage m = message();
  m.record.envelope.expires_at = now_;
  const MessageId id = claimed(std::move(m));
  EXPECT_EQ(state(id), S::queued);
  EXPECT_EQ(claim(id).record, nullptr);
  EXPECT_EQ(expire().messages, 1u);
  EXPECT_EQ(state(id), S::expired);
}

POSTRIDER_STORE_SUITE(SuppressionTest);

}  // namespace
}  // namespace postrider::storage::conformance
