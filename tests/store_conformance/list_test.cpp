#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class ListTest : public StoreTest {
 protected:
  MessageId from(const std::string& sender, const std::vector<std::string>& recipients,
                 const std::string& tenant = {}) {
    advance(std::chrono::seconds(1));
    NewMessage m = message(recipients);
    m.record.envelope.sender = parse_address(sender).value();
    m.record.envelope.tenant = tenant;
    return stored(std::move(m));
  }
  std::vector<MessageId> by_sender(const std::string& sender) {
    ListQuery query;
    query.sender = sender;
    return list_all(query);
  }
  std::vector<MessageId> by_recipient(const std::string& recipient) {
    ListQuery query;
    query.recipient = recipient;
    return list_all(query);
  }
};

using Ids = std::vector<MessageId>;

TEST_P(ListTest, NewestFirstAndPagedToTheEnd) {
  Ids expected;
  for (int i = 0; i < 23; ++i) expected.insert(expected.begin(), from("a@example.org", {"b@example.com"}));
  for (const std::size_t limit : {1u, 5u, 23u, 1000u}) {
    ListQuery query;
    query.limit = limit;
    EXPECT_LE(list(query).messages.size(), limit);
    EXPECT_EQ(list_all(query), expected);
  }
  EXPECT_FALSE(list({}).next.has_value());
}

TEST_P(ListTest, AnEmptyStoreHasAnEmptyPage) {
  const ListPage page = list({});
  EXPECT_TRUE(page.messages.empty());
  EXPECT_FALSE(page.next.has_value());
}

TEST_P(ListTest, BySenderWholeOrByDomainInAnyCase) {
  const MessageId a = from("App@Example.org", {"x@example.com"});
  const MessageId b = from("other@example.org", {"x@example.com"});
  const MessageId c = from("app@sub.example.org", {"x@example.com"});
  EXPECT_EQ(by_sender("app@example.ORG"), Ids{a});
  EXPECT_EQ(by_sender("@EXAMPLE.org"), (Ids{b, a}));
  EXPECT_EQ(by_sender("@sub.example.org"), Ids{c});
  EXPECT_TRUE(by_sender("pp@example.org").empty());
  EXPECT_TRUE(by_sender("@org").empty());
}

TEST_P(ListTest, ByTheNullSender) {
  from("app@example.org", {"x@example.com"});
  const MessageId bounce = from("", {"x@example.com"});
  EXPECT_EQ(by_sender(""), Ids{bounce});
}

TEST_P(ListTest, ByAnyOfTheRecipients) {
  const MessageId a = from("app@example.org", {"One@example.com", "two@example.net"});
  const MessageId b = from("app@example.org", {"two@example.net"});
  EXPECT_EQ(by_recipient("one@EXAMPLE.com"), Ids{a});
  EXPECT_EQ(by_recipient("two@example.net"), (Ids{b, a}));
  EXPECT_EQ(by_recipient("@example.com"), Ids{a});
  EXPECT_TRUE(by_recipient("three@example.net").empty());
}

TEST_P(ListTest, ByTenant) {
  const MessageId shop = from("app@example.org", {"x@example.com"}, "shop");
  const MessageId none = from("app@example.org", {"x@example.com"});
  ListQuery query;
  query.tenant = "shop";
  EXPECT_EQ(list_all(query), Ids{shop});
  query.tenant = "";
  EXPECT_EQ(list_all(query), Ids{none});
}

TEST_P(ListTest, ByDerivedState) {
  const MessageId queued = brought_to(RecipientState::queued), sent = brought_to(RecipientState::sent);
  const MessageId deferred = brought_to(RecipientState::deferred);
  const MessageId mixed = claimed(message({"a@example.com", "b@example.com"}));
  ASSERT_TRUE(settle(settlement(mixed, {update(0, Trigger::hand_over), update(1, Trigger::refuse)})).has_value());
  ListQuery query;
  for (const auto& [state, expected] :
       std::vector<std::pair<RecipientState, Ids>>{{RecipientState::queued, {queued}},
                                                   {RecipientState::sent, {sent}},
                                                   {RecipientState::deferred, {deferred}},
                                                   {RecipientState::bounced, {mixed}},
                                                   {RecipientState::held, {}}}) {
    query.state = state;
    EXPECT_EQ(list_all(query), expected) << to_string(state);
  }
}

TEST_P(ListTest, SinceIsInclusiveAndUntilExclusive) {
  const MessageId a = from("app@example.org", {"x@example.com"});
  const Time first = now_;
  const MessageId b = from("app@example.org", {"x@example.com"});
  const Time second = now_;
  const MessageId c = from("app@example.org", {"x@example.com"});
  ListQuery query;
  query.since = second;
  EXPECT_EQ(list_all(query), (Ids{c, b}));
  query.since.reset();
  query.until = second;
  EXPECT_EQ(list_all(query), Ids{a});
  query.since = first;
  query.until = now_;
  EXPECT_EQ(list_all(query), (Ids{b, a}));
}

TEST_P(ListTest, FiltersAddUp) {
  const MessageId wanted = from("app@example.org", {"x@example.com"}, "shop");
  from("app@example.org", {"x@example.com"}, "blog");
  from("app@example.org", {"y@example.com"}, "shop");
  from("other@example.org", {"x@example.com"}, "shop");
  ListQuery query;
  query.sender = "app@example.org";
  query.recipient = "x@example.com";
  query.tenant = "shop";
  query.state = RecipientState::queued;
  EXPECT_EQ(list_all(query), Ids{wanted});
}

TEST_P(ListTest, FiltersThatMatchLittleGiveShortPagesNotLongSearches) {
  const MessageId rare = from("rare@example.org", {"x@example.com"}, "rare");
  for (int i = 0; i < 30; ++i) from("app@example.org", {"x@example.com"}, "shop");
  ListQuery query;
  query.tenant = "rare";
  query.max_scanned = 7;
  const ListPage first = list(query);
  EXPECT_TRUE(first.messages.empty());
  EXPECT_TRUE(first.next.has_value());
  EXPECT_EQ(list_all(query), Ids{rare});
}

TEST_P(ListTest, EveryFilterPagesWithoutGapOrRepeat) {
  Ids expected;
  for (int i = 0; i < 40; ++i) {
    const MessageId id = from(i % 3 == 0 ? "app@example.org" : "other@example.net", {"x@example.com", "y@example.com"});
    if (i % 3 == 0) expected.insert(expected.begin(), id);
  }
  ListQuery query;
  query.limit = 4;
  query.sender = "app@example.org";
  EXPECT_EQ(list_all(query), expected);
  query.sender = "@example.org";
  EXPECT_EQ(list_all(query), expected);
  query.recipient = "y@example.com";
  EXPECT_EQ(list_all(query), expected);
}

POSTRIDER_STORE_SUITE(ListTest);

}  // namespace
}  // namespace postrider::storage::conformance
