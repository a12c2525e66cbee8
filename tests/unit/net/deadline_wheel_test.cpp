#include "net/deadline_wheel.h"

#include <deque>
#include <random>

namespace postrider::net {
namespace {

using namespace std::chrono_literals;

class Wheel : public ::testing::Test {
 protected:
  void pass(Duration d) {
    now_ += d.count();
    wheel_.advance();
  }
  std::int64_t now_ = 1'000'123;
  DeadlineWheel wheel_{[this] { return now_; }};
};

TEST_F(Wheel, ExpiresNeverEarlyAndAtMostOneTickLate) {
  for (int offset = 0; offset < 250; offset += 7) {
    now_ += offset;
    wheel_.advance();
    std::int64_t at = 0;
    Deadline d(wheel_, [&] { at = now_; });
    const std::int64_t due = now_ + 1000;
    d.set(1s);
    while (at == 0 && now_ < due + 1000) pass(1ms);
    EXPECT_GE(at, due);
    EXPECT_LE(at, due + DeadlineWheel::kTick.count());
  }
}

TEST_F(Wheel, ForgetsWhatIsClearedOrDestroyed) {
  int expired = 0;
  Deadline cleared(wheel_, [&] { ++expired; });
  cleared.set(1s);
  cleared.clear();
  {
    Deadline gone(wheel_, [&] { ++expired; });
    gone.set(1s);
  }
  EXPECT_EQ(wheel_.waiting(), 0u);
  pass(10s);
  EXPECT_EQ(expired, 0);
}

TEST_F(Wheel, MovesLaterAndEarlier) {
  int expired = 0;
  Deadline d(wheel_, [&] { ++expired; });
  d.set(2s);
  d.set(10s);
  pass(5s);
  EXPECT_EQ(expired, 0);
  d.set(1s);
  pass(1250ms);
  EXPECT_EQ(expired, 1);
  pass(20s);
  EXPECT_EQ(expired, 1);
}

TEST_F(Wheel, ReachesBeyondItsHorizon) {
  int expired = 0;
  Deadline d(wheel_, [&] { ++expired; });
  d.set(10min);  // the wheel turns once in 128 s
  for (int i = 0; i < 599; ++i) pass(1s);
  EXPECT_EQ(expired, 0);
  pass(1250ms);
  EXPECT_EQ(expired, 1);
}

TEST_F(Wheel, CatchesUpAfterALongPause) {
  int expired = 0;
  std::deque<Deadline> all;
  for (int i = 0; i < 600; ++i) all.emplace_back(wheel_, [&] { ++expired; }).set(std::chrono::seconds(i));
  pass(300s);
  EXPECT_EQ(expired, 300);  // 0 s to 299 s; that of 300 s is due at the next tick
  pass(1h);
  EXPECT_EQ(expired, 600);
}

TEST_F(Wheel, AnExpiryMaySetClearAndDestroyOthers) {
  std::string seen;
  std::unique_ptr<Deadline> victim;
  Deadline moved(wheel_, [&] { seen += "moved "; });
  Deadline actor(wheel_, [&] {
    seen += "actor ";
    victim.reset();
    moved.set(10s);
  });
  victim = std::make_unique<Deadline>(wheel_, [&] { seen += "victim "; });
  actor.set(1s);  // all due at one tick, and told in the order they were set
  victim->set(1s);
  moved.set(1s);
  pass(2s);
  EXPECT_EQ(seen, "actor ");
  pass(11s);
  EXPECT_EQ(seen, "actor moved ");
}

TEST_F(Wheel, AnExpiryMaySetItselfAgain) {
  int expired = 0;
  std::unique_ptr<Deadline> d;
  d = std::make_unique<Deadline>(wheel_, [&] {
    if (++expired < 3) d->set(0ms);
  });
  d->set(0ms);
  for (int i = 0; i < 4; ++i) pass(250ms);
  EXPECT_EQ(expired, 3);
}

TEST_F(Wheel, KeepsTenThousandApart) {
  std::mt19937 dice(7);  // NOLINT: the same every time
  struct One {
    std::int64_t due = 0, at = 0;
  };
  std::vector<One> record(10'000);
  std::deque<Deadline> all;
  for (One& one : record) {
    const Duration d(dice() % 300'000);
    one.due = now_ + d.count();
    all.emplace_back(wheel_, [this, &one] { one.at = now_; }).set(d);
  }
  for (int i = 0; i < 301'000 / 50; ++i) pass(50ms);
  for (const One& one : record) {
    ASSERT_GE(one.at, one.due);
    ASSERT_LE(one.at, one.due + DeadlineWheel::kTick.count() + 50);
  }
  EXPECT_EQ(wheel_.waiting(), 0u);
}

}  // namespace
}  // namespace postrider::net
