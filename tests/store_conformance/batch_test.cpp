// What the API's caller may find a message again by: the call that made it, its tags, its own data.
#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

using Ids = std::vector<MessageId>;

class BatchTest : public StoreTest {
 protected:
  MessageId in_batch(const MessageId& batch, const std::string& tenant = {}, std::vector<std::string> tags = {}) {
    advance(std::chrono::seconds(1));
    NewMessage m = message();
    m.record.envelope.batch = batch;
    m.record.envelope.tenant = tenant;
    m.record.envelope.tags = std::move(tags);
    return stored(std::move(m));
  }
  static ListQuery of(const MessageId& batch) {
    ListQuery query;
    query.batch = batch;
    return query;
  }
  Ids by_tag(const std::string& tag) {
    ListQuery query;
    query.tag = tag;
    return list_all(query);
  }

  const MessageId one_ = ids_.next(now_), two_ = ids_.next(now_);
};

TEST_P(BatchTest, IsListedNewestFirstAndPaged) {
  Ids expected;
  for (int i = 0; i < 7; ++i) {
    expected.insert(expected.begin(), in_batch(one_));
    in_batch(two_);
    stored();
  }
  for (const std::size_t limit : {1u, 3u, 7u, 100u}) {
    ListQuery query = of(one_);
    query.limit = limit;
    EXPECT_EQ(list_all(query), expected) << limit;
  }
  ListQuery query = of(one_);
  query.before = expected[2];
  EXPECT_EQ(list_all(query), Ids(expected.begin() + 3, expected.end()));
  EXPECT_EQ(list_all(of(two_)).size(), 7u);
  EXPECT_TRUE(list_all(of(ids_.next(now_))).empty());
}

TEST_P(BatchTest, NothingElseIsLookedAt) {
  const MessageId first = in_batch(one_);
  for (int i = 0; i < 30; ++i) in_batch(two_);
  const MessageId last = in_batch(one_);
  ListQuery query = of(one_);
  query.max_scanned = 2;
  const ListPage page = list(query);
  ASSERT_EQ(page.messages.size(), 2u);
  EXPECT_EQ(page.messages[0].id, last);
  EXPECT_EQ(page.messages[1].id, first);
  EXPECT_FALSE(page.next.has_value());
}

TEST_P(BatchTest, WithoutABatchIsNotABatch) {
  stored();
  EXPECT_TRUE(list_all(of(MessageId())).empty());
}

TEST_P(BatchTest, OtherFiltersComeOnTop) {
  const MessageId a = in_batch(one_, "shop", {"x"});
  const Time first = now_;
  const MessageId b = in_batch(one_, "blog", {"x", "y"});
  const MessageId c = in_batch(one_, "shop", {"y"});
  ASSERT_TRUE(steer(c, SteerVerb::hold).has_value());
  ListQuery query = of(one_);
  query.tenant = "shop";
  EXPECT_EQ(list_all(query), (Ids{c, a}));
  query.state = RecipientState::held;
  EXPECT_EQ(list_all(query), Ids{c});
  query = of(one_);
  query.tag = "x";
  EXPECT_EQ(list_all(query), (Ids{b, a}));
  query.recipient = "user@example.com";
  query.sender = "@example.org";
  EXPECT_EQ(list_all(query), (Ids{b, a}));
  query.recipient = "nobody@example.com";
  EXPECT_TRUE(list_all(query).empty());
  query = of(one_);
  query.since = first + std::chrono::seconds(1);
  query.until = now_;
  EXPECT_EQ(list_all(query), Ids{b});
}

TEST_P(BatchTest, GoesWithItsMessages) {
  const MessageId gone = in_batch(one_), stays = in_batch(one_);
  ASSERT_TRUE(steer(gone, SteerVerb::cancel).has_value());
  advance(std::chrono::hours(24 * 40));
  EXPECT_EQ(retire_all({}).messages, 1u);
  EXPECT_EQ(list_all(of(one_)), Ids{stays});
  EXPECT_TRUE(verify_faults().empty());
}

TEST_P(BatchTest, BatchAndMetadataOutliveACrash) {
  NewMessage m = message();
  m.record.envelope.batch = one_;
  const Metadata metadata{{"order", "4711"}, {"customer", "J\xc3\xbcrgen"}, {"note", ""}};
  m.record.envelope.metadata = metadata;
  const MessageId id = stored(std::move(m));
  reopen(Ending::crash);
  EXPECT_EQ(find(id)->envelope.metadata, metadata) << "in the order given";
  EXPECT_EQ(find(id)->envelope.batch, one_);
  EXPECT_EQ(list_all(of(one_)), Ids{id});
}

TEST_P(BatchTest, MetadataHasItsBounds) {
  const auto with = [this](std::size_t names, std::size_t octets) {
    NewMessage m = message();
    for (std::size_t i = 0; i < names; ++i) m.record.envelope.metadata.emplace_back("n" + std::to_string(10 + i), "");
    std::string& last = m.record.envelope.metadata.back().second;
    last.resize(octets - 3 * names, 'x');
    return accept(std::move(m));
  };
  EXPECT_TRUE(with(kMaxMetadata, kMaxMetadataOctets).has_value());
  EXPECT_EQ(with(kMaxMetadata + 1, 1000).error().kind, FaultKind::invalid);
  EXPECT_EQ(with(1, kMaxMetadataOctets + 1).error().kind, FaultKind::invalid);
}

TEST_P(BatchTest, ByTag) {
  const MessageId a = in_batch({}, "", {"invoice", "eu"}), b = in_batch({}, "", {"eu"});
  in_batch({}, "", {"EU", "invoices"});
  EXPECT_EQ(by_tag("eu"), (Ids{b, a})) << "as it was given, whole";
  EXPECT_EQ(by_tag("invoice"), Ids{a});
  EXPECT_TRUE(by_tag("").empty());
}

POSTRIDER_STORE_SUITE(BatchTest);

}  // namespace
}  // namespace postrider::storage::conformance
