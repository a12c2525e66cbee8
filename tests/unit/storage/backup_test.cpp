// `spool backup`: what is in the copy, what is held there, what is left out, and that the source does not grow under it.
#include "storage/lmdb/keys.h"
#include "storage/partial_directory.h"
#include "storage/record_codec.h"
#include "tests/unit/storage/copies_fixture.h"

namespace postrider::storage {
namespace {

class BackupTest : public CopiesTest {
 protected:
  BackupReport backup(LiveMessages live = LiveMessages::hold) {
    close();
    BackupRequest request;
    request.output_dir = output();
    request.live = live;
    return backup_spool(options_, request);
  }
  std::vector<MessageId> fill(int messages) {
    std::vector<MessageId> ids;
    for (int i = 0; i < messages; ++i) ids.push_back(add_any());
    return ids;
  }
};

TEST_F(BackupTest, HoldsWhatIsLiveAndKeepsWhatIsFinished) {
  open();
  const auto ids = fill(60);
  const auto before = known(ids);
  const BackupReport report = backup();
  EXPECT_EQ(report.messages, ids.size());
  EXPECT_EQ(report.fault_count, 0u);
  open_copy(output());
  EXPECT_TRUE(faults().empty()) << faults().front();
  std::uint64_t held = 0;
  for (const auto& [id, was] : before) {
    const Known is = known(id);
    EXPECT_EQ(is.body, was.body);
    EXPECT_GE(is.events, was.events);
    EXPECT_EQ(is.state, is_live(was.state) ? RecipientState::held : was.state) << id.str();
    held += is.state == RecipientState::held ? 1 : 0;
  }
  EXPECT_EQ(report.held, held);
  EXPECT_GT(held, 10u);
  EXPECT_LT(held, 60u);
  EXPECT_TRUE(due().entries.empty());
  EXPECT_EQ(store().stats().messages[static_cast<int>(RecipientState::held)], held);
}

TEST_F(BackupTest, WhatWasBeingSentIsAnUncertainAttemptInTheCopy) {
  open();
  const MessageId id = stored(claimed_message());
  backup();
  open_copy(output());
  const auto record = find(id);
  EXPECT_EQ(record->state(), RecipientState::held);
  EXPECT_NE(record->recipients[0].reason.text.find("restored from a backup"), std::string::npos);
  const auto history =
      answer<std::vector<Event>>([&](Done<std::vector<Event>> done) { store().history(id, std::move(done)); });
  EXPECT_TRUE(std::any_of(history->begin(), history->end(),
                          [](const Event& e) { return e.attempt && e.attempt->outcome == OutcomeKind::uncertain; }));
}

TEST_F(BackupTest, WhatIsReleasedInTheCopyIsDueAgain) {
  open();
  const MessageId id = stored(message());
  backup();
  open_copy(output());
  EXPECT_EQ(claim(id).record, nullptr);
  ASSERT_TRUE(steer(id, SteerVerb::release).has_value());
  ASSERT_NE(claim(id).record, nullptr);
  EXPECT_EQ(settle(sent(id))->state, RecipientState::sent);
}

TEST_F(BackupTest, NoHoldLeavesEveryStateAsItIs) {
  open();
  const auto ids = fill(40);
  const auto before = known(ids);
  EXPECT_EQ(backup(LiveMessages::keep).held, 0u);
  open_copy(output());
  for (const auto& [id, was] : before) {
    const Known is = known(id);
    // A claim of another process is recovered at open, as after a crash.
    EXPECT_EQ(is.state, was.state == RecipientState::sending ? RecipientState::deferred : was.state);
    EXPECT_EQ(is.body, was.body);
  }
}

TEST_F(BackupTest, AClientsKeyIsKnownInTheCopyAndOnlyWithItsMessage) {
  open();
  NewMessage first = message();
  first.idempotency = IdempotencyKey{"app key-1", 7, std::chrono::hours(24)};
  const MessageId id = stored(std::move(first));
  NewMessage lost = message();
  lost.idempotency = IdempotencyKey{"app key-2", 7, std::chrono::hours(24)};
  const MessageId lost_id = stored(std::move(lost));
  close();
  tamper(
      [&](lmdb::Txn& txn, const lmdb::Tables& tables) { txn.put(tables.messages, lmdb::id_key(lost_id), "rubbish"); });
  open();
  EXPECT_EQ(backup().fault_count, 1u);
  open_copy(output());
  NewMessage again = message(), again_lost = message();
  again.idempotency = IdempotencyKey{"app key-1", 7, std::chrono::hours(24)};
  again_lost.idempotency = IdempotencyKey{"app key-2", 7, std::chrono::hours(24)};
  const auto known_key = accept(std::move(again));
  EXPECT_EQ(known_key->kind, Accepted::Kind::duplicate);
  EXPECT_EQ(known_key->id, id);
  EXPECT_EQ(accept(std::move(again_lost))->kind, Accepted::Kind::stored);  // or the client would believe in a ghost
}

TEST_F(BackupTest, EventNumbersGoOnWhereTheSpoolWas) {
  open();
  fill(5);
  const std::uint64_t last = store().stats().last_seq;
  backup();
  open_copy(output());
  EXPECT_GT(store().stats().last_seq, last);
}

TEST_F(BackupTest, WhatIsDamagedIsSaidAndLeftOut) {
  open();
  const MessageId good = stored(random_message(3 * kChunkPayload)), bad_record = stored(message()),
                  bad_body = stored(random_message(3 * kChunkPayload)), bad_row = stored(message());
  const std::uint64_t row = find(bad_row)->history.front();
  close();
  tamper([&](lmdb::Txn& txn, const lmdb::Tables& tables) {
    txn.put(tables.messages, lmdb::id_key(bad_record), "rubbish");
    txn.erase(tables.chunks, lmdb::chunk_key(bad_body, 1));
    txn.put(tables.feed, lmdb::seq_key(row), "rubbish");
  });
  const BackupReport report = backup();
  EXPECT_EQ(report.fault_count, 3u);
  EXPECT_EQ(report.faults.size(), 3u);
  EXPECT_EQ(report.messages, 3u);
  open_copy(output());
  EXPECT_TRUE(faults().empty()) << faults().front();
  EXPECT_FALSE(known(good).body.empty());
  EXPECT_EQ(find(bad_record).error().kind, FaultKind::not_found);
  EXPECT_EQ(find(bad_body)->body, BodyState::removed);
  EXPECT_NE(find(bad_body)->headers.find("Subject: " + bad_body.str()), std::string::npos);
  EXPECT_EQ(steer(bad_body, SteerVerb::release).error().kind, FaultKind::conflict);  // not as an empty mail
  EXPECT_EQ(find(bad_row)->state(), RecipientState::held);
}

TEST_F(BackupTest, UsersComeAlong) {
  open();
  UserRecord user;
  user.name = "app";
  user.password_hash = "scrypt$x";
  ASSERT_TRUE(answer<Nothing>([&](Done<Nothing> done) { store().put_user(user, true, std::move(done)); }).has_value());
  EXPECT_EQ(backup().users, 1u);
  open_copy(output());
  EXPECT_EQ(
      answer<UserRecord>([&](Done<UserRecord> done) { store().find_user("app", std::move(done)); })->password_hash,
      "scrypt$x");
}

// A process reads the spool bit by bit, and between any two bits the daemon goes on: at no time is a page kept from reuse for
// longer. With one transaction for all of it each of these commits would add its pages to the file.
class ReaderBesideADaemonTest : public BackupTest {
 protected:
  static constexpr std::uint64_t kMessages = 200;
  static constexpr std::uint64_t kFreedPages = 40;  // at least, by each message of the churn

  // `read` calls its argument often while it reads.
  void expect_no_growth(const std::function<void(const std::function<void()>& turn)>& read) {
    OtherProcess reader([&](const std::function<void()>& turn) {
      turn();  // the spool is filled
      read(turn);
    });
    ASSERT_TRUE(reader.wait_for_turn());
    open();
    for (int i = 0; i < 20; ++i) churn();  // pages to be used again
    RetireRequest retire;
    retire.policy.history = Duration(0);
    retire.now = now_ + std::chrono::hours(1);
    answer<Retired>([&](Done<Retired> done) { store().retire(retire, std::move(done)); });
    for (std::uint64_t i = 0; i < kMessages; ++i) stored(random_message(2 * kChunkPayload));
    const std::uint64_t before = store().stats().file_bytes;
    std::uint64_t turns = 0;
    for (reader.resume(); reader.wait_for_turn(); reader.resume()) {
      ++turns;
      churn();
    }
    EXPECT_EQ(reader.exit_status(), 0);
    EXPECT_GE(turns, kMessages);
    EXPECT_LT(store().stats().file_bytes - before, turns * kFreedPages * 4096 / 2);
    close();
  }
  void churn() {
    const MessageId id = stored(claimed_message(3 * kChunkPayload));
    ASSERT_TRUE(settle(sent(id)).has_value());
  }
};

TEST_F(ReaderBesideADaemonTest, Backup) {
  expect_no_growth([this](const std::function<void()>& turn) {
    BackupRequest request;
    request.output_dir = output();
    request.on_progress = [&](std::string_view, std::uint64_t, std::uint64_t) { turn(); };
    EXPECT_EQ(backup_spool(options_, request).messages, kMessages);
  });
  open_copy(output());
  EXPECT_EQ(all_ids().size(), kMessages);
}

TEST_F(ReaderBesideADaemonTest, VerifyListAndBodies) {
  expect_no_growth([this](const std::function<void()>& turn) {
    store_ = open_lmdb_store_read_only(options_, log_);
    VerifyQuery verify;
    for (std::uint64_t i = 0; i < kMessages / 2; ++i) {
      verify.limit = 2;
      const auto page = answer<VerifyPage>([&](Done<VerifyPage> done) { store().verify(verify, std::move(done)); });
      verify.after = page->next;
      turn();
      ListQuery list;
      list.limit = 1;
      const auto listed = answer<ListPage>([&](Done<ListPage> done) { store().list(list, std::move(done)); });
      turn();
      read_body(listed->messages.at(0).id);
      turn();
    }
    close();
  });
}

TEST_F(BackupTest, NothingIsOverwrittenAndAFailureLeavesNothing) {
  open();
  stored(message());
  std::filesystem::create_directory(output());
  try {
    backup();
    ADD_FAILURE() << "it wrote over a directory that was there";
  } catch (const SpoolError& error) {
    EXPECT_EQ(error.kind(), SpoolError::Kind::exists);
  }
  std::filesystem::remove(output());
  BackupRequest request;
  request.output_dir = output();
  close();
  request.on_progress = [](std::string_view, std::uint64_t, std::uint64_t) { throw std::runtime_error("stop"); };
  EXPECT_THROW(backup_spool(options_, request), std::runtime_error);
  EXPECT_FALSE(std::filesystem::exists(output()));
  EXPECT_FALSE(std::filesystem::exists(output() + ".partial"));
  EXPECT_EQ(backup().messages, 1u);
}

TEST_F(BackupTest, WhatAnEarlierRunLeftIsNotTakenForOurs) {
  open();
  stored(message());
  std::filesystem::create_directory(output() + ".partial");
  try {
    backup();
    ADD_FAILURE() << "it used a directory that another run may be filling";
  } catch (const SpoolError& error) {
    EXPECT_EQ(error.kind(), SpoolError::Kind::exists);
    EXPECT_NE(std::string(error.what()).find(".partial exists"), std::string::npos);
  }
}

TEST_F(BackupTest, SpaceIsAskedForBefore) {
  try {
    require_space(directory_.path(), UINT64_MAX / 2);
    ADD_FAILURE() << "no disk is that large";
  } catch (const SpoolError& error) {
    EXPECT_EQ(error.kind(), SpoolError::Kind::no_space);
  }
  EXPECT_NO_THROW(require_space(directory_.path(), 4096));
}

}  // namespace
}  // namespace postrider::storage
