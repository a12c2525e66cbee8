#include "relay/outbound/reviver.h"

#include "tests/unit/relay/upstream_house_fixture.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ReviverTest : public HouseTest {
 protected:
  void start(ReviverOptions options) {
    reviver_ = std::make_unique<Reviver>(ReviverParts{loop_, time_, time_, *store_, log_}, options);
    reviver_->start();
    run();
  }
  ~ReviverTest() override {
    if (reviver_) run(reviver_->drain());
  }
  std::vector<MessageId> fail_many(int count) {
    std::vector<MessageId> ids;
    for (int i = 0; i < count; ++i) ids.push_back(fail());
    return ids;
  }
  std::unique_ptr<Reviver> reviver_;
};

TEST_F(ReviverTest, BringsBackWhatFailedOnceAnUpstreamWorksAgain) {
  const MessageId id = fail();
  start({{100, seconds(1)}, hours(5)});
  pass(hours(1));
  EXPECT_EQ(state(id), RecipientState::failed) << "not by itself";
  reviver_->works_again("a");
  run();
  EXPECT_EQ(state(id), RecipientState::queued);
}

TEST_F(ReviverTest, BringsBackSoManyASecond) {
  const std::vector<MessageId> ids = fail_many(25);
  start({{10, seconds(1)}, hours(5)});
  reviver_->works_again("a");
  run();
  EXPECT_EQ(count(ids, RecipientState::queued), 10u);
  EXPECT_EQ(state(ids.front()), RecipientState::queued) << "the oldest first";
  pass(seconds(1) - milliseconds(1));
  EXPECT_EQ(count(ids, RecipientState::queued), 10u);
  pass(milliseconds(1));
  EXPECT_EQ(count(ids, RecipientState::queued), 20u);
  pass(seconds(1));
  EXPECT_EQ(count(ids, RecipientState::queued), 25u);
}

TEST_F(ReviverTest, NewsDuringAWalkDoNotQuickenIt) {
  const std::vector<MessageId> ids = fail_many(25);
  start({{10, seconds(1)}, hours(5)});
  for (int i = 0; i < 5; ++i) {
    reviver_->works_again("a");
    run();
  }
  EXPECT_EQ(count(ids, RecipientState::queued), 10u);
}

TEST_F(ReviverTest, LeavesWhatIsTooOld) {
  const MessageId old_one = fail();
  pass(hours(5));
  const MessageId young = fail();
  start({{100, seconds(1)}, hours(5)});
  reviver_->works_again("a");
  run();
  EXPECT_EQ(state(old_one), RecipientState::failed);
  EXPECT_EQ(state(young), RecipientState::queued);
}

TEST_F(ReviverTest, WithoutAPaceEverythingComesBackAtOnce) {
  const std::vector<MessageId> ids = fail_many(25);
  start({{0, seconds(1)}, hours(5)});
  reviver_->works_again("a");
  run();
  EXPECT_EQ(count(ids, RecipientState::queued), 25u);
}

TEST_F(ReviverTest, AReloadChangesThePaceOfTheNextWalk) {
  start({{1, seconds(1)}, hours(5)});
  const std::vector<MessageId> ids = fail_many(5);
  reviver_->use({{100, seconds(1)}, hours(5)});
  reviver_->works_again("a");
  run();
  EXPECT_EQ(count(ids, RecipientState::queued), 5u);
}

TEST_F(ReviverTest, AStoreThatRefusesIsAskedAgain) {
  const MessageId id = fail();
  start({{100, seconds(1)}, hours(5)});
  store_->fail_writes(true);
  reviver_->works_again("a");
  pass(seconds(10));
  store_->fail_writes(false);
  pass(seconds(1));
  EXPECT_EQ(state(id), RecipientState::queued);
}

TEST_F(ReviverTest, DrainsInTheMiddleOfAWalk) {
  const std::vector<MessageId> ids = fail_many(25);
  start({{10, seconds(1)}, hours(5)});
  reviver_->works_again("a");
  run();
  run(reviver_->drain());
  reviver_.reset();
  EXPECT_EQ(time_.next_alarm(), kNever);
  EXPECT_EQ(count(ids, RecipientState::queued), 10u);
}

}  // namespace
}  // namespace postrider::relay
