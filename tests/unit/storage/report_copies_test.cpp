// What providers reported and who gets no mail, in copies of a spool, in one of the format before, and in a damaged one.
#include <xxhash.h>

#include "storage/lmdb/keys.h"
#include "storage/lmdb/meta.h"
#include "storage/record_frame.h"
#include "storage/salvage.h"
#include "storage/salvage_index.h"
#include "tests/unit/storage/copies_fixture.h"

namespace postrider::storage {
namespace {

class ReportCopiesTest : public CopiesTest {
 protected:
  result<Nothing> suppress(const std::string& address, const std::string& reason) {
    const Suppression entry{address, reason, "alice", now_};
    return answer<Nothing>([&](Done<Nothing> done) { store().put_suppression(entry, std::move(done)); });
  }
  std::vector<Suppression> suppressions() {
    return answer<SuppressionPage>([&](Done<SuppressionPage> done) { store().list_suppressions({}, std::move(done)); })
        ->entries;
  }
  result<Reported> report(const MessageId& id, EventType type, std::uint64_t key) {
    Report one;
    one.upstream = "primary";
    one.id = id;
    one.type = type;
    one.key = key;
    const std::vector<Report> reports{one};
    using Answers = std::vector<result<Reported>>;
    return answer<Answers>([&](Done<Answers> done) { store().report(reports, now_, std::move(done)); })->at(0);
  }
  MessageId handed_over() {
    const MessageId id = stored(claimed_message());
    Settlement s = sent(id);
    s.updates[0].upstream = "primary";
    s.updates[0].remote_id = "id-1";
    EXPECT_TRUE(settle(s).has_value());
    return id;
  }
  void fill() {
    open();
    bounced_ = handed_over();
    ASSERT_TRUE(report(bounced_, EventType::delivered, 1).has_value());
    ASSERT_TRUE(report(bounced_, EventType::bounced, 2).has_value());
    opened_ = handed_over();
    ASSERT_TRUE(report(opened_, EventType::deferred, 3).has_value());
    ASSERT_TRUE(suppress("gone@example.com", "hard bounce").has_value());
    ASSERT_TRUE(suppress("user@example.com", "first").has_value());
    ASSERT_TRUE(suppress("user@example.com", "complained").has_value());
    close();
  }
  void check() {
    EXPECT_TRUE(faults().empty());
    ASSERT_EQ(suppressions().size(), 2u);
    EXPECT_EQ(suppressions()[0].reason, "hard bounce");
    EXPECT_EQ(suppressions()[1].reason, "complained") << "the newest";
    EXPECT_EQ(suppressions()[1].actor, "alice");
    EXPECT_EQ(find(stored(claimed_message()))->state(), RecipientState::suppressed);
    EXPECT_EQ(find(bounced_)->state(), RecipientState::bounced);
    EXPECT_EQ(find(opened_)->state(), RecipientState::sent);
    EXPECT_EQ(report(opened_, EventType::deferred, 3)->events, 0u) << "it is known in the copy, too";
  }

  MessageId bounced_, opened_;
};

TEST_F(ReportCopiesTest, AreInABackup) {
  ASSERT_NO_FATAL_FAILURE(fill());
  BackupRequest request;
  request.output_dir = output();
  const BackupReport made = backup_spool(options_, request);
  EXPECT_EQ(made.fault_count, 0u);
  EXPECT_EQ(made.suppressions, 2u);
  open_copy(output());
  check();
}

TEST_F(ReportCopiesTest, AreCompacted) {
  ASSERT_NO_FATAL_FAILURE(fill());
  compact_spool(options_, {});
  open();
  check();
}

TEST_F(ReportCopiesTest, AreSalvaged) {
  ASSERT_NO_FATAL_FAILURE(fill());
  SalvageRequest request;
  request.output_dir = output();
  const SalvageReport made = salvage_spool(options_, request);
  EXPECT_EQ(made.suppressions, 2u);
  EXPECT_EQ(made.held, 0u);
  EXPECT_EQ(made.without_record_count, 0u);
  open_copy(output());
  check();
}

// ---- catching up --------------------------------------------------------------------------------------------------

Event reported(EventType type, std::uint32_t recipient) {
  Event event;
  event.type = type;
  event.at = from_ms(kTestNow + 5);
  event.recipient = recipient;
  event.upstream = "primary";
  event.report = 1;
  event.reason.text = "said the provider";
  return event;
}

TEST(CatchUp, ReportsMoveWhatWasHandedOverAndNothingElse) {
  using S = RecipientState;
  const S before[] = {S::sent, S::sent, S::sent, S::deferred, S::bounced};
  MessageRecord record;
  for (const S state : before) record.recipients.emplace_back().state = state;
  catch_up(record,
           {reported(EventType::delivered, 0), reported(EventType::deferred, 1), reported(EventType::bounced, 2),
            reported(EventType::delivered, 3), reported(EventType::delivered, 4), reported(EventType::clicked, 1)});
  const S after[] = {S::delivered, S::sent, S::bounced, S::deferred, S::bounced};
  for (std::size_t i = 0; i < std::size(after); ++i) EXPECT_EQ(record.recipients[i].state, after[i]) << i;
  EXPECT_EQ(record.recipients[0].changed_at, from_ms(kTestNow + 5));
  EXPECT_EQ(record.recipients[0].reason.text, "said the provider");
  EXPECT_TRUE(record.recipients[1].reason.text.empty());
}

TEST(CatchUp, AReportSaysNothingOfWhereAMessageIs) {
  for (const EventType type : {EventType::deferred, EventType::bounced, EventType::delivered, EventType::opened})
    EXPECT_EQ(state_after(reported(type, 0)), std::nullopt);
  Event ours = reported(EventType::deferred, 0);
  ours.report = 0;
  EXPECT_EQ(state_after(ours), RecipientState::deferred);
}

// ---- the format before --------------------------------------------------------------------------------------------

TEST_F(ReportCopiesTest, ASpoolOfTheFormatBeforeIsOpenedAndIsOfThisOneThen) {
  open();
  const MessageId id = handed_over();
  close();
  const auto as_before = [](std::string value) {
    value[11] = static_cast<char>(kOldestFormat);
    seal_frame(value.data(), value.size());
    return value;
  };
  tamper([&](lmdb::Txn& txn, const lmdb::Tables& tables) {
    ASSERT_EQ(mdb_drop(txn.raw(), tables.suppressions, 1), 0);
    txn.put(tables.messages, lmdb::id_key(id), as_before(std::string(*txn.get(tables.messages, lmdb::id_key(id)))));
    std::string meta(*txn.get(tables.meta, lmdb::kMetaKey));
    meta[7] = static_cast<char>(kOldestFormat);
    const std::uint64_t checksum = XXH3_64bits(meta.data(), meta.size() - 8);
    std::memcpy(meta.data() + meta.size() - 8, &checksum, 8);
    txn.put(tables.meta, lmdb::kMetaKey, meta);
  });
  store_ = open_lmdb_store_read_only(options_, log_);
  EXPECT_EQ(find(id)->state(), RecipientState::sent);
  EXPECT_TRUE(suppressions().empty());
  EXPECT_TRUE(faults().empty());
  close();
  open();
  ASSERT_TRUE(report(id, EventType::delivered, 1).has_value());
  ASSERT_TRUE(suppress("gone@example.com", "hard bounce").has_value());
  EXPECT_TRUE(faults().empty());
  close();
  tamper([](lmdb::Txn& txn, const lmdb::Tables& tables) {
    EXPECT_EQ(lmdb::format_of_meta(*txn.get(tables.meta, lmdb::kMetaKey)), kSpoolFormat);
  });
}

// ---- damage -------------------------------------------------------------------------------------------------------

TEST_F(ReportCopiesTest, AnEntryThatCannotBeReadKeepsMailBackAllTheSame) {
  ASSERT_NO_FATAL_FAILURE(fill());
  tamper(
      [](lmdb::Txn& txn, const lmdb::Tables& tables) { txn.put(tables.suppressions, "user@example.com", "rubbish"); });
  open();
  ASSERT_EQ(faults().size(), 1u);
  EXPECT_NE(faults()[0].find("suppression of user@example.com"), std::string::npos) << faults()[0];
  EXPECT_EQ(suppressions().size(), 2u);
  const MessageId id = stored(claimed_message());
  EXPECT_EQ(find(id)->state(), RecipientState::suppressed);
  EXPECT_EQ(find(id)->recipients[0].reason.text, "on the suppression list: its entry cannot be read");
  EXPECT_EQ(store().stats().quarantined, 0u);
  close();
  BackupRequest request;
  request.output_dir = output();
  EXPECT_EQ(backup_spool(options_, request).fault_count, 1u);
  open_copy(output());
  EXPECT_TRUE(faults().empty());
  EXPECT_EQ(find(stored(claimed_message()))->state(), RecipientState::suppressed);
}

}  // namespace
}  // namespace postrider::storage
