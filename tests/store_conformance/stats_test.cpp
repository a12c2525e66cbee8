#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class StatsTest : public StoreTest {
 protected:
  std::uint64_t count(RecipientState state) { return store().stats().messages[static_cast<int>(state)]; }
};

TEST_P(StatsTest, AnEmptyStoreAcceptsAndSettles) {
  const SpoolStats stats = store().stats();
  EXPECT_TRUE(stats.accepting);
  EXPECT_TRUE(stats.can_settle);
  EXPECT_TRUE(stats.trouble.empty());
  EXPECT_EQ(stats.live_messages, 0u);
  EXPECT_EQ(stats.oldest_due_ms, 0u);
  EXPECT_GT(stats.epoch, 0u);
  EXPECT_GT(stats.max_bytes, stats.high_water_bytes);
}

TEST_P(StatsTest, MessagesAreCountedByStateAlsoAfterAReopen) {
  const std::vector<RecipientState> states{RecipientState::queued,   RecipientState::deferred, RecipientState::held,
                                           RecipientState::sent,     RecipientState::bounced,  RecipientState::failed,
                                           RecipientState::cancelled};
  for (std::size_t i = 0; i < states.size(); ++i) {
    for (std::size_t n = 0; n <= i; ++n) brought_to(states[i]);
  }
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < states.size(); ++i) EXPECT_EQ(count(states[i]), i + 1) << to_string(states[i]);
    EXPECT_EQ(store().stats().live_messages, 1u + 2u + 3u);
    reopen(Ending::clean);
  }
}

TEST_P(StatsTest, BytesAreThoseOfWhatIsKept) {
  const MessageId id = claimed(message({"user@example.com"}, 100'000));
  const SpoolStats live = store().stats();
  EXPECT_GE(live.live_bytes, 100'000u);
  EXPECT_LE(live.live_bytes, 130'000u);
  EXPECT_EQ(live.finished_bytes, 0u);
  reopen(Ending::crash);
  EXPECT_GE(store().stats().live_bytes, 100'000u);
  ASSERT_NE(claim(id).record, nullptr);
  ASSERT_TRUE(settle(id, Trigger::give_up).has_value());
  EXPECT_EQ(store().stats().live_bytes, 0u);
  EXPECT_GE(store().stats().finished_bytes, 100'000u);
}

TEST_P(StatsTest, TheOldestDueIsOfAllBucketsAndLanes) {
  NewMessage late = message();
  late.record.envelope.lane = Lane::high;
  late.record.recipients[0].due = now_ + std::chrono::hours(1);
  stored(std::move(late));
  EXPECT_EQ(store().stats().oldest_due_ms, static_cast<std::uint64_t>(to_ms(now_ + std::chrono::hours(1))));
  NewMessage soon = message();
  soon.record.envelope.lane = Lane::low;
  soon.record.recipients[0].due = now_ + std::chrono::minutes(1);
  stored(std::move(soon));
  EXPECT_EQ(store().stats().oldest_due_ms, static_cast<std::uint64_t>(to_ms(now_ + std::chrono::minutes(1))));
  for (const std::uint32_t bucket : {7u, UINT32_MAX}) {
    NewMessage elsewhere = message();
    elsewhere.record.wait_bucket = bucket;
    elsewhere.record.recipients[0].due = now_ - std::chrono::seconds(bucket % 100);
    stored(std::move(elsewhere));
    EXPECT_EQ(store().stats().oldest_due_ms,
              static_cast<std::uint64_t>(to_ms(now_ - std::chrono::seconds(bucket % 100))));
  }
}

TEST_P(StatsTest, CommitsAreCounted) {
  const std::uint64_t before = store().stats().commits;
  stored();
  EXPECT_GT(store().stats().commits, before);
  EXPECT_GE(store().stats().synced_operations, 1u);
}

TEST_P(StatsTest, VerifyFindsNoFaultPageByPage) {
  for (int i = 0; i < 25; ++i) stored(message({"user@example.com"}, kChunkPayload + 1));
  brought_to(RecipientState::sent);
  VerifyQuery query;
  query.limit = 10;
  std::uint64_t records = 0, chunks = 0, events = 0;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = answer<VerifyPage>([&](Done<VerifyPage> done) { store().verify(query, std::move(done)); });
    ASSERT_TRUE(page.has_value());
    EXPECT_TRUE(page->faults.empty());
    records += page->records;
    chunks += page->chunks;
    events += page->events;
    query.after = page->next;
    if (!page->next) break;
  }
  EXPECT_EQ(records, 26u);
  EXPECT_EQ(chunks, 50u);
  EXPECT_EQ(events, 25u + 3u);
}

POSTRIDER_STORE_SUITE(StatsTest);

}  // namespace
}  // namespace postrider::storage::conformance
