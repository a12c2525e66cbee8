// API keys and batches in copies of a spool, in a damaged one, in one that does not have their tables, and after retention.
#include "storage/lmdb/keys.h"
#include "storage/record_frame.h"
#include "storage/salvage.h"
#include "tests/unit/storage/copies_fixture.h"

namespace postrider::storage {
namespace {

class ApiCopiesTest : public CopiesTest {
 protected:
  void put_key(const std::string& name, const std::string& tenant, bool must_be_new = true, bool used = true) {
    ApiKeyRecord key;
    key.name = name;
    key.tenant = tenant;
    key.scopes = {Scope::send};
    key.created_at = now_;
    ASSERT_TRUE(answer<Nothing>([&](Done<Nothing> done) {
                  store().put_api_key(key, must_be_new, std::move(done));
                }).has_value());
    if (!used) return;
    const std::vector<ApiKeyUsage> usage{{name, now_, now_, 5}};
    ASSERT_TRUE(
        answer<Nothing>([&](Done<Nothing> done) { store().put_api_key_usage(usage, std::move(done)); }).has_value());
  }
  std::vector<ApiKeyRecord> keys() {
    return answer<std::vector<ApiKeyRecord>>(
               [&](Done<std::vector<ApiKeyRecord>> done) { store().list_api_keys(std::move(done)); })
        .value();
  }
  std::vector<ApiKeyUsage> usage() {
    return answer<std::vector<ApiKeyUsage>>(
               [&](Done<std::vector<ApiKeyUsage>> done) { store().list_api_key_usage(std::move(done)); })
        .value();
  }
  MessageId in_batch() {
    NewMessage m = message();
    m.record.envelope.batch = batch_;
    m.record.envelope.metadata = {{"order", "4711"}};
    return stored(std::move(m));
  }
  std::vector<MessageId> batch() {
    ListQuery query;
    query.batch = batch_;
    const auto page = answer<ListPage>([&](Done<ListPage> done) { store().list(query, std::move(done)); });
    std::vector<MessageId> ids;
    for (const MessageRecord& record : page->messages) ids.push_back(record.id);
    return ids;
  }
  SalvageReport salvage(bool with_users) {
    SalvageRequest request;
    request.output_dir = output();
    request.with_users = with_users;
    return salvage_spool(options_, request);
  }
  std::string file() const {
    std::ifstream in(data_file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void replace_file(const std::string& octets) const { std::ofstream(data_file(), std::ios::binary) << octets; }
  // Record and row of events of a message with one, as they are in the closed spool.
  std::vector<std::string> values_of(const MessageId& id) {
    std::vector<std::string> values;
    const lmdb::Environment environment(options_, lmdb::Environment::Access::read_only);
    const lmdb::Txn txn(environment.raw(), lmdb::Txn::Mode::read);
    values.emplace_back(txn.get(environment.tables().messages, lmdb::id_key(id)).value());
    values.emplace_back(txn.get(environment.tables().feed, lmdb::seq_key(1)).value());
    return values;
  }
  std::size_t rows(MDB_dbi lmdb::Tables::*table) {
    std::size_t count = 0;
    tamper([&](lmdb::Txn& txn, const lmdb::Tables& tables) { count = txn.entries(tables.*table); });
    return count;
  }

  const MessageId batch_ = ids_.next(now_);
};

TEST_F(ApiCopiesTest, AreInABackup) {
  open();
  put_key("app", "shop");
  const MessageId id = in_batch();
  close();
  BackupRequest request;
  request.output_dir = output();
  const BackupReport report = backup_spool(options_, request);
  EXPECT_EQ(report.fault_count, 0u);
  EXPECT_EQ(report.api_keys, 1u);
  open_copy(output());
  EXPECT_TRUE(faults().empty());
  ASSERT_EQ(keys().size(), 1u);
  EXPECT_EQ(keys()[0].tenant, "shop");
  ASSERT_EQ(usage().size(), 1u);
  EXPECT_EQ(usage()[0].recipients, 5u);
  EXPECT_EQ(batch(), std::vector<MessageId>{id});
  EXPECT_EQ(find(id)->envelope.metadata, (Metadata{{"order", "4711"}}));
}

TEST_F(ApiCopiesTest, KeysAreSalvagedOnlyWhenAskedFor) {
  open();
  put_key("app", "old");
  const MessageId id = in_batch();
  close();
  const std::string old = file();
  open();
  put_key("app", "new", false);
  close();
  replace_file(file() + old);  // as if its pages were free and not used again
  EXPECT_EQ(salvage(false).api_keys, std::vector<std::string>{"app"});
  open_copy(output());
  EXPECT_TRUE(keys().empty());
  EXPECT_EQ(batch(), std::vector<MessageId>{id});
  close();
  std::filesystem::remove_all(output());
  salvage(true);
  open_copy(output());
  ASSERT_EQ(keys().size(), 1u);
  EXPECT_EQ(keys()[0].tenant, "new");
  EXPECT_TRUE(usage().empty()) << "the count begins anew";
}

TEST_F(ApiCopiesTest, OfTwoKeysOfOneNameTheYoungerIsSalvaged) {
  open();
  put_key("app", "removed");
  for (int i = 0; i < 3; ++i) put_key("app", "removed", false);
  close();
  const std::string old = file();
  open();
  ASSERT_TRUE(answer<Nothing>([&](Done<Nothing> done) { store().remove_api_key("app", std::move(done)); }).has_value());
  now_ += std::chrono::seconds(1);
  put_key("app", "made anew");
  close();
  replace_file(file() + old);
  salvage(true);
  open_copy(output());
  ASSERT_EQ(keys().size(), 1u);
  EXPECT_EQ(keys()[0].tenant, "made anew");
}

TEST_F(ApiCopiesTest, DamagedOnesAreNamedAndSetAside) {
  open();
  put_key("app", "shop");
  put_key("web", "shop");
  const MessageId id = in_batch();
  close();
  tamper([&](lmdb::Txn& txn, const lmdb::Tables& tables) {
    txn.put(tables.api_keys, "app", "rubbish");
    txn.put(tables.api_key_usage, "web", "rubbish");
    txn.erase(tables.batches, lmdb::batch_key(batch_, id));
  });
  open();
  EXPECT_EQ(faults(), (std::vector<std::string>{id.str() + ": the entry of its batch is missing",
                                                "API key app: the value is shorter than its header",
                                                "usage of API key web: the value is shorter than its header"}));
  ASSERT_EQ(keys().size(), 1u);
  EXPECT_EQ(keys()[0].name, "web");
  ASSERT_EQ(usage().size(), 1u);
  EXPECT_EQ(usage()[0].name, "app");
  flush_writer();
  EXPECT_EQ(store().stats().quarantined, 2u);
  put_key("app", "shop", true, false);  // the name is free again
  EXPECT_EQ(keys().size(), 2u);
  EXPECT_TRUE(usage().empty()) << "what the damaged key did is not what the new one did";
  close();
  tamper([](lmdb::Txn& txn, const lmdb::Tables& tables) { txn.put(tables.api_keys, "app", "rubbish"); });
  BackupRequest request;
  request.output_dir = output();
  EXPECT_EQ(backup_spool(options_, request).faults,
            std::vector<std::string>{"API key app: the value is shorter than its header"});
}

TEST_F(ApiCopiesTest, AReaderTakesTablesThatAreNotThereForEmptyOnes) {
  open();
  put_key("app", "shop");
  stored(message());
  close();
  tamper([](lmdb::Txn& txn, const lmdb::Tables& tables) {
    for (const MDB_dbi table : {tables.api_keys, tables.api_key_usage, tables.batches})
      ASSERT_EQ(mdb_drop(txn.raw(), table, 1), 0);
  });
  store_ = open_lmdb_store_read_only(options_, log_);
  EXPECT_TRUE(keys().empty());
  EXPECT_TRUE(usage().empty());
  EXPECT_TRUE(batch().empty());
  EXPECT_TRUE(faults().empty());
}

TEST_F(ApiCopiesTest, NoRowOfTheIndexOutlivesItsMessage) {
  open();
  const MessageId ends = in_batch(), stays = in_batch();
  stored(message());
  ASSERT_TRUE(steer(ends, SteerVerb::cancel).has_value());
  RetireRequest request;
  request.now = now_ + request.policy.history;
  EXPECT_EQ(answer<Retired>([&](Done<Retired> done) { store().retire(request, std::move(done)); })->messages, 1u);
  EXPECT_EQ(batch(), std::vector<MessageId>{stays});
  close();
  EXPECT_EQ(rows(&lmdb::Tables::batches), 1u);
}

// Values of an older program say so themselves: none is taken for one of this.
TEST_F(ApiCopiesTest, SalvageRefusesAFileOfAnotherFormat) {
  open();
  const MessageId id = stored(message());
  close();
  std::string octets = file();
  for (const std::string& value : values_of(id)) {
    std::string older = value;
    older[11] = kOldestFormat - 1;
    seal_frame(older.data(), older.size());
    for (std::size_t at = octets.find(value); at != std::string::npos; at = octets.find(value))
      octets.replace(at, value.size(), older);
  }
  replace_file(octets);
  try {
    salvage(false);
    FAIL() << "it was salvaged";
  } catch (const SpoolError& error) {
    EXPECT_NE(std::string(error.what()).find("has format 2, this program knows 3 to 4"), std::string::npos)
        << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(output()));
}

}  // namespace
}  // namespace postrider::storage
