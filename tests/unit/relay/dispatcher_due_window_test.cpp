#include <gtest/gtest.h>

#include <map>

#include "core/id.h"
#include "relay/outbound/age_watch.h"
#include "relay/outbound/due_window.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using storage::DueEntry;
using storage::DuePage;

const Time kNow = from_ms(1'800'000'000'000);

class DueWindowTest : public testing::Test {
 protected:
  DueEntry entry(Lane lane, Time due, std::uint64_t sender = 1) {
    DueEntry one;
    one.key.lane = lane;
    one.key.due = due;
    one.key.id = ids_.next(due);
    one.sender_hash = sender;
    return one;
  }
  // Answers every read that is wanted now with what `pages` has for the lane, once.
  int read_all(DueWindow& window, std::map<Lane, DuePage> pages, Time now = kNow) {
    int reads = 0;
    while (const auto query = window.wants(now)) {
      window.load(query->lane, pages[query->lane], now);
      pages.erase(query->lane);
      if (++reads > 10) break;
    }
    return reads;
  }
  MessageIdSource ids_{1};
};

TEST_F(DueWindowTest, ReadsEveryLaneAtStartThenWaitsForAReason) {
  DueWindow window(8, 0, 1);
  EXPECT_EQ(read_all(window, {}), 3);
  EXPECT_FALSE(window.ready());
  EXPECT_EQ(window.next_read(kNow), kNever);
  EXPECT_FALSE(window.wants(kNow + hours(1)));
}

TEST_F(DueWindowTest, WakesForTheFirstEntryThatIsNotDueYet) {
  DueWindow window(8, 0, 1);
  read_all(window,
           {{Lane::low, {{entry(Lane::low, kNow + seconds(90)), entry(Lane::low, kNow + seconds(99))}, false}}});
  EXPECT_FALSE(window.ready());
  EXPECT_EQ(window.next_read(kNow), kNow + seconds(90));
  EXPECT_FALSE(window.wants(kNow + seconds(89)));
  const auto query = window.wants(kNow + seconds(90));
  ASSERT_TRUE(query);
  EXPECT_EQ(query->lane, Lane::low);
}

TEST_F(DueWindowTest, AHintDuringAReadIsNotLost) {
  DueWindow window(8, 0, 1);
  const auto query = window.wants(kNow);
  ASSERT_TRUE(query);
  window.hint(query->lane, kNow + seconds(5));  // committed after the page was read
  window.load(query->lane, {}, kNow);
  read_all(window, {});
  EXPECT_EQ(window.next_read(kNow), kNow + seconds(5));
}

TEST_F(DueWindowTest, AFloodOfHintsReadsALaneOnceAGap) {
  DueWindow window(8, 0, 1);
  read_all(window, {});
  int reads = 0;
  for (int ms = 0; ms < 1000; ++ms) {
    window.hint(Lane::high, kNow);
    reads += read_all(window, {}, kNow + Duration{ms});
  }
  EXPECT_LE(reads, 1000 / DueWindow::kReadGap.count() + 1);
  EXPECT_GE(reads, 40);
}

TEST_F(DueWindowTest, ReadsOnAtOnceWhenThePageWasFullOfDueEntries) {
  DueWindow window(4, 0, 1);
  DuePage page;
  for (int i = 0; i < 4; ++i) page.entries.push_back(entry(Lane::normal, kNow));
  page.more = true;
  read_all(window, {{Lane::normal, page}});
  EXPECT_FALSE(window.wants(kNow)) << "not before most of it is gone";
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(window.pick_fair(Lane::normal));
  EXPECT_TRUE(window.wants(kNow));
}

TEST_F(DueWindowTest, APickIsOfTheLaneAskedFor) {
  DueWindow window(100, 0, 1);
  read_all(window, {{Lane::low, {{entry(Lane::low, kNow)}, false}}});
  EXPECT_TRUE(window.ready(Lane::low));
  EXPECT_FALSE(window.ready(Lane::high));
  EXPECT_FALSE(window.pick_fair(Lane::high));
  EXPECT_TRUE(window.pick_fair(Lane::low));
  EXPECT_FALSE(window.pick_fair(Lane::low));
}

TEST_F(DueWindowTest, SendersTakeTurnsAndEachKeepsItsOrder) {
  DueWindow window(100, 0, 1);
  std::map<Lane, DuePage> pages;
  for (int i = 0; i < 5; ++i) pages[Lane::normal].entries.push_back(entry(Lane::normal, kNow - seconds(9 - i), 1));
  for (int i = 0; i < 2; ++i) pages[Lane::normal].entries.push_back(entry(Lane::normal, kNow - seconds(2 - i), 2));
  read_all(window, pages);
  std::vector<std::uint64_t> senders;
  Time last = kNow - hours(1);
  while (const auto one = window.pick_fair(Lane::normal)) {
    senders.push_back(one->sender_hash);
    if (one->sender_hash != 1) continue;
    EXPECT_LT(last, one->key.due);
    last = one->key.due;
  }
  EXPECT_EQ(senders, (std::vector<std::uint64_t>{1, 2, 1, 2, 1, 1, 1}));
}

TEST_F(DueWindowTest, PicksByDueTimeAcrossLanesForProbes) {
  DueWindow window(100, 0, 1);
  read_all(window, {{Lane::high, {{entry(Lane::high, kNow - seconds(1))}, false}},
                    {Lane::low, {{entry(Lane::low, kNow - seconds(2), 7), entry(Lane::low, kNow, 8)}, false}}});
  EXPECT_EQ(window.pick_earliest()->sender_hash, 7u);
  EXPECT_EQ(window.pick_earliest()->key.lane, Lane::high);
  EXPECT_EQ(window.pick_earliest()->sender_hash, 8u);
  EXPECT_FALSE(window.pick_earliest());
}

TEST_F(DueWindowTest, AsksForItsShareOfItsBucketOnly) {
  DueWindow window(8, 2, 4, 77);
  const auto query = window.wants(kNow);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->bucket, 77u);
  EXPECT_EQ(query->shard, 2u);
  EXPECT_EQ(query->shards, 4u);
  EXPECT_EQ(query->limit, 8u);
}

TEST_F(DueWindowTest, KnowsTheEarliestOfWhatIsLoaded) {
  DueWindow window(100, 0, 1);
  EXPECT_EQ(window.earliest(), kNever);
  read_all(window, {{Lane::high, {{entry(Lane::high, kNow - seconds(1))}, false}},
                    {Lane::low, {{entry(Lane::low, kNow - seconds(2), 7), entry(Lane::low, kNow, 7)}, false}}});
  for (const Duration late : {seconds(2), seconds(1), seconds(0)}) {
    EXPECT_EQ(window.earliest(), kNow - late);
    EXPECT_EQ(window.pick_earliest()->key.due, kNow - late);
  }
  EXPECT_EQ(window.earliest(), kNever);
}

TEST_F(DueWindowTest, AfterFruitlessClaimsItRestsBeforeItReadsAgain) {
  DueWindow window(100, 0, 1);
  read_all(window, {{Lane::high, {{entry(Lane::high, kNow)}, false}}});
  window.forget(kNow);
  EXPECT_FALSE(window.ready());
  EXPECT_FALSE(window.wants(kNow));
  EXPECT_EQ(window.next_read(kNow), kNow + DueWindow::kFruitlessGap);
  EXPECT_TRUE(window.wants(kNow + DueWindow::kFruitlessGap));
  EXPECT_TRUE(window.wants(kNow - hours(1))) << "a clock set back does not make the rest longer";
}

TEST_F(DueWindowTest, AgesAreLookedUpOnlyWhereTheIdSaysSo) {
  const Duration max_age = hours(5);
  DueWindow window(100, 0, 1);
  const DueEntry old_one = entry(Lane::normal, kNow - hours(6));
  const DueEntry young = entry(Lane::normal, kNow - hours(1));
  read_all(window, {{Lane::normal, {{old_one, young}, false}}});
  AgeWatch ages(max_age);
  AgeWatch::Findings findings = ages.look(window, 10, kNow);
  EXPECT_EQ(findings.unknown, std::vector<MessageId>{old_one.key.id});
  EXPECT_TRUE(findings.too_old.empty());
  EXPECT_EQ(findings.look_again, young.key.id.created_at() + max_age);

  MessageRecord record;  // released an hour ago: its age began anew
  record.id = old_one.key.id;
  record.recipients.resize(1);
  record.recipients[0].age_from = kNow - hours(1);
  ages.learn(record, kNow);
  findings = ages.look(window, 10, kNow);
  EXPECT_TRUE(findings.unknown.empty() && findings.too_old.empty());

  record.recipients[0].age_from = kNow - hours(6);
  ages.learn(record, kNow);
  findings = ages.look(window, 10, kNow);
  EXPECT_EQ(findings.too_old, std::vector<MessageId>{old_one.key.id});
  ASSERT_TRUE(window.pick(old_one.key.id));
  EXPECT_FALSE(window.pick(old_one.key.id));
}

}  // namespace
}  // namespace postrider::relay
