// Processes that end badly: killed in mid-load, and a disk that is full for a while. Each runs in a child, because only a
// process of its own can be killed or limited. No thread is alive in this process when it forks.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <iostream>

#include "tests/unit/storage/lmdb_fixture.h"

namespace postrider::storage {
namespace {

class LmdbCrashTest : public LmdbTest {
 protected:
  // Runs `work` in a child that never returns from it into the test's own code.
  template <typename Work>
  static pid_t in_child(Work work) {
    std::cout.flush();
    const pid_t pid = fork();
    if (pid != 0) return pid;
    try {
      work();
    } catch (const std::exception& error) {
      std::cerr << "child: " << error.what() << std::endl;
      _exit(3);
    }
    _exit(testing::Test::HasFailure() ? 2 : 0);
  }

  // Accepts without end, eight at a time, and writes the id of each answered message to `out`; every other is settled.
  [[noreturn]] void load(int out) {
    open();
    std::atomic<int> in_flight{0};
    for (int n = 0;; ++n) {
      mailbox_.wait([&] { return in_flight < 8; });
      ++in_flight;
      NewMessage m = claimed_message(n % 7 == 0 ? 2 * kChunkPayload : 3000);
      store().accept(std::move(m), Done<Accepted>(mailbox_, [&, n, out](result<Accepted> accepted) {
                       const auto& bytes = accepted->id.bytes();
                       if (write(out, bytes.data(), bytes.size()) != MessageId::kBytes) _exit(4);
                       if (n % 2 == 0)
                         store().settle(sent(accepted->id), Done<Settled>(mailbox_, [](result<Settled>) {}));
                       --in_flight;
                     }));
    }
  }
};

TEST_F(LmdbCrashTest, EveryAnsweredMessageOutlivesAKill) {
  std::vector<MessageId> answered;
  for (int round = 0; round < 3; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = in_child([&] { load(ends[1]); });
    ::close(ends[1]);
    std::array<std::uint8_t, MessageId::kBytes> bytes;
    const std::size_t enough = answered.size() + 150 + 37 * static_cast<std::size_t>(round);
    for (ssize_t n; (n = read(ends[0], bytes.data(), bytes.size())) > 0;) {
      ASSERT_EQ(n, static_cast<ssize_t>(bytes.size()));
      answered.emplace_back(bytes);
      if (answered.size() == enough) kill(child, SIGKILL);  // what it wrote before it died is still read
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;

    ids_ = MessageIdSource(static_cast<std::uint64_t>(round) + 100);  // the next child's messages are others
    open();
    for (const MessageId& id : answered) {
      const auto record = find(id);
      ASSERT_TRUE(record.has_value()) << record.error().text;
      ASSERT_NE(record->state(), RecipientState::sending);
      if (record->body == BodyState::present) {
        ASSERT_TRUE(read_body(id).has_value());
      }
    }
    const auto page = answer<VerifyPage>([&](Done<VerifyPage> done) {
      store().verify({std::nullopt, 1000}, std::move(done));
    });
    EXPECT_TRUE(page->faults.empty()) << page->faults.front();
    close();
  }
}

TEST_F(LmdbCrashTest, AReaderWorksBesideARunningDaemonAndTheLockDiesWithIt) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = in_child([&] { load(ends[1]); });
  ::close(ends[1]);
  std::array<std::uint8_t, MessageId::kBytes> bytes;
  ASSERT_EQ(read(ends[0], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_THROW(open_lmdb_store(options_, log_), SpoolError);
  store_ = open_lmdb_store_read_only(options_, log_);
  EXPECT_TRUE(find(MessageId(bytes)).has_value());
  close();
  kill(child, SIGKILL);
  ::close(ends[0]);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_NO_THROW(open());
}

// The disk is full: a limit on the size of files stands for it.
TEST_F(LmdbCrashTest, AFullDiskRefusesNewMailLosesNothingAndRecovers) {
  options_.reserve_bytes = 1 << 20;
  const pid_t child = in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{24u << 20, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
    open();
    std::vector<MessageId> in;
    std::optional<Fault> refused;
    while (!refused && in.size() < 200) {
      const auto accepted = accept(claimed_message(300'000));
      if (accepted)
        in.push_back(accepted->id);
      else
        refused = accepted.error();
    }
    ASSERT_TRUE(refused.has_value());
    EXPECT_EQ(refused->kind, FaultKind::full);
    EXPECT_GT(in.size(), 20u);
    EXPECT_FALSE(store().stats().accepting);
    EXPECT_TRUE(store().stats().can_settle);
    EXPECT_FALSE(store().stats().trouble.empty());
    for (const MessageId& id : in) EXPECT_TRUE(read_body(id).has_value());
    for (const MessageId& id : in) EXPECT_EQ(settle(sent(id))->state, RecipientState::sent);
    while (!store().stats().accepting) flush_writer();  // it looks for space once a second
    EXPECT_TRUE(store().stats().trouble.empty());
    EXPECT_TRUE(accept(claimed_message(300'000)).has_value());
    close();
  });
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace postrider::storage
