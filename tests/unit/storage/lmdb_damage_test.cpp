// Damaged values, wherever they are met: set aside, counted, reported, and everything else flows.
#include "storage/lmdb/keys.h"
#include "storage/record_codec.h"
#include "tests/unit/storage/lmdb_fixture.h"

namespace postrider::storage {
namespace {

class LmdbDamageTest : public LmdbTest {
 protected:
  // Flips a bit of a value, past its header.
  void damage(MDB_dbi lmdb::Tables::*table, std::string_view key) {
    const std::string where(key);
    tamper([&](lmdb::Txn& txn, const lmdb::Tables& tables) {
      std::string value(txn.get(tables.*table, where).value());
      value.back() = static_cast<char>(value.back() ^ 1);
      txn.put(tables.*table, where, value);
    });
  }
  std::vector<Event> events() {
    return answer<std::vector<Event>>([&](Done<std::vector<Event>> done) {
             store().events(EventQuery{0, 1000}, std::move(done));
           })
        .value();
  }
  std::vector<MessageId> due_ids() {
    std::vector<MessageId> ids;
    for (const DueEntry& entry : due().entries) ids.push_back(entry.key.id);
    return ids;
  }
};

TEST_F(LmdbDamageTest, ADamagedRecordIsSetAsideAndTheRestFlows) {
  open();
  const MessageId before = stored(message()), bad = stored(message()), after = stored(message());
  close();
  damage(&lmdb::Tables::messages, lmdb::id_key(bad));
  open();
  EXPECT_EQ(find(bad).error().kind, FaultKind::damaged);
  flush_writer();
  EXPECT_EQ(store().stats().quarantined, 1u);
  EXPECT_EQ(find(bad).error().kind, FaultKind::damaged);  // still, now that it is gone from its table
  EXPECT_EQ(list().messages.size(), 2u);
  for (const MessageId& id : {before, after}) {
    ASSERT_NE(claim(id).record, nullptr);
    EXPECT_EQ(settle(sent(id))->state, RecipientState::sent);
  }
  const auto all = events();
  EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                          [&](const Event& e) { return e.type == EventType::quarantined && e.message == bad; }));
}

TEST_F(LmdbDamageTest, TheLogNamesWhatWasSetAside) {
  class Lines final : public Log {
   public:
    bool enabled(LogLevel) const override { return true; }
    void write(LogLevel, std::string_view event, const MessageId* id, std::initializer_list<LogField> fields) override {
      std::string line(event);
      if (id != nullptr) line += " " + id->str();
      for (const LogField& field : fields)
        if (field.name != "reason") line += " " + std::string(field.name) + "=" + field.value;
      const std::lock_guard lock(mutex_);
      if (event == "spool.quarantined") lines_.push_back(line);
    }
    std::vector<std::string> sorted() {
      const std::lock_guard lock(mutex_);
      std::sort(lines_.begin(), lines_.end());
      return lines_;
    }

   private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
  } log;
  open();
  const MessageId bad = stored(message());
  close();
  damage(&lmdb::Tables::messages, lmdb::id_key(bad));
  tamper([](lmdb::Txn& txn, const lmdb::Tables& tables) {
    txn.put(tables.users, "app", "rubbish");
    txn.put(tables.upstreams, "primary", "rubbish");
    txn.put(tables.api_keys, "web", "rubbish");
    txn.put(tables.api_key_usage, "old", "rubbish");
  });
  store_ = open_lmdb_store(options_, log);
  find(bad);
  EXPECT_FALSE(answer<UserRecord>([&](auto done) { store().find_user("app", std::move(done)); }).has_value());
  answer<std::vector<UpstreamState>>([&](auto done) { store().upstream_states(std::move(done)); });
  answer<std::vector<ApiKeyRecord>>([&](auto done) { store().list_api_keys(std::move(done)); });
  answer<std::vector<ApiKeyUsage>>([&](auto done) { store().list_api_key_usage(std::move(done)); });
  flush_writer();
  close();
  const std::string event = "spool.quarantined ";
  std::vector<std::string> expected = {event + bad.str() + " kind=message", event + "kind=usage of an API key name=old",
                                       event + "kind=API key name=web", event + "kind=upstream name=primary",
                                       event + "kind=user name=app"};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(log.sorted(), expected);
}

TEST_F(LmdbDamageTest, TheDueEntryOfARecordThatIsGoneIsDropped) {
  open();
  const MessageId bad = stored(message()), good = stored(message());
  close();
  damage(&lmdb::Tables::messages, lmdb::id_key(bad));
  open();
  EXPECT_EQ(claim(bad).record, nullptr);
  while (due_ids().size() > 1) flush_writer();  // the sweep follows the claim
  EXPECT_EQ(due_ids(), std::vector<MessageId>{good});
  EXPECT_EQ(store().stats().quarantined, 1u);
}

TEST_F(LmdbDamageTest, ADueEntryWithoutAnyRecordIsDropped) {
  open();
  const MessageId good = stored(message());
  close();
  const MessageId ghost = ids_.next(now_);
  tamper([&](lmdb::Txn& txn, const lmdb::Tables& tables) {
    txn.put(tables.due, lmdb::due_table_key({0, Lane::normal, now_, ghost}), "12345678");
  });
  open();
  ASSERT_EQ(due_ids().size(), 2u);
  EXPECT_EQ(claim(ghost).record, nullptr);
  while (due_ids().size() > 1) flush_writer();
  EXPECT_EQ(due_ids(), std::vector<MessageId>{good});
}

TEST_F(LmdbDamageTest, AMalformedDueEntryDoesNotStopThePage) {
  open();
  const MessageId good = stored(message());
  close();
  tamper(
      [&](lmdb::Txn& txn, const lmdb::Tables& tables) { txn.put(tables.due, std::string("\0\0\0\0\1x", 6), "short"); });
  open();
  EXPECT_EQ(due_ids(), std::vector<MessageId>{good});
  flush_writer();
  EXPECT_EQ(store().stats().quarantined, 1u);
}

TEST_F(LmdbDamageTest, ADamagedChunkFailsItsOwnBodyOnly) {
  open();
  const MessageId bad = stored(message(3 * kChunkPayload)), good = stored(message(3 * kChunkPayload));
  close();
  damage(&lmdb::Tables::chunks, lmdb::chunk_key(bad, 1));
  open();
  EXPECT_EQ(read_body(bad).error().kind, FaultKind::damaged);
  flush_writer();
  EXPECT_EQ(store().stats().quarantined, 1u);
  EXPECT_EQ(read_body(bad).error().kind, FaultKind::damaged);  // not as if it had been removed
  EXPECT_EQ(read_body(good)->size(), 3u);
  ASSERT_NE(claim(bad).record, nullptr);  // the message itself can still be settled
  EXPECT_EQ(settle(sent(bad))->state, RecipientState::sent);
}

TEST_F(LmdbDamageTest, ATruncatedRecordIsDamagedToo) {
  open();
  const MessageId bad = stored(message());
  close();
  std::string whole;
  tamper(
      [&](lmdb::Txn& txn, const lmdb::Tables& tables) { whole = txn.get(tables.messages, lmdb::id_key(bad)).value(); });
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, kRecordHeader - 1, kRecordHeader, whole.size() - 1}) {
    tamper([&](lmdb::Txn& txn, const lmdb::Tables& tables) {
      txn.put(tables.messages, lmdb::id_key(bad), whole.substr(0, size));
    });
    open();
    EXPECT_EQ(find(bad).error().kind, FaultKind::damaged) << size;
    close();
  }
}

TEST_F(LmdbDamageTest, ADamagedRowOfEventsIsLeftOutOfTheHistory) {
  open();
  const MessageId id = stored(claimed_message());
  ASSERT_TRUE(settle(sent(id)).has_value());
  const std::uint64_t accepted = find(id)->history.front();
  close();
  damage(&lmdb::Tables::feed, lmdb::seq_key(accepted));
  open();
  const auto rows =
      answer<std::vector<Event>>([&](Done<std::vector<Event>> done) { store().history(id, std::move(done)); });
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->front().type, EventType::attempted);
  EXPECT_EQ(events().size(), 2u);
  flush_writer();
  EXPECT_EQ(store().stats().quarantined, 1u);
  const auto page = answer<VerifyPage>([&](Done<VerifyPage> done) { store().verify(VerifyQuery{}, std::move(done)); });
  EXPECT_EQ(page->faults.size(), 1u);
}

TEST_F(LmdbDamageTest, RecoveryGoesOnAfterADamagedClaim) {
  open();
  const MessageId bad = stored(claimed_message()), good = stored(claimed_message());
  close();
  damage(&lmdb::Tables::messages, lmdb::id_key(bad));
  open();
  EXPECT_EQ(find(good)->state(), RecipientState::deferred);
  EXPECT_EQ(find(bad).error().kind, FaultKind::damaged);
  EXPECT_EQ(store().stats().quarantined, 1u);
}

TEST_F(LmdbDamageTest, RetentionStepsOverDamage) {
  open();
  const MessageId bad = stored(claimed_message()), good = stored(claimed_message());
  ASSERT_TRUE(settle(sent(bad)).has_value());
  ASSERT_TRUE(settle(sent(good)).has_value());
  close();
  damage(&lmdb::Tables::messages, lmdb::id_key(bad));
  open();
  RetireRequest request;
  request.now = now_ + std::chrono::hours(24 * 365);
  const auto retired = answer<Retired>([&](Done<Retired> done) { store().retire(request, std::move(done)); });
  EXPECT_EQ(retired->messages, 1u);
  EXPECT_EQ(find(good).error().kind, FaultKind::not_found);
  EXPECT_EQ(store().stats().quarantined, 1u);
}

}  // namespace
}  // namespace postrider::storage
