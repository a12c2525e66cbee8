// `spool salvage` against files that were damaged on purpose. What must come back is decided without any knowledge of pages: a value
// whose octets still stand somewhere in the file is whole.
#include "storage/salvage.h"

#include <functional>
#include <sstream>

#include "storage/lmdb/keys.h"
#include "storage/record_codec.h"
#include "tests/unit/storage/copies_fixture.h"

namespace postrider::storage {
namespace {

constexpr std::size_t kPage = 4096;

class SalvageTest : public CopiesTest {
 protected:
  // The values of one message, as they are in the file.
  struct Raw {
    std::string record;
    std::vector<std::string> chunks, rows;
  };

  SalvageReport salvage(bool with_users = false) {
    SalvageRequest request;
    request.output_dir = output();
    request.with_users = with_users;
    return salvage_spool(options_, request);
  }

  // Of the closed spool. Reading it changes no page.
  std::map<MessageId, Raw> raw_values() {
    std::map<MessageId, Raw> all;
    lmdb::Environment environment(options_, lmdb::Environment::Access::read_only);
    const lmdb::Txn txn(environment.raw(), lmdb::Txn::Mode::read);
    const lmdb::Tables& tables = environment.tables();
    lmdb::Cursor cursor(txn, tables.messages);
    for (bool found = cursor.first(); found; found = cursor.next()) {
      const MessageId id = *lmdb::parse_id(cursor.key());
      Raw& raw = all[id];
      raw.record = cursor.value();
      const auto stored = decode_message(raw.record, id);
      if (stored->record.body == BodyState::present)
        for (std::uint32_t i = 0; i < stored->record.body_chunks; ++i)
          raw.chunks.emplace_back(*txn.get(tables.chunks, lmdb::chunk_key(id, i)));
      for (const std::uint64_t seq : stored->record.history)
        raw.rows.emplace_back(*txn.get(tables.feed, lmdb::seq_key(seq)));
    }
    return all;
  }
  std::string file() const {
    std::ostringstream text;
    text << std::ifstream(data_file(), std::ios::binary).rdbuf();
    return text.str();
  }
  void replace_file(const std::string& octets) const { std::ofstream(data_file(), std::ios::binary) << octets; }
  // The whole page that the value begins in becomes zeros, in every place where it stands.
  static void wipe(std::string& octets, const std::string& value) {
    for (std::size_t at = octets.find(value); at != std::string::npos; at = octets.find(value))
      octets.replace(at / kPage * kPage, kPage, kPage, '\0');
  }

  // A spool that has lived a while: messages of all kinds, some steered, some retired, pages freed and used again.
  std::vector<MessageId> live_a_while() {
    open();
    std::vector<MessageId> ids;
    for (int i = 0; i < 70; ++i) {
      ids.push_back(add_any());
      if (dice_() % 4 == 0) steer(ids[dice_() % ids.size()], SteerVerb::hold);
      if (dice_() % 6 == 0) steer(ids[dice_() % ids.size()], SteerVerb::cancel);
    }
    close();
    open();  // what was being sent is recovered
    retire_some();
    return all_ids();
  }

  void retire_some() {
    const auto before = all_ids();
    RetireRequest request;
    request.policy.history = Duration(0);
    request.now = now_ + std::chrono::hours(1);
    request.max_rows = 30;
    answer<Retired>([&](Done<Retired> done) { store().retire(request, std::move(done)); });
    const auto after = all_ids();
    for (const MessageId& id : before)
      if (std::find(after.begin(), after.end(), id) == after.end()) retired_.push_back(id);
    EXPECT_FALSE(retired_.empty());
  }

  // Damages a spool, salvages it and compares with what was and what still stands in the file.
  void check(unsigned seed, const std::function<void(std::string&)>& damage) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    start_anew();
    dice_.seed(seed);
    ids_ = MessageIdSource(seed + 1000);
    const auto ids = live_a_while();
    const auto truth = known(ids);
    close();
    const auto raw = raw_values();
    std::string octets = file();
    damage(octets);
    replace_file(octets);
    const SalvageReport report = salvage();
    open_copy(output());
    EXPECT_TRUE(faults().empty()) << faults().front();
    EXPECT_TRUE(due().entries.empty());

    const auto stands = [&octets](const std::string& value) { return octets.find(value) != std::string::npos; };
    std::size_t whole = 0;
    for (const auto& [id, values] : raw) {
      if (!stands(values.record)) continue;
      const auto found = find(id);
      ASSERT_TRUE(found.has_value()) << id.str() << " stands in the file: " << found.error().text;
      const Known was = truth.at(id);
      EXPECT_EQ(found->state(), is_live(was.state) ? RecipientState::held : was.state) << id.str();
      const bool body = std::all_of(values.chunks.begin(), values.chunks.end(), stands);
      if (body && !values.chunks.empty()) {
        ASSERT_EQ(found->body, BodyState::present) << id.str();
        EXPECT_EQ(known(id).body, was.body);
      }
      if (std::all_of(values.rows.begin(), values.rows.end(), stands)) {
        EXPECT_GE(known(id).events, was.events);
      }
      ++whole;
    }
    EXPECT_GE(report.messages, whole);
    // Nothing is invented: every message was one, finished ones stay finished, every body is the body.
    for (const MessageId& id : all_ids()) {
      if (std::find(retired_.begin(), retired_.end(), id) != retired_.end()) {
        EXPECT_FALSE(is_live(find(id)->state())) << id.str();  // finished long ago, and its remains say so
        continue;
      }
      ASSERT_TRUE(truth.count(id)) << id.str();
      const Known is = known(id), was = truth.at(id);
      if (!is_live(was.state)) {
        EXPECT_EQ(is.state, was.state) << id.str();
      }
      if (!is.body.empty() && !was.body.empty()) {
        EXPECT_EQ(is.body, was.body);
      }
    }
  }
  void start_anew() {
    close();
    retired_.clear();
    std::filesystem::remove_all(output());
    std::filesystem::remove_all(directory_.path() + "/spool");
  }

  std::vector<MessageId> retired_;
};

TEST_F(SalvageTest, AnUndamagedSpoolComesBackWhole) {
  for (unsigned seed = 1; seed <= 3; ++seed) check(seed, [](std::string&) {});
}

TEST_F(SalvageTest, WithoutTheMetaPages) {
  for (unsigned seed = 10; seed <= 14; ++seed)
    check(seed, [](std::string& octets) { octets.replace(0, 2 * kPage, 2 * kPage, '\0'); });
}

TEST_F(SalvageTest, CutOff) {
  for (unsigned seed = 20; seed <= 24; ++seed)
    check(seed, [this](std::string& octets) { octets.resize(octets.size() / 8 + dice_() % (octets.size() / 2)); });
}

TEST_F(SalvageTest, FlippedOctetsInRandomPages) {
  for (unsigned seed = 30; seed <= 39; ++seed) {
    check(seed, [this](std::string& octets) {
      for (std::size_t n = octets.size() / kPage / 10; n-- > 0;) octets[dice_() % octets.size()] ^= 0x55;
    });
  }
}

TEST_F(SalvageTest, DamagedPageHeaders) {
  for (unsigned seed = 50; seed <= 54; ++seed) {
    check(seed, [this](std::string& octets) {
      for (std::size_t n = octets.size() / kPage / 4; n-- > 0;)
        octets[dice_() % (octets.size() / kPage) * kPage + dice_() % 24] ^= 0x7f;
    });
  }
}

TEST_F(SalvageTest, PagesOfRubbish) {
  for (unsigned seed = 60; seed <= 64; ++seed) {
    check(seed, [this](std::string& octets) {
      for (std::size_t n = octets.size() / kPage / 8; n-- > 0;) {
        const std::size_t page = dice_() % (octets.size() / kPage) * kPage;
        for (std::size_t i = 0; i < kPage; ++i) octets[page + i] = static_cast<char>(dice_());
      }
    });
  }
}

// ---- versions -----------------------------------------------------------------------------------------------------

// The old file's pages behind the new ones: as if they were free and not used again.
TEST_F(SalvageTest, AnOlderVersionDoesNotBringAFinishedMessageBack) {
  open();
  const MessageId id = stored(claimed_message());
  close();
  const std::string old = file();
  open();  // what was being sent is recovered
  ASSERT_NE(claim(id).record, nullptr);
  ASSERT_TRUE(settle(sent(id)).has_value());
  close();
  replace_file(file() + old);
  const SalvageReport report = salvage();
  EXPECT_GT(report.old_versions, 0u);
  EXPECT_EQ(report.held, 0u);
  open_copy(output());
  EXPECT_EQ(find(id)->state(), RecipientState::sent);
}

TEST_F(SalvageTest, TheNewestRecordWinsWithoutTheHelpOfEvents) {
  open();
  const MessageId id = stored(claimed_message());
  close();
  std::string old = file();
  open();
  ASSERT_NE(claim(id).record, nullptr);
  ASSERT_TRUE(settle(sent(id)).has_value());
  close();
  std::string now = file();
  const Raw raw = raw_values().at(id);
  for (const std::string& row : raw.rows) {
    wipe(now, row);
    wipe(old, row);
  }
  for (const std::string& octets : {now + old, old + now}) {  // where in the file it is says nothing
    replace_file(octets);
    const SalvageReport report = salvage();
    EXPECT_EQ(report.held, 0u);
    EXPECT_EQ(report.with_gaps, 1u);
    open_copy(output());
    EXPECT_EQ(find(id)->state(), RecipientState::sent);
    close();
    std::filesystem::remove_all(output());
  }
}

TEST_F(SalvageTest, AnEventThatIsNewerThanTheRecordIsBelieved) {
  open();
  const MessageId id = stored(claimed_message());
  close();
  const std::string old = file();
  open();  // what was being sent is recovered
  ASSERT_NE(claim(id).record, nullptr);
  ASSERT_TRUE(settle(sent(id)).has_value());
  close();
  std::string now = file();
  wipe(now, raw_values().at(id).record);
  replace_file(now + old);
  EXPECT_EQ(salvage().held, 0u);
  open_copy(output());
  EXPECT_EQ(find(id)->state(), RecipientState::sent);
  EXPECT_EQ(find(id)->body, BodyState::present);  // it was there when the older record was written
  EXPECT_EQ(known(id).events, 5u);                // accepted; the first attempt, interrupted; the second, sent
}

// The window that docs/spool.md names: record and event of the end are both lost. It is held, not sent.
TEST_F(SalvageTest, WithoutAnyWordOfItsEndAMessageIsHeld) {
  open();
  const MessageId id = stored(claimed_message());
  close();
  const std::string old = file();
  open();  // what was being sent is recovered
  ASSERT_NE(claim(id).record, nullptr);
  ASSERT_TRUE(settle(sent(id)).has_value());
  close();
  std::string now = file();
  const Raw raw = raw_values().at(id);
  wipe(now, raw.record);
  wipe(now, raw.rows.back());
  replace_file(now + old);
  EXPECT_EQ(salvage().held, 1u);
  open_copy(output());
  EXPECT_EQ(find(id)->state(), RecipientState::held);
  EXPECT_TRUE(due().entries.empty());
}

TEST_F(SalvageTest, ALiveMessageWithoutItsBodyIsNamedAndCannotBeReleased) {
  open();
  const MessageId id = stored(random_message(3 * kChunkPayload)), other = stored(random_message(100));
  close();
  std::string octets = file();
  wipe(octets, raw_values().at(id).chunks[1]);
  replace_file(octets);
  const SalvageReport report = salvage();
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.without_body, std::vector<MessageId>{id});
  open_copy(output());
  EXPECT_EQ(find(id)->state(), RecipientState::held);
  EXPECT_NE(find(id)->headers.find("Subject: " + id.str()), std::string::npos);
  EXPECT_EQ(steer(id, SteerVerb::release).error().kind, FaultKind::conflict);
  EXPECT_TRUE(steer(id, SteerVerb::cancel).has_value());
  EXPECT_TRUE(steer(other, SteerVerb::release).has_value());
  EXPECT_NE(claim(other).record, nullptr);
}

TEST_F(SalvageTest, OfAMessageWithoutRecordTheIdIsSaid) {
  open();
  const MessageId id = stored(message());
  close();
  std::string octets = file();
  const std::string record = raw_values().at(id).record;
  for (std::size_t at = octets.find(record); at != std::string::npos; at = octets.find(record)) octets[at + 40] ^= 1;
  replace_file(octets);
  const SalvageReport report = salvage();
  EXPECT_EQ(report.messages, 0u);
  EXPECT_EQ(report.without_record, std::vector<MessageId>{id});
  EXPECT_GT(report.broken_values, 0u);
}

// ---- what must not come back --------------------------------------------------------------------------------------

TEST_F(SalvageTest, ValuesInsideABodyAreNoValues) {
  open();
  StoredMessage forged;
  forged.record = message().record;
  forged.record.envelope.subject = "forged";
  std::string value, user;
  encode_message(forged, value);
  UserRecord intruder;
  intruder.name = "intruder";
  intruder.role = "admin";
  encode_user(intruder, user);
  std::vector<MessageId> ids;
  for (const std::size_t filler : {5000, 200}) {  // on pages of its own, and with others on one
    NewMessage carrier = message();
    const std::string octets =
        "Subject: x\r\n\r\n" + std::string(filler, 'x') + value + user + std::string(filler, 'y');
    carrier.body.chunks = {std::make_shared<const std::string>(octets)};
    carrier.body.size = carrier.record.body_size = octets.size();
    carrier.record.body_chunks = 1;
    ids.push_back(stored(std::move(carrier)));
  }
  close();
  const SalvageReport report = salvage(true);
  EXPECT_EQ(report.messages, 2u);
  EXPECT_TRUE(report.users.empty());
  open_copy(output());
  for (const MessageId& id : ids) EXPECT_TRUE(find(id).has_value());
}

TEST_F(SalvageTest, UsersComeBackOnlyWhenAskedFor) {
  open();
  UserRecord user;
  user.name = "app";
  user.password_hash = "scrypt$old";
  user.changed_at = now_;
  const auto put = [&](bool fresh) {
    ASSERT_TRUE(
        answer<Nothing>([&](Done<Nothing> done) { store().put_user(user, fresh, std::move(done)); }).has_value());
  };
  put(true);
  close();
  const std::string old = file();
  open();
  user.password_hash = "scrypt$new";
  user.changed_at = now_ + std::chrono::hours(1);
  put(false);
  close();
  replace_file(file() + old);
  EXPECT_EQ(salvage().users, std::vector<std::string>{"app"});
  const auto find_user = [&] {
    return answer<UserRecord>([&](Done<UserRecord> done) { store().find_user("app", std::move(done)); });
  };
  open_copy(output());
  EXPECT_FALSE(find_user().has_value());
  close();
  std::filesystem::remove_all(output());
  salvage(true);
  open_copy(output());
  EXPECT_EQ(find_user()->password_hash, "scrypt$new");
}

TEST_F(SalvageTest, EventNumbersAreNotGivenAgain) {
  open();
  stored(message());
  const std::uint64_t last = store().stats().last_seq;
  close();
  salvage();
  open_copy(output());
  EXPECT_GT(store().stats().last_seq, last + 100'000);
}

TEST_F(SalvageTest, NeedsTheDaemonStoppedAndAFile) {
  const auto kind_of_refusal = [this] {
    try {
      salvage();
    } catch (const SpoolError& error) {
      return error.kind();
    }
    return SpoolError::Kind::other;
  };
  EXPECT_EQ(kind_of_refusal(), SpoolError::Kind::absent);
  open();
  stored(message());
  EXPECT_EQ(kind_of_refusal(), SpoolError::Kind::in_use);
  close();
  EXPECT_EQ(salvage().messages, 1u);
  EXPECT_EQ(kind_of_refusal(), SpoolError::Kind::exists);
}

TEST_F(SalvageTest, AFileWithoutAnyValueGivesAnEmptySpool) {
  std::filesystem::create_directory(directory_.path() + "/spool");
  replace_file(std::string(10 * kPage + 17, '\0'));
  EXPECT_EQ(salvage().messages, 0u);
  open_copy(output());
  EXPECT_TRUE(all_ids().empty());
}

TEST_F(SalvageTest, ACutOffFileIsRefusedByEverybodyElse) {
  open();
  for (int i = 0; i < 40; ++i) stored(random_message(2 * kChunkPayload));
  close();
  std::filesystem::resize_file(data_file(), 64 * kPage);
  EXPECT_THROW(open(), SpoolError);
  EXPECT_THROW(open_lmdb_store_read_only(options_, log_), SpoolError);
}

}  // namespace
}  // namespace postrider::storage
