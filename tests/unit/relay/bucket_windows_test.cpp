#include "relay/outbound/bucket_windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/id.h"

namespace postrider::relay {
namespace {

using std::chrono::seconds;

const Time kNow = from_ms(1'800'000'000'000);

class BucketWindowsTest : public testing::Test {
 protected:
  Bucket* find(std::uint32_t number) {
    const auto& all = windows_.all();
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& b) { return b->number == number; });
    return found == all.end() ? nullptr : found->get();
  }
  // Answers all reads that are wanted, with nothing.
  void read_all() {
    for (const auto& bucket : windows_.all()) {
      while (const auto query = bucket->window.wants(kNow)) bucket->window.load(query->lane, {}, kNow);
    }
  }
  BucketWindows windows_{8, 0, 1};
};

TEST_F(BucketWindowsTest, TheBucketOfUnknownRoutesIsAlwaysThere) {
  ASSERT_EQ(windows_.all().size(), 1u);
  EXPECT_EQ(windows_.all().front()->number, 0u);
  EXPECT_FALSE(windows_.all().front()->set);
}

TEST_F(BucketWindowsTest, ABucketIsMadeOnceWhoeverNamesItFirst) {
  windows_.add({7, 9, 7});
  windows_.learn(9, only(1));
  windows_.hint(9, Lane::low, kNow);
  windows_.hint(11, Lane::low, kNow);
  EXPECT_EQ(windows_.all().size(), 4u);
  EXPECT_FALSE(find(7)->set) << "its messages have to be looked at";
  EXPECT_EQ(find(9)->set, only(1));
}

TEST_F(BucketWindowsTest, WhatIsInBucketZeroIsNeverKnown) {
  windows_.learn(0, only(1));
  EXPECT_FALSE(find(0)->set);
}

TEST_F(BucketWindowsTest, NewRoutesMakeTheSetsUnknownAndKeepTheBuckets) {
  windows_.learn(9, only(1));
  windows_.forget_sets();
  ASSERT_NE(find(9), nullptr);
  EXPECT_FALSE(find(9)->set);
  windows_.learn(9, only(2));
  EXPECT_EQ(find(9)->set, only(2));
}

TEST_F(BucketWindowsTest, ReadsItsOwnBucketInTheIndex) {
  windows_.add({7});
  std::set<std::uint32_t> read;
  for (const auto& bucket : windows_.all()) read.insert(bucket->window.wants(kNow)->bucket);
  EXPECT_EQ(read, (std::set<std::uint32_t>{0, 7}));
}

TEST_F(BucketWindowsTest, AHintForOneBucketAndLaneReadsNothingElse) {
  windows_.add({7, 9});
  read_all();
  windows_.hint(9, Lane::high, kNow + seconds(5));
  const Time later = kNow + seconds(5);
  EXPECT_FALSE(find(7)->window.wants(later));
  const auto query = find(9)->window.wants(later);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->lane, Lane::high);
}

TEST_F(BucketWindowsTest, AHintWithoutABucketMayMeanAny) {
  windows_.add({7, 9});
  read_all();
  windows_.hint(kNow + seconds(5));
  for (const auto& bucket : windows_.all()) EXPECT_TRUE(bucket->window.wants(kNow + seconds(5)));
}

TEST_F(BucketWindowsTest, IsReadyWhenAnyBucketIs) {
  windows_.add({7, 9});
  read_all();
  EXPECT_FALSE(windows_.ready());
  windows_.hint(9, Lane::normal, kNow);
  for (const auto& bucket : windows_.all()) {
    if (bucket->number != 9) continue;
    storage::DuePage page;
    page.entries.emplace_back();
    page.entries.back().key.due = kNow;
    bucket->window.load(Lane::normal, page, kNow);
  }
  EXPECT_TRUE(windows_.ready());
}

TEST_F(BucketWindowsTest, EachBucketIsTheFirstInTurn) {
  windows_.add({7, 9});
  std::vector<std::uint32_t> first;
  for (int i = 0; i < 6; ++i) {
    const auto& all = windows_.in_turn();
    EXPECT_EQ(all.size(), 3u);
    first.push_back(all.front()->number);
  }
  EXPECT_EQ(std::set<std::uint32_t>(first.begin(), first.begin() + 3), (std::set<std::uint32_t>{0, 7, 9}));
  EXPECT_TRUE(std::equal(first.begin(), first.begin() + 3, first.begin() + 3));
}

TEST_F(BucketWindowsTest, ABucketStaysWhereItIsWhileOthersComeAndTurn) {
  windows_.add({7});
  const Bucket* const seven = find(7);
  for (std::uint32_t i = 100; i < 200; ++i) windows_.add({i});
  windows_.in_turn();
  EXPECT_EQ(find(7), seven) << "a read that is under way comes back to it";
}

}  // namespace
}  // namespace postrider::relay
