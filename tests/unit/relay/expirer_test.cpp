#include "relay/outbound/expirer.h"

#include "tests/unit/relay/upstream_house_fixture.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class ExpirerTest : public HouseTest {
 protected:
  ~ExpirerTest() override {
    if (expirer_) run(expirer_->drain());
  }
  void make() { expirer_ = std::make_unique<Expirer>(ExpirerParts{loop_, time_, time_, *store_, log_, {}}); }
  void start() {
    make();
    expirer_->start();
    run();
  }
  std::unique_ptr<Expirer> expirer_;
};

TEST_F(ExpirerTest, EndsAMessageWhenItsTimeIsOverAndNotBefore) {
  start();
  const MessageId id = accept(time_.now() + minutes(5));
  const MessageId other = accept();
  run();
  pass(minutes(5) - Duration{1});
  EXPECT_EQ(state(id), RecipientState::queued);
  pass(Duration{1});
  EXPECT_EQ(state(id), RecipientState::expired);
  EXPECT_EQ(state(other), RecipientState::queued);
}

TEST_F(ExpirerTest, FindsWhatRanOutWhileNoProcessWasThere) {
  make();
  const MessageId id = accept(time_.now() + minutes(5));
  time_.pass_to(time_.now() + hours(1));
  expirer_->start();
  run();
  EXPECT_EQ(state(id), RecipientState::expired);
}

TEST_F(ExpirerTest, AnEarlierOneMovesTheAlarmForward) {
  start();
  const MessageId late = accept(time_.now() + hours(5));
  run();
  EXPECT_EQ(time_.next_alarm(), time_.now() + hours(5));
  const MessageId early = accept(time_.now() + minutes(1));
  run();
  EXPECT_EQ(time_.next_alarm(), time_.now() + minutes(1));
  pass(minutes(1));
  EXPECT_EQ(state(early), RecipientState::expired);
  EXPECT_EQ(state(late), RecipientState::queued);
  EXPECT_EQ(time_.next_alarm(), time_.now() + hours(5) - minutes(1)) << "and then waits for the other";
}

TEST_F(ExpirerTest, ManyAtOnceEndInSteps) {
  start();
  std::vector<MessageId> ids;
  for (int i = 0; i < 250; ++i) ids.push_back(accept(time_.now() + minutes(5)));
  run();
  pass(minutes(5));
  EXPECT_EQ(count(ids, RecipientState::expired), 250u);
}

TEST_F(ExpirerTest, AStoreThatRefusesIsAskedAgain) {
  start();
  const MessageId id = accept(time_.now() + minutes(5));
  run();
  store_->fail_writes(true);
  pass(minutes(6));
  EXPECT_EQ(state(id), RecipientState::queued);
  store_->fail_writes(false);
  pass(seconds(1));
  EXPECT_EQ(state(id), RecipientState::expired);
}

TEST_F(ExpirerTest, AClockSetForwardEndsItAtOnce) {
  start();
  const MessageId id = accept(time_.now() + hours(5));
  run();
  time_.set_wall(time_.now() + hours(6));
  run();
  EXPECT_EQ(state(id), RecipientState::expired);
}

TEST_F(ExpirerTest, WaitsForNothingWhenNothingExpires) {
  start();
  accept();
  run();
  EXPECT_EQ(time_.next_alarm(), kNever);
}

TEST_F(ExpirerTest, WhatIsToldAfterItsEndHarmsNobody) {
  start();
  run(expirer_->drain());
  expirer_.reset();
  accept(time_.now() + minutes(5));
  run();
  EXPECT_EQ(time_.next_alarm(), kNever);
}

}  // namespace
}  // namespace postrider::relay
