// `spool compact`: smaller, the same, and killed at any step the one or the other.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

#include "storage/lmdb/keys.h"
#include "tests/unit/storage/copies_fixture.h"

namespace postrider::storage {
namespace {

class CompactTest : public CopiesTest {
 protected:
  // A spool with many free pages, closed.
  std::map<MessageId, Known> fill() {
    open();
    std::vector<MessageId> ids, gone;
    for (int i = 0; i < 40; ++i) ids.push_back(add_any());
    for (int i = 0; i < 40; ++i) gone.push_back(stored(claimed_message(4 * kChunkPayload)));
    for (const MessageId& id : gone) EXPECT_TRUE(settle(sent(id)).has_value());
    close();
    open();  // what was being sent is settled by recovery, so that the next opening changes nothing more
    auto all = known(ids);
    close();
    return all;
  }
  void expect(const std::map<MessageId, Known>& before) {
    open();
    EXPECT_TRUE(faults().empty());
    for (const auto& [id, was] : before) {
      const Known is = known(id);
      EXPECT_EQ(is.state, was.state);
      EXPECT_EQ(is.body, was.body);
      EXPECT_EQ(is.events, was.events);
    }
    close();
  }
};

TEST_F(CompactTest, GivesFreePagesBackAndChangesNothing) {
  const auto before = fill();
  const std::uint64_t size = data_size();
  const CompactReport report = compact_spool(options_, {});
  EXPECT_EQ(report.bytes_before, size);
  EXPECT_EQ(report.bytes_after, data_size());
  EXPECT_LT(report.bytes_after, size / 2);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/spool/compact"));
  expect(before);
}

TEST_F(CompactTest, NeedsTheDaemonStopped) {
  open();
  stored(message());
  try {
    compact_spool(options_, {});
    ADD_FAILURE() << "it replaced the file under a daemon";
  } catch (const SpoolError& error) {
    EXPECT_EQ(error.kind(), SpoolError::Kind::in_use);
  }
}

TEST_F(CompactTest, WithoutASpoolThereIsNothingToDo) {
  try {
    compact_spool(options_, {});
    ADD_FAILURE();
  } catch (const SpoolError& error) {
    EXPECT_EQ(error.kind(), SpoolError::Kind::absent);
  }
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/spool"));
}

TEST_F(CompactTest, ACopyThatDiffersIsNotTaken) {
  fill();
  const std::uint64_t size = data_size();
  using Change = std::function<void(lmdb::Txn&, MDB_dbi, std::string_view)>;
  const Change remove = [](lmdb::Txn& txn, MDB_dbi feed, std::string_view key) { txn.erase(feed, key); };
  const Change alter = [](lmdb::Txn& txn, MDB_dbi feed, std::string_view key) {
    std::string value(*txn.get(feed, key));
    value.back() ^= 1;
    txn.put(feed, key, value);
  };
  for (const Change& change : {remove, alter}) {
    CompactRequest request;
    request.on_step = [&](std::string_view step) {
      if (step != "copied") return;
      SpoolOptions copy = options_;
      copy.data_dir = directory_.path() + "/spool/compact";
      lmdb::Environment environment(copy, lmdb::Environment::Access::write);
      lmdb::Txn txn(environment.raw(), lmdb::Txn::Mode::write);
      std::string key;
      {
        lmdb::Cursor cursor(txn, environment.tables().feed);
        ASSERT_TRUE(cursor.last());
        key = cursor.key();
      }
      change(txn, environment.tables().feed, key);
      txn.commit();
    };
    EXPECT_THROW(compact_spool(options_, request), SpoolError);
    EXPECT_EQ(data_size(), size);
  }
}

TEST_F(CompactTest, AReaderOfTheOldFileReadsOn) {
  const auto before = fill();
  const MessageId any = before.begin()->first;
  OtherProcess reader([&](const std::function<void()>& turn) {
    store_ = open_lmdb_store_read_only(options_, log_);
    EXPECT_TRUE(find(any).has_value());
    turn();  // compacted meanwhile
    EXPECT_TRUE(find(any).has_value());
    turn();  // a daemon has written to the new file
    EXPECT_TRUE(find(any).has_value());
    close();
  });
  ASSERT_TRUE(reader.wait_for_turn());
  compact_spool(options_, {});
  reader.resume();
  ASSERT_TRUE(reader.wait_for_turn());
  open();
  for (int i = 0; i < 20; ++i) stored(random_message(kChunkPayload));
  close();
  reader.resume();
  EXPECT_EQ(reader.exit_status(), 0);
  expect(before);
}

TEST_F(CompactTest, KilledAtAnyStepItLeavesAWholeSpool) {
  const auto before = fill();
  std::vector<std::string> steps;
  {
    CompactRequest request;
    request.on_step = [&](std::string_view step) { steps.emplace_back(step); };
    compact_spool(options_, request);
  }
  ASSERT_GE(steps.size(), 6u);
  for (const std::string& last : steps) {
    std::cout.flush();
    const pid_t child = fork();  // no thread is alive here
    if (child == 0) {
      CompactRequest request;
      request.on_step = [&](std::string_view step) {
        if (step == last) kill(getpid(), SIGKILL);
      };
      compact_spool(options_, request);
      _exit(1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << last;
    expect(before);
    EXPECT_NO_THROW(compact_spool(options_, {})) << last;
    EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/spool/compact")) << last;
    expect(before);
  }
}

}  // namespace
}  // namespace postrider::storage
