// Group commit: who shares a commit, what one failing operation does to the others, and what follows a fatal error.
#include "storage/lmdb/writer.h"

#include <cerrno>

#include "storage/lmdb/repair_ops.h"
#include "tests/unit/storage/lmdb_fixture.h"

namespace postrider::storage {
namespace {

class LmdbWriterTest : public LmdbTest {
 protected:
  void start() {
    environment_ = std::make_unique<lmdb::Environment>(options_, lmdb::Environment::Access::write);
    writer_ = std::make_unique<lmdb::Writer>(*environment_, options_, log_);
    std::vector<lmdb::Writer::OperationPtr> opening;
    opening.push_back(std::make_unique<lmdb::NewEpoch>());
    writer_->run_now(std::move(opening));
    writer_->start();
  }
  ~LmdbWriterTest() override { writer_.reset(); }

  // Writes a row under `key`, then fails with `code` unless that is 0.
  class Row final : public lmdb::Answering<Nothing> {
   public:
    Row(std::string key, int code, Haste haste, Need need, Done<Nothing> done)
        : Answering(std::move(done), haste, need), key_(std::move(key)), code_(code) {}
    void run(lmdb::WriteContext& context) override {
      context.txn().put(context.tables().users, key_, "x");
      if (code_ != 0) throw lmdb::LmdbError("write", code_);
      answer_with(Nothing{});
    }

   private:
    std::string key_;
    int code_;
  };
  using Need = lmdb::WriteOperation::Need;

  struct Answer {
    std::optional<FaultKind> fault;
    bool given = false;
  };
  void submit(const std::string& key, int code, lmdb::WriteOperation::Haste haste, Need need, Answer& answer) {
    writer_->submit(std::make_unique<Row>(key, code, haste, need, Done<Nothing>(mailbox_, [&answer](result<Nothing> r) {
                                            answer.given = true;
                                            if (!r) answer.fault = r.error().kind;
                                          })));
  }
  bool has_row(const std::string& key) {
    lmdb::Txn txn(environment_->raw(), lmdb::Txn::Mode::read);
    return txn.get(environment_->tables().users, key).has_value();
  }

  std::unique_ptr<lmdb::Environment> environment_;
  std::unique_ptr<lmdb::Writer> writer_;
};

constexpr auto kLazy = lmdb::WriteOperation::Haste::lazy;
constexpr auto kNow = lmdb::WriteOperation::Haste::now;

TEST_F(LmdbWriterTest, LazyOperationsWaitForCompanyAndShareItsCommit) {
  options_.settle_delay = std::chrono::minutes(10);
  start();
  const SpoolStats before = writer_->stats();
  std::vector<Answer> answers(51);
  for (int i = 0; i < 50; ++i)
    submit("lazy" + std::to_string(i), 0, kLazy, Need::settle, answers[static_cast<std::size_t>(i)]);
  submit("now", 0, kNow, Need::nothing_new, answers[50]);
  mailbox_.wait([&] { return answers[50].given; });
  EXPECT_TRUE(std::all_of(answers.begin(), answers.end(), [](const Answer& a) { return a.given && !a.fault; }));
  EXPECT_EQ(writer_->stats().commits, before.commits + 1);
  EXPECT_EQ(writer_->stats().synced_operations, before.synced_operations + 51);
  EXPECT_EQ(mailbox_.posts(), 1);
}

TEST_F(LmdbWriterTest, ALazyOperationAloneIsCommittedAfterItsDelay) {
  options_.settle_delay = Duration(1);
  start();
  Answer answer;
  submit("lazy", 0, kLazy, Need::settle, answer);
  mailbox_.wait([&] { return answer.given; });
  EXPECT_FALSE(answer.fault);
}

TEST_F(LmdbWriterTest, OneFailingOperationFailsAlone) {
  options_.settle_delay = std::chrono::minutes(10);
  start();
  Answer first, failing, last;
  submit("first", 0, kLazy, Need::settle, first);
  submit("failing", MDB_MAP_FULL, kLazy, Need::new_space, failing);
  submit("last", 0, kNow, Need::nothing_new, last);
  mailbox_.wait([&] { return last.given; });
  EXPECT_FALSE(first.fault);
  EXPECT_FALSE(last.fault);
  EXPECT_EQ(failing.fault, FaultKind::full);
  EXPECT_TRUE(has_row("first"));
  EXPECT_TRUE(has_row("last"));
  EXPECT_FALSE(has_row("failing"));
}

TEST_F(LmdbWriterTest, ASettleThatCannotBeCommittedStopsClaimsUntilOneCan) {
  start();
  Answer failing, next;
  submit("failing", MDB_MAP_FULL, kNow, Need::settle, failing);
  mailbox_.wait([&] { return failing.given; });
  EXPECT_EQ(failing.fault, FaultKind::unavailable);
  EXPECT_FALSE(writer_->stats().can_settle);
  EXPECT_FALSE(writer_->stats().trouble.empty());
  submit("next", 0, kNow, Need::settle, next);
  mailbox_.wait([&] { return next.given; });
  EXPECT_TRUE(writer_->stats().can_settle);
  EXPECT_TRUE(writer_->stats().trouble.empty());
}

TEST_F(LmdbWriterTest, AMistakeOfOursFailsItsOwnOperationOnly) {
  start();
  Answer failing, next;
  submit("failing", EINVAL, kNow, Need::nothing_new, failing);
  submit("next", 0, kNow, Need::new_space, next);
  mailbox_.wait([&] { return failing.given && next.given; });
  EXPECT_EQ(failing.fault, FaultKind::unavailable);
  EXPECT_FALSE(next.fault);
  EXPECT_TRUE(writer_->stats().accepting);
}

TEST_F(LmdbWriterTest, AfterAFatalErrorNothingIsWritten) {
  start();
  Answer failing, later;
  submit("failing", MDB_CORRUPTED, kNow, Need::nothing_new, failing);
  mailbox_.wait([&] { return failing.given; });
  submit("later", 0, kNow, Need::new_space, later);
  mailbox_.wait([&] { return later.given; });
  EXPECT_EQ(failing.fault, FaultKind::unavailable);
  EXPECT_EQ(later.fault, FaultKind::unavailable);
  EXPECT_FALSE(has_row("later"));
  const SpoolStats stats = writer_->stats();
  EXPECT_FALSE(stats.accepting);
  EXPECT_FALSE(stats.can_settle);
  EXPECT_FALSE(stats.trouble.empty());
}

TEST_F(LmdbWriterTest, WhatWasTakenIsCommittedBeforeItCloses) {
  options_.settle_delay = std::chrono::minutes(10);
  start();
  Answer lazy, after;
  submit("lazy", 0, kLazy, Need::settle, lazy);
  writer_->close();
  EXPECT_TRUE(lazy.given);
  EXPECT_TRUE(has_row("lazy"));
  submit("after", 0, kNow, Need::settle, after);
  EXPECT_EQ(after.fault, FaultKind::unavailable);
}

}  // namespace
}  // namespace postrider::storage
