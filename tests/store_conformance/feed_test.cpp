#include <map>

#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class FeedTest : public StoreTest {};

TEST_P(FeedTest, SequenceNumbersAscendAndTheHistoriesAreTheirSubsets) {
  std::vector<MessageId> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(claimed());
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(
        settle(ids[static_cast<std::size_t>(11 - i)], i % 2 ? Trigger::hand_over : Trigger::defer, now_).has_value());
  }
  const auto feed = all_events();
  ASSERT_EQ(feed.size(), 36u);
  std::map<MessageId, std::vector<std::uint64_t>> by_message;
  for (std::size_t i = 0; i < feed.size(); ++i) {
    EXPECT_GT(feed[i].seq, i == 0 ? 0 : feed[i - 1].seq);
    by_message[feed[i].message].push_back(feed[i].seq);
  }
  EXPECT_EQ(store().stats().last_seq, feed.back().seq);
  // Commit order: the accepts in their order, then the settlements in theirs.
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(feed[i].message, ids[i]);
  for (std::size_t i = 0; i < 24; ++i) EXPECT_EQ(feed[12 + i].message, ids[11 - i / 2]);
  for (const MessageId& id : ids) {
    std::vector<std::uint64_t> seqs;
    for (const Event& event : history(id)) {
      EXPECT_EQ(event.message, id);
      seqs.push_back(event.seq);
    }
    EXPECT_EQ(seqs, by_message[id]);
  }
}

TEST_P(FeedTest, NumbersAreNotUsedAgainAfterAReopen) {
  claimed();
  const std::uint64_t last = store().stats().last_seq;
  reopen(Ending::crash);
  EXPECT_GE(store().stats().last_seq, last);
  const std::uint64_t recovered = store().stats().last_seq;
  const MessageId id = stored();
  EXPECT_GT(history(id)[0].seq, recovered);
}

TEST_P(FeedTest, AMissingMessageHasNoHistory) {
  const auto missing = answer<std::vector<Event>>(
      [&](Done<std::vector<Event>> done) { store().history(ids_.next(now_), std::move(done)); });
  EXPECT_EQ(missing.error().kind, FaultKind::not_found);
}

POSTRIDER_STORE_SUITE(FeedTest);

}  // namespace
}  // namespace postrider::storage::conformance
