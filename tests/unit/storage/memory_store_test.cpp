#include "storage/memory_store.h"

#include <gtest/gtest.h>

#include <optional>

namespace postrider::storage {
namespace {

// The memory store answers within the call: what was posted is there to run.
class Inbox final : public Mailbox {
 public:
  void post(std::vector<Task> tasks) override {
    for (Task& task : tasks) tasks_.push_back(std::move(task));
  }
  void run() {
    for (Task& task : std::exchange(tasks_, {})) task();
  }

 private:
  std::vector<Task> tasks_;
};

class MemoryStoreTest : public testing::Test {
 protected:
  template <typename T>
  Done<T> into(std::optional<result<T>>& slot) {
    return Done<T>(inbox_, [&slot](result<T> value) { slot.emplace(std::move(value)); });
  }
  NewMessage message() {
    NewMessage m;
    m.now = now_;
    m.record.id = ids_.next(now_);
    m.record.recipients.resize(1);
    m.record.recipients[0].due = now_;
    m.record.body_size = 1;
    m.record.body_chunks = 1;
    m.body.chunks.push_back(std::make_shared<const std::string>("x"));
    return m;
  }
  MessageId accept(std::optional<result<Accepted>>& slot) {
    NewMessage m = message();
    const MessageId id = m.record.id;
    store_->accept(std::move(m), into(slot));
    inbox_.run();
    return id;
  }
  bool exists(const MessageId& id) {
    std::optional<result<MessageRecord>> slot;
    store_->find(id, into(slot));
    inbox_.run();
    return slot.value().has_value();
  }

  Inbox inbox_;
  Time now_ = from_ms(1'800'000'000'000);
  MessageIdSource ids_{7};
  std::unique_ptr<MemoryStore> store_ = make_memory_store();
};

TEST_F(MemoryStoreTest, WhileWritesFailNothingIsKeptAndReadsGoOn) {
  std::optional<result<Accepted>> first, second, third;
  const MessageId before = accept(first);
  store_->fail_writes(true);
  const MessageId during = accept(second);
  EXPECT_EQ(second.value().error().kind, FaultKind::unavailable);
  EXPECT_FALSE(exists(during));
  EXPECT_TRUE(exists(before));
  EXPECT_FALSE(store_->stats().accepting);
  EXPECT_FALSE(store_->stats().can_settle);
  EXPECT_FALSE(store_->stats().trouble.empty());
  store_->fail_writes(false);
  EXPECT_TRUE(exists(accept(third)));
  EXPECT_TRUE(store_->stats().accepting);
}

TEST_F(MemoryStoreTest, AFailedAcceptForgetsWhatWasStagedForIt) {
  NewMessage m = message();
  std::optional<result<Nothing>> staged;
  store_->stage({m.record.id, 0, m.body.chunks[0]}, into(staged));
  EXPECT_GT(store_->stats().live_bytes, 0u);
  store_->fail_writes(true);
  m.body.chunks.clear();
  m.first_chunk = 1;
  std::optional<result<Accepted>> slot;
  store_->accept(std::move(m), into(slot));
  inbox_.run();
  EXPECT_FALSE(slot.value().has_value());
  EXPECT_EQ(store_->stats().live_bytes, 0u);
}

TEST_F(MemoryStoreTest, PausedWritesAreNeitherThereNorAnsweredUntilTheyCommit) {
  store_->pause_commits(true);
  std::optional<result<Accepted>> first, second;
  const MessageId a = accept(first), b = accept(second);
  EXPECT_FALSE(first.has_value());
  EXPECT_FALSE(exists(a));
  store_->pause_commits(false);
  inbox_.run();
  EXPECT_TRUE(first.value().has_value());
  EXPECT_TRUE(second.value().has_value());
  EXPECT_TRUE(exists(a));
  EXPECT_TRUE(exists(b));
}

TEST_F(MemoryStoreTest, ACrashLosesWhatWasNotAnsweredAndNothingElse) {
  std::optional<result<Accepted>> answered, lost;
  const MessageId kept = accept(answered);
  store_->pause_commits(true);
  const MessageId gone = accept(lost);
  const std::unique_ptr<MemoryStore> before = std::exchange(store_, store_->reopen(now_));
  inbox_.run();
  EXPECT_FALSE(lost.has_value());
  EXPECT_TRUE(exists(kept));
  EXPECT_FALSE(exists(gone));
  EXPECT_EQ(store_->stats().epoch, before->stats().epoch + 1);
  std::optional<result<MessageRecord>> late;
  before->find(kept, into(late));
  inbox_.run();
  EXPECT_EQ(late.value().error().kind, FaultKind::unavailable);
}

TEST_F(MemoryStoreTest, ClosingCommitsAndAnswersWhatWasTaken) {
  store_->pause_commits(true);
  std::optional<result<Accepted>> slot;
  accept(slot);
  store_->close();
  inbox_.run();
  EXPECT_TRUE(slot.value().has_value());
}

}  // namespace
}  // namespace postrider::storage
