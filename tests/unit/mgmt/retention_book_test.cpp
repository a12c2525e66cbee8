#include "mgmt/retention_book.h"

#include <gtest/gtest.h>

namespace postrider::mgmt {
namespace {

constexpr Time kNow{Duration(1'700'000'000'000)};

TEST(RetentionBook, SaysThatNoticesAreOwedAfterTheStepThatLeftThem) {
  int said = 0;
  RetentionBook book([&said] { ++said; });
  storage::Retired step;
  step.bodies = 3;
  book.add(step, kNow);
  EXPECT_EQ(said, 0);
  step.owing = 2;
  book.add(step, kNow);
  EXPECT_EQ(said, 1);
}

TEST(RetentionBook, ARunIsItsStepsTogether) {
  RetentionBook book;
  storage::Retired step;
  step.messages = 2;
  step.owing = 1;
  step.more = true;
  book.add(step, kNow);
  EXPECT_FALSE(book.last());
  step.more = false;
  book.add(step, kNow + Duration(5));
  ASSERT_TRUE(book.last());
  EXPECT_EQ(book.last()->removed.messages, 4u);
  EXPECT_EQ(book.last()->removed.owing, 2u);
  EXPECT_EQ(book.last()->ended_at - book.last()->started_at, Duration(5));
  book.add({}, kNow + Duration(9));
  EXPECT_EQ(book.last()->removed.messages, 0u);
  EXPECT_EQ(book.last_removal()->removed.messages, 4u);
}

}  // namespace
}  // namespace postrider::mgmt
