#include <algorithm>
#include <thread>

#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class ClaimTest : public StoreTest {};

TEST_P(ClaimTest, TakesWhatIsDueOnceAndNamesTheIntent) {
  const MessageId id = stored(message({"a@example.com", "b@example.com"}));
  const Claimed first = claim(id, "backup");
  ASSERT_NE(first.record, nullptr);
  EXPECT_EQ(first.recipients, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(first.record->recipients[1].state, RecipientState::sending);
  EXPECT_EQ(first.record->recipients[1].upstream, "backup");
  EXPECT_EQ(claim(id).record, nullptr);
  EXPECT_TRUE(due_ids().empty());
}

TEST_P(ClaimTest, AnswersOneClaimPerRequestInOrder) {
  const MessageId a = stored(), b = stored(), gone = ids_.next(now_);
  std::vector<ClaimRequest> requests{
      {a, "primary", now_}, {gone, "primary", now_}, {b, "primary", now_}, {a, "primary", now_}};
  const auto claims = answer<std::vector<Claimed>>(
      [&](Done<std::vector<Claimed>> done) { store().claim(std::move(requests), std::move(done)); });
  ASSERT_EQ(claims->size(), 4u);
  ASSERT_NE(claims->at(0).record, nullptr);
  EXPECT_EQ(claims->at(0).record->id, a);
  EXPECT_EQ(claims->at(1).record, nullptr);
  ASSERT_NE(claims->at(2).record, nullptr);
  EXPECT_EQ(claims->at(2).record->id, b);
  EXPECT_EQ(claims->at(3).record, nullptr);
}

TEST_P(ClaimTest, RecipientsThatAreNotDueYetStay) {
  NewMessage m = message({"now@example.com", "later@example.com"});
  m.record.recipients[1].due = now_ + std::chrono::minutes(5);
  const MessageId id = stored(std::move(m));
  EXPECT_EQ(claim(id).recipients, std::vector<std::uint32_t>{0});
  EXPECT_EQ(find(id)->recipients[1].state, RecipientState::queued);
  const DuePage page = due({});
  ASSERT_EQ(page.entries.size(), 1u);
  EXPECT_EQ(page.entries[0].key.due, now_ + std::chrono::minutes(5));
  advance(std::chrono::minutes(5));
  EXPECT_EQ(claim(id).recipients, std::vector<std::uint32_t>{1});
}

TEST_P(ClaimTest, HeldAndFinishedRecipientsAreNotTaken) {
  for (const RecipientState s : {RecipientState::held, RecipientState::sent, RecipientState::bounced,
                                 RecipientState::failed, RecipientState::cancelled}) {
    const MessageId id = brought_to(s);
    EXPECT_EQ(claim(id).record, nullptr) << to_string(s);
    EXPECT_EQ(state(id), s);
  }
}

TEST_P(ClaimTest, ClaimersOnManyThreadsNeverGetTheSameRecipient) {
  constexpr std::size_t kThreads = 4, kMessages = 100;
  std::vector<ClaimRequest> requests;
  for (std::size_t i = 0; i < kMessages; ++i) requests.push_back({stored(), "primary", now_});
  std::vector<std::vector<MessageId>> got(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      QueueMailbox inbox;
      std::size_t answers = 0;
      for (std::size_t i = 0; i < kMessages; ++i) {  // each from another place, so that they meet in the middle
        store().claim({requests[(i + t * kMessages / kThreads) % kMessages]},
                      Done<std::vector<Claimed>>(inbox, [&, t](result<std::vector<Claimed>> claims) {
                        ++answers;
                        for (const Claimed& claimed_one : claims.value()) {
                          if (claimed_one.record) got[t].push_back(claimed_one.record->id);
                        }
                      }));
      }
      inbox.run_until([&] { return answers == kMessages; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<MessageId> all, expected;
  for (const auto& some : got) all.insert(all.end(), some.begin(), some.end());
  for (const ClaimRequest& request : requests) expected.push_back(request.id);
  std::sort(all.begin(), all.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(all, expected);
}

// ---- the due index ------------------------------------------------------------------------------------------------

TEST_P(ClaimTest, TheDueIndexIsOrderedByBucketLaneTimeAndId) {
  std::vector<DueKey> expected;
  for (const std::uint32_t bucket : {9u, 0u, 300u}) {
    for (const Lane lane : {Lane::low, Lane::high, Lane::normal}) {
      for (const int minutes : {30, 5, 5, 90}) {
        NewMessage m = message();
        m.record.envelope.lane = lane;
        m.record.wait_bucket = bucket;
        m.record.recipients[0].due = now_ + std::chrono::minutes(minutes);
        expected.push_back({bucket, lane, m.record.recipients[0].due, m.record.id});
        stored(std::move(m));
      }
    }
  }
  std::sort(expected.begin(), expected.end());
  std::vector<DueKey> got;
  for (const std::uint32_t bucket : {0u, 9u, 300u}) {
    for (const Lane lane : {Lane::high, Lane::normal, Lane::low}) {
      DueQuery query;
      query.bucket = bucket;
      query.lane = lane;
      query.limit = 3;
      DuePage page = due(query);
      EXPECT_TRUE(page.more);
      while (!page.entries.empty()) {
        for (const DueEntry& entry : page.entries) got.push_back(entry.key);
        query.after = page.entries.back().key;
        page = due(query);
      }
    }
  }
  EXPECT_EQ(got, expected);
}

TEST_P(ClaimTest, ShardsShareTheIndexWithoutOverlap) {
  std::vector<MessageId> all;
  for (int i = 0; i < 60; ++i) all.push_back(stored());
  std::vector<MessageId> got;
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    DueQuery query;
    query.shard = shard;
    query.shards = 3;
    query.limit = 7;
    for (DuePage page = due(query); !page.entries.empty(); page = due(query)) {
      for (const DueEntry& entry : page.entries) {
        EXPECT_EQ(shard_of(entry.key.id, 3), shard);
        got.push_back(entry.key.id);
      }
      query.after = page.entries.back().key;
    }
  }
  std::sort(all.begin(), all.end());
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, all);
}

TEST_P(ClaimTest, EntriesTellSendersApart) {
  stored();
  stored();
  NewMessage other = message();
  other.record.envelope.sender = parse_address("other@example.org").value();
  stored(std::move(other));
  const DuePage page = due({});
  ASSERT_EQ(page.entries.size(), 3u);
  EXPECT_EQ(page.entries[0].sender_hash, page.entries[1].sender_hash);
  EXPECT_NE(page.entries[0].sender_hash, page.entries[2].sender_hash);
}

TEST_P(ClaimTest, ASettlementMovesTheEntryToItsBucketAndTime) {
  const MessageId id = claimed();
  Settlement s = settlement(id, {update(0, Trigger::defer, now_ + std::chrono::minutes(10))});
  s.wait_bucket = 77;
  const auto settled = settle(std::move(s));
  EXPECT_EQ(settled->next_due, now_ + std::chrono::minutes(10));
  EXPECT_TRUE(due_ids(0).empty());
  EXPECT_EQ(due_ids(77), std::vector<MessageId>{id});
  EXPECT_EQ(find(id)->wait_bucket, 77u);
  ASSERT_TRUE(steer(id, SteerVerb::retry).has_value());  // waits for nothing any more
  EXPECT_TRUE(due_ids(77).empty());
  EXPECT_EQ(due_ids(0), std::vector<MessageId>{id});
}

TEST_P(ClaimTest, TheIndexIsThereAfterAReopen) {
  const MessageId a = stored();
  const MessageId b = brought_to(RecipientState::deferred);
  brought_to(RecipientState::held);
  reopen(Ending::clean);
  EXPECT_EQ(due_ids(), (std::vector<MessageId>{a, b}));
}

// ---- notices ------------------------------------------------------------------------------------------------------

class DueNoticeTest : public StoreTest {
 protected:
  void listen() {
    store().on_due_changed(mailbox_, [this](Time earliest) { notices_.push_back(earliest); });
  }
  Time next_notice() {
    mailbox_.run_until([this] { return !notices_.empty(); });
    const Time earliest = notices_.front();
    notices_.erase(notices_.begin());
    return earliest;
  }
  std::vector<Time> notices_;
};

TEST_P(DueNoticeTest, AcceptsWithoutIntentAreNoticed) {
  listen();
  NewMessage m = message();
  m.record.recipients[0].due = now_ + std::chrono::minutes(3);
  stored(std::move(m));
  EXPECT_EQ(next_notice(), now_ + std::chrono::minutes(3));
}

TEST_P(DueNoticeTest, ReleaseAndRetryAreNoticed) {
  const MessageId held = brought_to(RecipientState::held), deferred = brought_to(RecipientState::deferred);
  reopen(Ending::clean);
  listen();
  advance(std::chrono::minutes(1));
  ASSERT_TRUE(steer(held, SteerVerb::release).has_value());
  EXPECT_EQ(next_notice(), now_);
  advance(std::chrono::minutes(1));
  ASSERT_TRUE(steer(deferred, SteerVerb::retry).has_value());
  EXPECT_EQ(next_notice(), now_);
}

TEST_P(DueNoticeTest, AcceptsThatCarryTheirIntentAndSettlesAreNot) {
  listen();
  const MessageId id = claimed();
  ASSERT_TRUE(settle(id, Trigger::defer, now_ + std::chrono::minutes(1)).has_value());
  NewMessage m = message();
  m.record.recipients[0].due = now_ + std::chrono::hours(9);
  stored(std::move(m));
  EXPECT_EQ(next_notice(), now_ + std::chrono::hours(9));
}

TEST_P(DueNoticeTest, WhatRecoveryMadeDueIsNoticed) {
  claimed();
  advance(std::chrono::minutes(1));
  reopen(Ending::crash);
  listen();
  EXPECT_EQ(next_notice(), now_);
}

POSTRIDER_STORE_SUITE(ClaimTest);
POSTRIDER_STORE_SUITE(DueNoticeTest);

}  // namespace
}  // namespace postrider::storage::conformance
