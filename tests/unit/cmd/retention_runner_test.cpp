// The rhythm of retention, with an alarm and a clock of the test's own.
#include "cmd/retention_runner.h"

#include <gtest/gtest.h>

#include "storage/memory_store.h"

namespace postrider::cmd {
namespace {

class FakeClock final : public Clock {
 public:
  Time now() const override { return time; }
  Duration monotonic() const override { return time.time_since_epoch(); }
  Time time = from_ms(1'700'000'000'000);
};

struct AlarmState {
  Time due{};
  std::function<void()> fire;
};

class FakeAlarm final : public Alarm {
 public:
  explicit FakeAlarm(AlarmState& state) : state_(state) {}
  void set(Time due, std::function<void()> fire) override { state_ = {due, std::move(fire)}; }
  void cancel() override { state_.fire = nullptr; }

 private:
  AlarmState& state_;
};

class InlineMailbox final : public Mailbox {
 public:
  void post(std::vector<Task> tasks) override {
    for (Task& task : tasks) task();
  }
};

// Runs what is pending as if its time had come.
void fire(AlarmState& alarm, FakeClock& clock) {
  ASSERT_TRUE(alarm.fire);
  clock.time = alarm.due;
  const auto call = std::exchange(alarm.fire, nullptr);
  call();
}

// Looks until it is time for a step.
void pass_a_minute(AlarmState& alarm, FakeClock& clock) {
  for (const Time end = clock.time + RetentionRunner::kPause; clock.time < end;) fire(alarm, clock);
}

void accept_and_cancel(storage::Store& store, MessageIdSource& ids, Time now, InlineMailbox& here) {
  storage::NewMessage message;
  message.now = now;
  message.record.id = ids.next(now);
  message.record.envelope.created_at = now;
  Recipient recipient;
  recipient.address = parse_address("b@example.net").value();
  message.record.recipients.push_back(recipient);
  storage::SteerRequest cancel;
  cancel.id = message.record.id;
  cancel.verb = storage::SteerVerb::cancel;
  cancel.now = now;
  store.accept(std::move(message), Done<storage::Accepted>(here, [](result<storage::Accepted> a) { a.value(); }));
  store.steer({cancel}, Done<std::vector<result<storage::Steered>>>(
                            here, [](result<std::vector<result<storage::Steered>>> s) { s.value().at(0).value(); }));
}

class RetentionRunnerTest : public testing::Test {
 protected:
  std::uint64_t finished() const {
    return store->stats().messages[static_cast<std::size_t>(RecipientState::cancelled)];
  }

  FakeClock clock;
  AlarmState alarm;
  InlineMailbox here;
  NullLog log;
  MessageIdSource ids{1};
  std::unique_ptr<storage::MemoryStore> store = storage::make_memory_store();
  mgmt::RetentionRules rules;
  mgmt::RetentionBook book;
};

TEST_F(RetentionRunnerTest, StepsOnceAMinute) {
  RetentionRunner runner(here, clock, std::make_unique<FakeAlarm>(alarm), *store, rules, book, log);
  runner.start();
  const Time started = clock.time;
  for (int minute = 1; minute <= 2; ++minute) {
    EXPECT_EQ(book.last().has_value(), minute > 1);
    pass_a_minute(alarm, clock);
    ASSERT_TRUE(book.last());
    EXPECT_EQ(book.last()->ended_at, started + minute * RetentionRunner::kPause);
  }
}

TEST_F(RetentionRunnerTest, TakesWhatIsTooMuchWithinASecond) {
  RetentionRunner runner(here, clock, std::make_unique<FakeAlarm>(alarm), *store, rules, book, log);
  runner.start();
  fire(alarm, clock);
  EXPECT_FALSE(book.last());
  for (int i = 0; i < 10; ++i) accept_and_cancel(*store, ids, clock.time, here);
  rules.policy.history_max_bytes = store->stats().finished_bytes / 2;
  const Time grown = clock.time;
  fire(alarm, clock);
  EXPECT_EQ(clock.time, grown + RetentionRunner::kLook);
  EXPECT_LE(store->stats().finished_bytes, rules.policy.history_max_bytes);
  EXPECT_GE(finished(), 4u) << "and no more than that";
}

TEST_F(RetentionRunnerTest, StepsSoonAgainUntilAllThatMayGoIsGone) {
  for (int i = 0; i < 1200; ++i) accept_and_cancel(*store, ids, clock.time, here);
  RetentionRunner runner(here, clock, std::make_unique<FakeAlarm>(alarm), *store, rules, book, log);
  runner.start();
  alarm.due = clock.time + rules.policy.history + std::chrono::hours(1);
  fire(alarm, clock);
  EXPECT_EQ(alarm.due, clock.time + RetentionRunner::kShortPause);
  for (int steps = 0; alarm.due == clock.time + RetentionRunner::kShortPause; ++steps) {
    ASSERT_LT(steps, 100);
    fire(alarm, clock);
  }
  EXPECT_EQ(finished(), 0u);
  ASSERT_TRUE(book.last_removal());
  EXPECT_EQ(book.last_removal()->removed.messages, 1200u) << "the steps of one run are one run";
  EXPECT_LT(book.last_removal()->started_at, book.last_removal()->ended_at);
}

TEST_F(RetentionRunnerTest, GoesOnAfterAFault) {
  store->fail_writes(true);
  RetentionRunner runner(here, clock, std::make_unique<FakeAlarm>(alarm), *store, rules, book, log);
  runner.start();
  pass_a_minute(alarm, clock);
  EXPECT_FALSE(book.last());
  store->fail_writes(false);
  pass_a_minute(alarm, clock);
  EXPECT_TRUE(book.last());
}

TEST_F(RetentionRunnerTest, WhatCannotGoIsNotAskedForEverySecond) {
  accept_and_cancel(*store, ids, clock.time, here);
  rules.policy.history_max_bytes = 0;
  store->fail_writes(true);
  RetentionRunner runner(here, clock, std::make_unique<FakeAlarm>(alarm), *store, rules, book, log);
  runner.start();
  fire(alarm, clock);
  store->fail_writes(false);
  fire(alarm, clock);
  EXPECT_FALSE(book.last()) << "the step that failed is not repeated before its time";
  pass_a_minute(alarm, clock);
  EXPECT_EQ(finished(), 0u);
}

TEST_F(RetentionRunnerTest, StopsForGood) {
  RetentionRunner runner(here, clock, std::make_unique<FakeAlarm>(alarm), *store, rules, book, log);
  runner.start();
  runner.stop();
  EXPECT_FALSE(alarm.fire);
}

}  // namespace
}  // namespace postrider::cmd
