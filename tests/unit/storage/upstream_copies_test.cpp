// What is known of upstreams, and what could be revived, in copies of a spool, in an older spool and in a damaged one.
#include "storage/lmdb/keys.h"
#include "storage/salvage.h"
#include "tests/unit/storage/copies_fixture.h"

namespace postrider::storage {
namespace {

class UpstreamCopiesTest : public CopiesTest {
 protected:
  result<Nothing> put(const std::string& name, std::uint64_t count, EventType type) {
    UpstreamState state;
    state.name = name;
    state.day_count = count;
    Event event;
    event.type = type;
    event.at = now_;
    return answer<Nothing>([&](Done<Nothing> done) { store().put_upstream_state(state, {event}, std::move(done)); });
  }
  std::vector<UpstreamState> states() {
    return answer<std::vector<UpstreamState>>(
               [&](Done<std::vector<UpstreamState>> done) { store().upstream_states(std::move(done)); })
        .value();
  }
  std::vector<EventType> upstream_events() {
    std::vector<EventType> types;
    const auto events = answer<std::vector<Event>>([&](Done<std::vector<Event>> done) {
      store().events({0, 10'000}, std::move(done));
    });
    for (const Event& event : *events)
      if (is_upstream_event(event.type) && event.upstream == "primary") types.push_back(event.type);
    return types;
  }
  MessageId failed_by_route(Time expires_at = kNever) {
    NewMessage m = claimed_message();
    m.record.envelope.expires_at = expires_at;
    const MessageId id = stored(std::move(m));
    Settlement s = sent(id);
    s.updates[0].trigger = Trigger::give_up;
    s.updates[0].route_caused = true;
    EXPECT_TRUE(settle(s).has_value());
    return id;
  }
  std::uint64_t revive() {
    ReviveRequest request;
    request.max_age = std::chrono::hours(1);
    request.now = now_;
    return answer<Revived>([&](Done<Revived> done) { store().revive(request, std::move(done)); })->messages;
  }
  void fill() {
    open();
    for (std::uint64_t count = 1; count <= 3; ++count) {
      ASSERT_TRUE(put("primary", count, EventType::upstream_opened).has_value());
      stored(message());
    }
    ASSERT_TRUE(put("primary", 4, EventType::upstream_closed).has_value());
    failed_ = failed_by_route();
  }
  void check_copy() {
    open_copy(output());
    EXPECT_TRUE(faults().empty());
    ASSERT_EQ(states().size(), 1u);
    EXPECT_EQ(states()[0].day_count, 4u) << "the newest";
    EXPECT_EQ(upstream_events(), (std::vector<EventType>{EventType::upstream_opened, EventType::upstream_opened,
                                                         EventType::upstream_opened, EventType::upstream_closed}));
    // A daemon that finds the route in service must not send what may have been sent since.
    EXPECT_EQ(find(failed_)->state(), RecipientState::held);
    EXPECT_EQ(revive(), 0u);
    ASSERT_TRUE(steer(failed_, SteerVerb::release).has_value());
    EXPECT_NE(claim(failed_).record, nullptr);
    // The events go by their age in the copy as well.
    RetireRequest request;
    request.now = now_ + request.policy.history;
    ASSERT_TRUE(answer<Retired>([&](Done<Retired> done) { store().retire(request, std::move(done)); }).has_value());
    EXPECT_TRUE(upstream_events().empty());
  }

  MessageId failed_;
};

TEST_F(UpstreamCopiesTest, AreInABackup) {
  ASSERT_NO_FATAL_FAILURE(fill());
  close();
  BackupRequest request;
  request.output_dir = output();
  EXPECT_EQ(backup_spool(options_, request).fault_count, 0u);
  check_copy();
}

TEST_F(UpstreamCopiesTest, ABackupEndsThoughSomeOfWhatFailedIsPastItsTime) {
  open();
  const MessageId over = failed_by_route(now_ + std::chrono::seconds(1));
  const MessageId young = failed_by_route();
  close();
  options_.now = [] { return from_ms(kTestNow) + std::chrono::minutes(1); };
  BackupRequest request;
  request.output_dir = output();
  EXPECT_EQ(backup_spool(options_, request).held, 1u);
  open_copy(output());
  EXPECT_EQ(find(over)->state(), RecipientState::failed);
  EXPECT_EQ(find(young)->state(), RecipientState::held);
}

TEST_F(UpstreamCopiesTest, AreSalvaged) {
  ASSERT_NO_FATAL_FAILURE(fill());
  close();
  SalvageRequest request;
  request.output_dir = output();
  const SalvageReport report = salvage_spool(options_, request);
  EXPECT_EQ(report.without_record_count, 0u) << "their events are of no message";
  check_copy();
}

TEST_F(UpstreamCopiesTest, AMoveLeavesWhatFailedToItsRevival) {
  ASSERT_NO_FATAL_FAILURE(fill());
  close();
  BackupRequest request;
  request.output_dir = output();
  request.live = LiveMessages::keep;
  backup_spool(options_, request);
  open_copy(output());
  EXPECT_EQ(find(failed_)->state(), RecipientState::failed);
  EXPECT_EQ(revive(), 1u);
}

TEST_F(UpstreamCopiesTest, ASpoolWithoutTheTablesIsReadAsOneWithEmptyOnes) {
  open();
  const MessageId id = stored(message());
  close();
  tamper([](lmdb::Txn& txn, const lmdb::Tables& tables) {
    for (const MDB_dbi table :
         {tables.expiring, tables.revivable, tables.upstreams, tables.upstream_feed, tables.provider_ids, tables.owing})
      ASSERT_EQ(mdb_drop(txn.raw(), table, 1), 0);
  });
  store_ = open_lmdb_store_read_only(options_, log_);
  EXPECT_TRUE(find(id).has_value());
  EXPECT_TRUE(states().empty());
  EXPECT_TRUE(faults().empty());
  EXPECT_EQ(
      answer<MessageId>([&](Done<MessageId> done) { store().find_by_provider_id("primary", "1", std::move(done)); })
          .error()
          .kind,
      FaultKind::not_found);
  close();
  open();  // makes them
  ASSERT_TRUE(put("primary", 1, EventType::upstream_opened).has_value());
  EXPECT_EQ(states().size(), 1u);
}

TEST_F(UpstreamCopiesTest, ADamagedStateIsSetAside) {
  open();
  ASSERT_TRUE(put("primary", 1, EventType::upstream_opened).has_value());
  ASSERT_TRUE(put("backup", 2, EventType::upstream_opened).has_value());
  close();
  tamper([](lmdb::Txn& txn, const lmdb::Tables& tables) { txn.put(tables.upstreams, "primary", "rubbish"); });
  open();
  EXPECT_EQ(faults().size(), 1u);
  ASSERT_EQ(states().size(), 1u);
  EXPECT_EQ(states()[0].name, "backup");
  flush_writer();
  EXPECT_EQ(store().stats().quarantined, 1u);
  EXPECT_TRUE(faults().empty());
}

TEST_F(UpstreamCopiesTest, TwoProviderIdsWithOneHashAreTwo) {
  open();
  const MessageId id = stored(claimed_message());
  Settlement s = sent(id);
  s.updates[0].upstream = "primary";
  s.updates[0].remote_id = "real";
  s.updates[0].provider_id = true;
  ASSERT_TRUE(settle(s).has_value());
  const MessageId other = stored(message());
  close();
  tamper([&](lmdb::Txn& txn, const lmdb::Tables& tables) {
    txn.put(tables.provider_ids, lmdb::Key().be64(lmdb::provider_id_hash("primary", "real")).id(other), {});
    txn.put(tables.provider_ids, lmdb::Key().be64(lmdb::provider_id_hash("primary", "other")).id(id), {});
  });
  open();
  const auto ask = [&](const std::string& provider_id) {
    return answer<MessageId>(
        [&](Done<MessageId> done) { store().find_by_provider_id("primary", provider_id, std::move(done)); });
  };
  EXPECT_EQ(ask("real").value(), id);
  EXPECT_EQ(ask("other").error().kind, FaultKind::not_found);
}

}  // namespace
}  // namespace postrider::storage
