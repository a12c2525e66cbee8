#include "core/budget.h"

#include <thread>

namespace postrider {
namespace {

TEST(Budget, GivesUpToItsLimit) {
  Budget budget(100);
  auto first = budget.reserve(60);
  ASSERT_TRUE(first);
  EXPECT_FALSE(budget.reserve(41));
  EXPECT_EQ(budget.used(), 60u);
  EXPECT_TRUE(first->grow(40));
  EXPECT_FALSE(first->grow(1));
  EXPECT_EQ(first->amount(), 100u);
  first.reset();
  EXPECT_EQ(budget.used(), 0u);
}

TEST(Budget, HugeAmountsDoNotWrap) {
  Budget budget(100);
  auto some = budget.reserve(1);
  EXPECT_FALSE(budget.reserve(UINT64_MAX));
  EXPECT_FALSE(some->grow(UINT64_MAX));
  EXPECT_EQ(budget.used(), 1u);
}

TEST(Budget, LoweredLimitHoldsForNewReservations) {
  Budget budget(100);
  auto some = budget.reserve(80);
  budget.set_limit(50);
  EXPECT_FALSE(budget.reserve(1));
  some->release();
  EXPECT_TRUE(budget.reserve(50));
}

TEST(Budget, MovingKeepsOneOwner) {
  Budget budget(10);
  Reservation kept;
  {
    auto taken = budget.reserve(4);
    kept = std::move(*taken);
  }
  EXPECT_EQ(budget.used(), 4u);
  kept = Reservation();
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_FALSE(kept);
  EXPECT_FALSE(kept.grow(1));
}

TEST(Budget, ThreadsNeverExceedTheLimit) {
  Budget budget(3);
  std::atomic<int> holders{0}, worst{0};
  const auto work = [&] {
    for (int i = 0; i < 20'000; ++i) {
      const auto taken = budget.reserve(1);
      if (!taken) continue;
      const int now = ++holders;
      int seen = worst.load();
      while (now > seen && !worst.compare_exchange_weak(seen, now)) {
      }
      --holders;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  EXPECT_LE(worst.load(), 3);
  EXPECT_GE(worst.load(), 1);
  EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace postrider
