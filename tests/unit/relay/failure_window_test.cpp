#include "relay/outbound/failure_window.h"

#include <gtest/gtest.h>

#include <thread>

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kWindow = minutes(1);
const Time kNow = from_ms(1'800'000'000'000);  // a half begins here

void note(FailureWindow& window, int all, int failed, Time now) {
  for (int i = 0; i < all; ++i) window.note(i < failed, now, kWindow);
}

testing::AssertionResult holds(const FailureWindow& window, Time now, std::uint32_t all, std::uint32_t failed) {
  const FailureWindow::Counts counts = window.counts(now, kWindow);
  if (counts.all == all && counts.failed == failed) return testing::AssertionSuccess();
  return testing::AssertionFailure() << counts.failed << " of " << counts.all;
}

TEST(FailureWindow, IsEmptyAtFirst) {
  EXPECT_TRUE(holds(FailureWindow(), kNow, 0, 0));
}

TEST(FailureWindow, SaysWhatItHoldsWithTheOneJustCounted) {
  FailureWindow window;
  window.note(false, kNow, kWindow);
  const FailureWindow::Counts counts = window.note(true, kNow, kWindow);
  EXPECT_EQ(counts.all, 2u);
  EXPECT_EQ(counts.failed, 1u);
}

TEST(FailureWindow, HoldsBetweenHalfAndAWholeWindow) {
  FailureWindow window;
  note(window, 10, 4, kNow);
  EXPECT_TRUE(holds(window, kNow + seconds(59), 10, 4));
  note(window, 5, 1, kNow + seconds(45));
  EXPECT_TRUE(holds(window, kNow + seconds(45), 15, 5));
  EXPECT_TRUE(holds(window, kNow + seconds(60), 5, 1));
  EXPECT_TRUE(holds(window, kNow + seconds(90), 0, 0));
}

TEST(FailureWindow, ForgetsOverAQuietTime) {
  FailureWindow window;
  note(window, 10, 10, kNow);
  note(window, 1, 0, kNow + hours(1));
  EXPECT_TRUE(holds(window, kNow + hours(1), 1, 0));
}

TEST(FailureWindow, AThreadThatReadTheClockJustBeforeTheHalfEndedLosesNoCounts) {
  FailureWindow window;
  note(window, 100, 50, kNow - seconds(1));
  note(window, 1, 1, kNow);
  EXPECT_EQ(window.note(true, kNow - milliseconds(1), kWindow).all, 102u);
  EXPECT_TRUE(holds(window, kNow, 102, 52));
}

TEST(FailureWindow, AClockSetBackBeginsAnew) {
  FailureWindow window;
  note(window, 10, 10, kNow);
  EXPECT_TRUE(holds(window, kNow - hours(1), 0, 0));
  note(window, 2, 1, kNow - hours(1));
  EXPECT_TRUE(holds(window, kNow - hours(1), 2, 1));
}

TEST(FailureWindow, ManyAtOnceKeepTheirShare) {
  FailureWindow window;
  for (int i = 0; i < 400'000; ++i) window.note(i % 4 == 0, kNow, kWindow);
  const FailureWindow::Counts counts = window.counts(kNow, kWindow);
  EXPECT_GT(counts.all, 30'000u);
  EXPECT_NEAR(100.0 * counts.failed / counts.all, 25.0, 0.5);
}

TEST(FailureWindow, TheSmallestWindowDividesByNothing) {
  FailureWindow window;
  EXPECT_EQ(window.note(true, kNow, Duration{1}).failed, 1u);
  EXPECT_EQ(window.counts(kNow + milliseconds(2), Duration{1}).all, 0u);
}

TEST(FailureWindow, ClearForgetsAll) {
  FailureWindow window;
  note(window, 10, 10, kNow - seconds(30));
  note(window, 10, 10, kNow);
  window.clear();
  EXPECT_TRUE(holds(window, kNow, 0, 0));
}

TEST(FailureWindow, ThreadsLoseNothingWithinAHalf) {
  FailureWindow window;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { note(window, 5000, 1000, kNow); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(holds(window, kNow, 20'000, 4000));
}

}  // namespace
}  // namespace postrider::relay
