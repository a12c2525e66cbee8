// `postrider spool cat|verify|export|backup|compact|salvage` as command lines: what they print, where they write, what they refuse.
#include <gtest/gtest.h>
#include <sysexits.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cmd/blocking.h"
#include "storage/lmdb_store.h"
#include "tests/temp_directory.h"
#include "tests/unit/cmd/command_line.h"

namespace postrider::cmd {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using test::run_line;
using test::Said;

constexpr std::int64_t kNow = 1'800'000'000'000;

class SpoolCopies : public testing::Test {
 protected:
  std::string data_dir() const { return directory_ / "data"; }
  std::string output(const std::string& name = "out") const { return directory_ / name; }
  Said spool(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "spool");
    arguments.insert(arguments.end(), {"--data-dir", data_dir()});
    return run_line(std::move(arguments));
  }
  json::object report(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const Said said = spool(std::move(arguments));
    EXPECT_EQ(said.exit_code, EX_OK) << said.err;
    EXPECT_EQ(said.err, "");  // no terminal, no progress
    return json::parse(said.out).as_object();
  }
  static std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  // As a daemon that runs while this lives.
  std::unique_ptr<storage::Store> daemon() {
    storage::SpoolOptions options;
    options.data_dir = data_dir();
    options.max_size = 64ull << 20;
    options.reserve_bytes = 0;
    return storage::open_lmdb_store(options, log_);
  }
  MessageId accept(storage::Store& store, const std::string& octets, const std::string& sender, bool claimed = false) {
    storage::NewMessage m;
    m.now = from_ms(kNow);
    m.record.id = ids_.next(m.now);
    m.record.envelope.sender = {"app", sender};
    m.record.envelope.created_at = m.now;
    m.record.recipients.emplace_back().address = {"user", "example.com"};
    m.record.recipients[0].due = m.now;
    m.body.size = m.record.body_size = octets.size();
    m.body.chunks = {std::make_shared<const std::string>(octets)};
    m.record.body_chunks = 1;
    if (claimed) m.intent = storage::Intent{"primary"};
    return wait_for<storage::Accepted>(
               [&](Done<storage::Accepted> done) { store.accept(std::move(m), std::move(done)); })
        ->id;
  }
  void settle_sent(storage::Store& store, const MessageId& id) {
    storage::Settlement s;
    s.id = id;
    s.now = from_ms(kNow);
    s.updates.emplace_back().trigger = Trigger::hand_over;
    ASSERT_TRUE(
        wait_for<storage::Settled>([&](Done<storage::Settled> done) { store.settle(s, std::move(done)); }).has_value());
  }
  // One that waits and one that was sent; closed.
  void fill() {
    const auto store = daemon();
    waiting_ = accept(*store, binary_, "shop.example");
    sent_ = accept(*store, "Subject: y\r\n\r\ny\r\n", "news.example", true);
    settle_sent(*store, sent_);
    store->close();
  }
  void damage_a_chunk() const {
    std::string octets = contents(data_dir() + "/spool/data.mdb");
    for (std::size_t at = octets.find("marker"); at != std::string::npos; at = octets.find("marker", at))
      octets[at] = 'M';
    std::ofstream(data_dir() + "/spool/data.mdb", std::ios::binary) << octets;
  }

  TempDirectory directory_;
  NullLog log_;
  MessageIdSource ids_{3};
  MessageId waiting_, sent_;
  const std::string binary_ =
      std::string("Subject: x\r\n\r\nmarker ") + "\xff\xfe\x80 \x1b[31m" + std::string(9000, 'z') + "\r\n";
};

TEST_F(SpoolCopies, CatGivesTheOctetsAndNothingElse) {
  fill();
  const Said said = spool({"cat", waiting_.str()});
  EXPECT_EQ(said.exit_code, EX_OK) << said.err;
  EXPECT_EQ(said.out, binary_);
  EXPECT_EQ(spool({"cat", sent_.str()}).exit_code, EX_NOINPUT);
}

TEST_F(SpoolCopies, ExportWritesABodyAndAStoryAMessage) {
  fill();
  const json::object done = report({"export", "--output", output()});
  EXPECT_EQ(done.at("messages").to_number<int>(), 2);
  EXPECT_EQ(done.at("bodies").to_number<int>(), 1);
  EXPECT_EQ(contents(output() + "/" + waiting_.str() + ".eml"), binary_);
  EXPECT_FALSE(fs::exists(output() + "/" + sent_.str() + ".eml"));  // it was removed when sent
  const json::value story = json::parse(contents(output() + "/" + sent_.str() + ".json"));
  EXPECT_EQ(story.at("state").as_string(), "sent");
  EXPECT_EQ(story.at("recipients").at(0).at("address").as_string(), "user@example.com");
  EXPECT_FALSE(story.at("events").as_array().empty());
  EXPECT_EQ(std::distance(fs::directory_iterator(output()), fs::directory_iterator()), 3);
  EXPECT_FALSE(fs::exists(output() + ".partial"));
}

TEST_F(SpoolCopies, ExportTakesTheFiltersOfAListing) {
  fill();
  EXPECT_EQ(report({"export", "--output", output("a"), "--state", "sent"}).at("messages").to_number<int>(), 1);
  EXPECT_EQ(report({"export", "--output", output("b"), "--sender", "@shop.example"}).at("messages").to_number<int>(),
            1);
  EXPECT_TRUE(fs::exists(output("b") + "/" + waiting_.str() + ".eml"));
  EXPECT_EQ(
      report({"export", "--output", output("c"), "--until", "2020-01-01T00:00:00Z"}).at("messages").to_number<int>(),
      0);
  EXPECT_EQ(spool({"export", "--output", output("d"), "--state", "asleep"}).exit_code, EX_USAGE);
  EXPECT_FALSE(fs::exists(output("d")));
}

TEST_F(SpoolCopies, DamageIsEX_DATAERRAndTheRestIsThere) {
  fill();
  damage_a_chunk();
  const Said verify = spool({"verify"});
  EXPECT_EQ(verify.exit_code, EX_DATAERR);
  EXPECT_NE(verify.out.find(waiting_.str() + ": chunk 0"), std::string::npos) << verify.out;
  EXPECT_EQ(spool({"cat", waiting_.str()}).exit_code, EX_DATAERR);
  const Said exported = spool({"export", "--output", output()});
  EXPECT_EQ(exported.exit_code, EX_DATAERR);
  EXPECT_NE(exported.out.find(waiting_.str()), std::string::npos) << exported.out;
  EXPECT_FALSE(fs::exists(output() + "/" + waiting_.str() + ".eml"));
  EXPECT_TRUE(fs::exists(output() + "/" + waiting_.str() + ".json"));
  EXPECT_TRUE(fs::exists(output() + "/" + sent_.str() + ".json"));
  EXPECT_EQ(spool({"backup", "--output", output("backup")}).exit_code, EX_DATAERR);
  EXPECT_EQ(run_line({"spool", "verify", "--data-dir", output("backup")}).exit_code, EX_OK);
}

TEST_F(SpoolCopies, ABackupIsADataDirectoryThatSendsNothingByItself) {
  fill();
  const json::object done = report({"backup", "--output", output()});
  EXPECT_EQ(done.at("messages").to_number<int>(), 2);
  EXPECT_EQ(done.at("held").to_number<int>(), 1);
  EXPECT_EQ(run_line({"spool", "verify", "--data-dir", output()}).exit_code, EX_OK);
  EXPECT_EQ(run_line({"spool", "cat", waiting_.str(), "--data-dir", output()}).out, binary_);
  const Said shown = run_line({"spool", "show", waiting_.str(), "--data-dir", output()});
  EXPECT_NE(shown.out.find("restored from a backup"), std::string::npos) << shown.out;
}

TEST_F(SpoolCopies, ABackupWithoutHoldIsAsTheSpoolWas) {
  fill();
  EXPECT_EQ(report({"backup", "--output", output(), "--no-hold"}).at("held").to_number<int>(), 0);
  const Said shown = run_line({"spool", "show", waiting_.str(), "--data-dir", output(), "--json"});
  EXPECT_EQ(json::parse(shown.out).at("state").as_string(), "queued");
}

TEST_F(SpoolCopies, CompactSaysBothSizes) {
  fill();
  const json::object done = report({"compact"});
  EXPECT_GT(done.at("bytes_before").to_number<std::uint64_t>(), done.at("bytes_after").to_number<std::uint64_t>());
  EXPECT_EQ(done.at("bytes_after").to_number<std::uint64_t>(), fs::file_size(data_dir() + "/spool/data.mdb"));
  EXPECT_EQ(spool({"verify"}).exit_code, EX_OK);
}

TEST_F(SpoolCopies, SalvageReportsAndSaysWhatToDo) {
  fill();
  const json::object whole = report({"salvage", "--output", output()});
  EXPECT_TRUE(whole.at("complete").as_bool());
  EXPECT_EQ(whole.at("held").to_number<int>(), 1);
  EXPECT_EQ(whole.at("finished").to_number<int>(), 1);
  damage_a_chunk();
  const Said said = spool({"salvage", "--output", output("again")});
  EXPECT_EQ(said.exit_code, EX_DATAERR);
  EXPECT_NE(said.out.find(waiting_.str()), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("postrider queue cancel ID"), std::string::npos);
  EXPECT_NE(said.out.find("postrider queue release ID"), std::string::npos);
}

TEST_F(SpoolCopies, WhatIsInTheWayIsSaid) {
  const std::vector<std::vector<std::string>> all = {{"verify"},
                                                     {"export", "--output", output()},
                                                     {"backup", "--output", output()},
                                                     {"compact"},
                                                     {"salvage", "--output", output()}};
  for (const auto& line : all) {
    const Said said = spool(line);
    EXPECT_EQ(said.exit_code, EX_NOINPUT) << line[0];
    EXPECT_NE(said.err.find("--data-dir names the directory"), std::string::npos) << said.err;
  }
  fill();
  fs::create_directory(output());
  for (const auto& line : {all[1], all[2], all[4]}) {
    const Said said = spool(line);
    EXPECT_EQ(said.exit_code, EX_CANTCREAT) << line[0];
    EXPECT_NE(said.err.find("exists already"), std::string::npos) << said.err;
  }
  const auto running = daemon();
  for (const auto& line : {all[3], std::vector<std::string>{"salvage", "--output", output("other")}}) {
    const Said said = spool(line);
    EXPECT_EQ(said.exit_code, EX_TEMPFAIL) << line[0];
    EXPECT_NE(said.err.find("is running on"), std::string::npos) << said.err;
    EXPECT_NE(said.err.find("stop it first"), std::string::npos) << said.err;
  }
  EXPECT_EQ(spool({"backup"}).exit_code, EX_USAGE);  // where to?
}

}  // namespace
}  // namespace postrider::cmd
