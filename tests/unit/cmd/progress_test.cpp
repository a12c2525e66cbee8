// The progress line: what it says, how wide it is, and when it says nothing.
#include "cmd/progress.h"

#include <gtest/gtest.h>

#include <sstream>

namespace postrider::cmd {
namespace {

using std::chrono::milliseconds;

class ProgressTest : public testing::Test {
 protected:
  Progress::Clock clock() {
    return [this] { return now_; };
  }
  std::ostringstream out_;
  std::chrono::steady_clock::time_point now_{};
};

TEST(RenderProgress, SaysHowFarHowFastAndHowLong) {
  const ProgressState state{"copying", ProgressUnit::messages, 12'500, 50'000, milliseconds(5000)};
  EXPECT_EQ(render_progress(state, 100),
            "copying  [=========>                           ]   25%  12,500 of 50,000 messages, 2,500/s, 15s left");
}

TEST(RenderProgress, SaysBytesAsBytes) {
  const ProgressState state{"scanning", ProgressUnit::bytes, 1 << 20, 4 << 20, milliseconds(1000)};
  EXPECT_EQ(render_progress(state, 60), "scanning   25%  1.0 MiB of 4.0 MiB, 1.0 MiB/s, 3s left");
}

TEST(RenderProgress, WithoutATotalThereIsNoBarAndNoEnd) {
  const ProgressState state{"exporting", ProgressUnit::messages, 1'234'567, 0, milliseconds(10'000)};
  EXPECT_EQ(render_progress(state, 100), "exporting  1,234,567 messages, 123,456/s");
}

TEST(RenderProgress, ARateNeedsAMoment) {
  const ProgressState state{"verifying", ProgressUnit::messages, 3, 0, milliseconds(999)};
  EXPECT_EQ(render_progress(state, 100), "verifying  3 messages");
}

TEST(RenderProgress, AnEstimateThatWasTooLowIsTheEnd) {
  const ProgressState state{"copying", ProgressUnit::messages, 12, 10, milliseconds(0)};
  EXPECT_EQ(render_progress(state, 60), "copying  [========================]  100%  10 of 10 messages");
}

TEST(RenderProgress, IsNeverWiderThanTheTerminal) {
  for (std::size_t width = 0; width <= 200; ++width) {
    for (const std::uint64_t done : {0ull, 1ull, 999ull, 1000ull}) {
      const ProgressState state{"copying", ProgressUnit::messages, done, 1000, milliseconds(2000)};
      EXPECT_LE(render_progress(state, width).size(), width);
    }
  }
}

TEST(RenderProgress, LongTimesAreRounded) {
  const auto left = [](std::uint64_t total) {
    const std::string text =
        render_progress({"x", ProgressUnit::messages, 1000, 1000 + total, milliseconds(1000)}, 200);
    return text.substr(text.rfind(", ") + 2);
  };
  EXPECT_EQ(left(61'000), "1m 1s left");
  EXPECT_EQ(left(2 * 3'600'000 + 5 * 60'000), "2h 5m left");
}

TEST_F(ProgressTest, WithoutATerminalItSaysNothing) {
  {
    Progress progress(out_, 0, clock());
    progress.show("copying", ProgressUnit::messages, 1, 10);
    progress.finish("copied");
  }
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ProgressTest, DrawsTenTimesASecondAndOncePerPhase) {
  Progress progress(out_, 80, clock());
  const auto drawings = [this] {
    const std::string text = out_.str();
    return std::count(text.begin(), text.end(), '\r');
  };
  progress.show("copying", ProgressUnit::messages, 1, 10);
  EXPECT_EQ(drawings(), 1);
  progress.show("copying", ProgressUnit::messages, 2, 10);
  EXPECT_EQ(drawings(), 1);
  now_ += milliseconds(100);
  progress.show("copying", ProgressUnit::messages, 3, 10);
  EXPECT_EQ(drawings(), 2);
  progress.show("holding", ProgressUnit::messages, 1, 0);
  EXPECT_EQ(drawings(), 3);
}

TEST_F(ProgressTest, OneLineIsLeftAtTheEnd) {
  Progress progress(out_, 80, clock());
  progress.show("copying", ProgressUnit::messages, 1, 10);
  progress.finish("copied 10 messages");
  const std::string text = out_.str();
  EXPECT_EQ(text.substr(text.rfind("\033[K") + 3), "copied 10 messages\n");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(ProgressTest, AFailureClearsTheLine) {
  {
    Progress progress(out_, 80, clock());
    progress.show("copying", ProgressUnit::messages, 1, 10);
  }
  EXPECT_TRUE(out_.str().ends_with("\r\033[K"));
}

}  // namespace
}  // namespace postrider::cmd
