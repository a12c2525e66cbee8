#include "relay/outbound/bucket_windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
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
  std::optional<UpstreamSet> set_of(std::uint32_t number) { return windows_.set_of(*find(number)); }
  // As a look at the index finds them, with something that is due in an hour.
  void add(const std::vector<std::uint32_t>& numbers) {
    std::vector<storage::DueHead> heads;
    for (const std::uint32_t number : numbers) heads.push_back({number, Lane::normal, kNow + seconds(3600)});
    windows_.add(heads);
  }
  // So many entries that are due in one lane of a bucket.
  void load(std::uint32_t number, Lane lane, int count) {
    storage::DuePage page;
    for (int i = 0; i < count; ++i) {
      page.entries.emplace_back();
      page.entries.back().key.due = kNow;
      page.entries.back().key.lane = lane;
    }
    find(number)->window.load(lane, page, kNow);
  }
  BucketWindows windows_{100, 0, 1};
};

constexpr std::uint32_t kShares = Routes::kSenderShares;

TEST_F(BucketWindowsTest, TheBucketOfUnknownRoutesIsAlwaysThere) {
  ASSERT_EQ(windows_.all().size(), 1u);
  EXPECT_EQ(windows_.all().front()->number, 0u);
  EXPECT_FALSE(set_of(0));
}

TEST_F(BucketWindowsTest, ABucketIsMadeOnceWhoeverNamesItFirst) {
  add({7, 9, 7});
  windows_.hint(9, Lane::low, kNow);
  windows_.hint(11, Lane::low, kNow);
  EXPECT_EQ(windows_.all().size(), 4u);
}

TEST_F(BucketWindowsTest, ASetIsKnownOfAllSendersOfARoute) {
  add({kShares, kShares + 1, 2 * kShares});
  EXPECT_FALSE(set_of(kShares)) << "its messages have to be looked at";
  windows_.learn(kShares + 5, only(1));
  EXPECT_EQ(set_of(kShares), only(1));
  EXPECT_EQ(set_of(kShares + 1), only(1));
  EXPECT_FALSE(set_of(2 * kShares));
}

TEST_F(BucketWindowsTest, WhatIsInBucketZeroIsNeverKnown) {
  windows_.learn(0, only(1));
  EXPECT_FALSE(set_of(0));
}

TEST_F(BucketWindowsTest, NewRoutesMakeTheSetsUnknownAndKeepTheBuckets) {
  add({kShares});
  windows_.learn(kShares, only(1));
  windows_.forget_sets();
  ASSERT_NE(find(kShares), nullptr);
  EXPECT_FALSE(set_of(kShares));
  windows_.learn(kShares, only(2));
  EXPECT_EQ(set_of(kShares), only(2));
}

TEST_F(BucketWindowsTest, ReadsItsOwnBucketInTheIndex) {
  add({7});
  std::set<std::uint32_t> read;
  for (const auto& bucket : windows_.all()) read.insert(bucket->window.wants(kNow)->bucket);
  EXPECT_EQ(read, (std::set<std::uint32_t>{0, 7}));
}

TEST_F(BucketWindowsTest, AHintForOneBucketAndLaneReadsNothingElse) {
  add({7, 9});
  read_all();
  windows_.hint(9, Lane::high, kNow + seconds(5));
  const Time later = kNow + seconds(5);
  EXPECT_FALSE(find(7)->window.wants(later));
  const auto query = find(9)->window.wants(later);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->lane, Lane::high);
}

TEST_F(BucketWindowsTest, IsReadyWhenAnyBucketIs) {
  add({7, 9});
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

TEST_F(BucketWindowsTest, LanesTakeTheirShareOfPicksOverAllBuckets) {
  add({7, 9});
  load(7, Lane::high, 50);
  load(7, Lane::low, 50);
  load(9, Lane::normal, 50);
  load(9, Lane::low, 50);
  std::map<Lane, int> picked;
  int left = 32;
  windows_.share_out([&](Bucket& bucket, Lane lane) {
    if (left == 0) return false;
    --left;
    ++picked[lane];
    return bucket.window.pick_fair(lane).has_value();
  });
  EXPECT_EQ(picked[Lane::high], 24);
  EXPECT_EQ(picked[Lane::normal], 6);
  EXPECT_EQ(picked[Lane::low], 2);
}

TEST_F(BucketWindowsTest, LanesTakeTheirShareAlsoWithRoomForOneAtATime) {
  add({7});
  for (const Lane lane : {Lane::high, Lane::normal, Lane::low}) load(7, lane, 50);
  std::map<Lane, int> picked;
  for (int i = 0; i < 32; ++i) {
    bool room = true;
    windows_.share_out([&](Bucket& bucket, Lane lane) {
      if (!room) return false;
      room = false;
      ++picked[lane];
      return bucket.window.pick_fair(lane).has_value();
    });
  }
  EXPECT_EQ(picked[Lane::high], 24);
  EXPECT_EQ(picked[Lane::normal], 6);
  EXPECT_EQ(picked[Lane::low], 2);
}

TEST_F(BucketWindowsTest, BucketsOfALaneTakeTurns) {
  add({7, 9});
  load(7, Lane::normal, 50);
  load(9, Lane::normal, 2);
  std::vector<std::uint32_t> picked;
  windows_.share_out([&](Bucket& bucket, Lane lane) {
    if (picked.size() == 6) return false;
    picked.push_back(bucket.number);
    return bucket.window.pick_fair(lane).has_value();
  });
  EXPECT_EQ(picked, (std::vector<std::uint32_t>{7, 9, 7, 9, 7, 7}));
}

TEST_F(BucketWindowsTest, ABucketWithoutRoomStandsInNobodysWay) {
  add({7, 9});
  load(7, Lane::high, 50);
  load(9, Lane::low, 3);
  int picked = 0;
  windows_.share_out([&](Bucket& bucket, Lane lane) {
    if (bucket.number == 7) return false;
    ++picked;
    return bucket.window.pick_fair(lane).has_value();
  });
  EXPECT_EQ(picked, 3);
}

TEST_F(BucketWindowsTest, ABucketStaysWhereItIsWhileOthersCome) {
  add({7});
  const Bucket* const seven = find(7);
  for (std::uint32_t i = 100; i < 200; ++i) add({i});
  EXPECT_EQ(find(7), seven) << "a read that is under way comes back to it";
}

}  // namespace
}  // namespace postrider::relay
