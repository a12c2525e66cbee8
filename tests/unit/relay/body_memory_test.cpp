#include "relay/outbound/body_memory.h"

#include <gtest/gtest.h>

namespace postrider::relay {
namespace {

using Waiter = BodyMemory::Waiter;

TEST(BodyMemory, ALargeBodyThatWaitsIsNext) {
  BodyMemory memory(1600);
  auto small = memory.budget().reserve(200);
  Waiter large(memory, 1500), other(memory, 10);
  EXPECT_FALSE(large.ask());
  EXPECT_TRUE(large.has_turn());
  EXPECT_FALSE(other.ask()) << "there is room, and it is kept for the one that waits";
  EXPECT_FALSE(large.ask());
  small.reset();
  auto granted = large.ask();
  ASSERT_TRUE(granted);
  EXPECT_EQ(granted->amount(), 1500u);
  EXPECT_FALSE(large.has_turn());
  EXPECT_TRUE(other.ask());
}

TEST(BodyMemory, OneThatGivesUpHoldsUpNobody) {
  BodyMemory memory(1600);
  const auto small = memory.budget().reserve(200);
  Waiter other(memory, 10);
  {
    Waiter large(memory, 1500);
    EXPECT_FALSE(large.ask());
    EXPECT_FALSE(other.ask());
  }
  EXPECT_TRUE(other.ask());
}

TEST(BodyMemory, SmallOnesNeverTakeTheTurn) {
  BodyMemory memory(1600);
  auto all = memory.budget().reserve(1600);
  Waiter first(memory, 100), second(memory, 10);
  EXPECT_FALSE(first.ask());
  EXPECT_FALSE(first.has_turn());
  all.reset();
  EXPECT_TRUE(second.ask());
}

TEST(BodyMemory, OneThatIsLargerThanAllOfItGoesAlone) {
  BodyMemory memory(100);
  Waiter huge(memory, 5000);
  const auto granted = huge.ask();
  ASSERT_TRUE(granted);
  EXPECT_EQ(granted->amount(), 100u);
}

}  // namespace
}  // namespace postrider::relay
