// Opening: one daemon per directory, readers beside it, what is refused and what an opening does not read.
#include <filesystem>
#include <fstream>

#include "storage/lmdb/keys.h"
#include "tests/unit/storage/lmdb_fixture.h"

namespace postrider::storage {
namespace {

class LmdbOpenTest : public LmdbTest {
 protected:
  std::string refusal() {
    try {
      open_lmdb_store(options_, log_);
    } catch (const SpoolError& error) {
      return error.what();
    }
    return {};
  }
  std::string reading_refusal() {
    try {
      open_lmdb_store_read_only(options_, log_);
    } catch (const SpoolError& error) {
      return error.what();
    }
    return {};
  }
  std::vector<std::string> files() {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path()))
      all.push_back(entry.path());
    return all;
  }
};

TEST_F(LmdbOpenTest, ASecondDaemonIsToldWhichDirectoryIsInUse) {
  open();
  EXPECT_NE(refusal().find("another postrider is running on " + directory_.path()), std::string::npos) << refusal();
  close();
  EXPECT_EQ(refusal(), "");
}

TEST_F(LmdbOpenTest, EachOpeningIsANewEpoch) {
  open();
  const std::uint32_t first = store().stats().epoch;
  close();
  open();
  EXPECT_EQ(store().stats().epoch, first + 1);
}

TEST_F(LmdbOpenTest, WaitingMessagesAreNotReadAtOpen) {
  open();
  std::vector<MessageId> waiting;
  for (int i = 0; i < 200; ++i) waiting.push_back(stored(message()));
  const MessageId sending = stored(claimed_message());
  close();
  tamper([&](lmdb::Txn& txn, const lmdb::Tables& tables) {  // had it read one, it would have noticed
    for (const MessageId& id : waiting) txn.put(tables.messages, lmdb::id_key(id), "unreadable");
  });
  open();
  EXPECT_EQ(store().stats().quarantined, 0u);
  EXPECT_EQ(find(sending)->state(), RecipientState::deferred);
  EXPECT_EQ(due().entries.size(), 201u);
}

TEST_F(LmdbOpenTest, HalfReceivedBodiesAreForgottenAtOpen) {
  open();
  const MessageId id = ids_.next(now_);
  const auto chunk = std::make_shared<const std::string>(kChunkPayload, 'x');
  for (std::uint32_t index = 0; index < 3; ++index) {
    ASSERT_TRUE(answer<Nothing>([&](Done<Nothing> done) {
                  store().stage({id, index, chunk}, std::move(done));
                }).has_value());
  }
  EXPECT_GT(store().stats().live_bytes, 3 * kChunkPayload);
  close();
  open();
  EXPECT_EQ(store().stats().live_bytes, 0u);
  close();
  tamper([&](lmdb::Txn& txn, const lmdb::Tables& tables) {
    EXPECT_FALSE(txn.get(tables.chunks, lmdb::chunk_key(id, 0)).has_value());
    EXPECT_FALSE(txn.get(tables.staged, lmdb::id_key(id)).has_value());
  });
}

TEST_F(LmdbOpenTest, NetworkFilesystemsAreRefusedByName) {
  options_.filesystem_type = [](const std::string&) -> std::uint64_t { return 0x6969; };
  EXPECT_NE(refusal().find("NFS"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/spool/data.mdb"));
  EXPECT_EQ(lmdb::network_filesystem(0xFE534D42), "SMB2");
  EXPECT_EQ(lmdb::network_filesystem(0xEF53), std::nullopt);  // ext4
}

TEST_F(LmdbOpenTest, ATooSmallSpoolIsRefused) {
  options_.max_size = kLeastSpoolSize - 1;
  EXPECT_NE(refusal().find("max_size"), std::string::npos);
}

TEST_F(LmdbOpenTest, AnotherFormatIsRefusedAndLeftAlone) {
  open();
  close();
  tamper([](lmdb::Txn& txn, const lmdb::Tables& tables) {
    txn.put(tables.meta, "spool", std::string("PRspool\x09") + "rest");
    ASSERT_EQ(mdb_drop(txn.raw(), tables.batches, 1), 0);  // an older one has fewer tables
  });
  const auto octets = [this] {
    std::ifstream in(directory_.path() + "/spool/data.mdb", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string before = octets();
  EXPECT_NE(refusal().find("format 9"), std::string::npos) << refusal();
  EXPECT_NE(reading_refusal().find("format 9"), std::string::npos) << reading_refusal();
  EXPECT_TRUE(octets() == before);
}

// ---- readers beside the daemon ------------------------------------------------------------------------------------

TEST_F(LmdbOpenTest, AReaderSeesWhatIsCommittedAndCannotWrite) {
  open();
  const MessageId id = stored(message());
  // LMDB allows one environment a file in one process: the reader comes after the daemon here, beside it in the crash test.
  close();
  const auto before = files();
  store_ = open_lmdb_store_read_only(options_, log_);
  EXPECT_EQ(find(id)->id, id);
  EXPECT_EQ(store().stats().live_messages, 1u);
  EXPECT_FALSE(store().stats().accepting);
  EXPECT_EQ(accept(message()).error().kind, FaultKind::unavailable);
  close();
  EXPECT_EQ(files(), before);
}

TEST_F(LmdbOpenTest, AReaderMakesNothingWhereThereIsNoSpool) {
  EXPECT_NE(reading_refusal().find("there is no spool in " + directory_.path()), std::string::npos);
  EXPECT_TRUE(files().empty());
}

TEST_F(LmdbOpenTest, AReaderMakesNoLockFileOfItsOwn) {
  open();
  const MessageId id = stored(message());
  close();
  std::filesystem::remove(directory_.path() + "/spool/lock.mdb");
  store_ = open_lmdb_store_read_only(options_, log_);
  EXPECT_TRUE(find(id).has_value());
  close();
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/spool/lock.mdb"));
}

}  // namespace
}  // namespace postrider::storage
