// The drop directory collected: what is there at start, what comes later, what strangers put there, and a crash at the one instant that
// could make a second message. The alarm and the clock are the test's own.
#include "relay/inbound/maildrop_collector.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "relay/inbound/maildrop_file.h"
#include "relay/inbound/maildrop_watch.h"
#include "tests/temp_directory.h"
#include "tests/unit/relay/inbound_fixture.h"

namespace postrider::relay {
namespace {

namespace fs = std::filesystem;

class TestClock final : public Clock {
 public:
  Time now() const override { return time; }
  Duration monotonic() const override { return time.time_since_epoch(); }
  Time time = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
};

class TestAlarms final : public AlarmSource {
 public:
  std::unique_ptr<Alarm> make_alarm() override { return std::make_unique<OneAlarm>(*this); }
  // What is pending happens now.
  void fire(TestClock& clock) {
    ASSERT_TRUE(pending);
    clock.time = due;
    const auto call = std::exchange(pending, nullptr);
    call();
  }
  Time due{};
  std::function<void()> pending;

 private:
  class OneAlarm final : public Alarm {
   public:
    explicit OneAlarm(TestAlarms& all) : all_(all) {}
    void set(Time due, std::function<void()> fire) override {
      all_.due = due;
      all_.pending = std::move(fire);
    }
    void cancel() override { all_.pending = nullptr; }

   private:
    TestAlarms& all_;
  };
};

class RememberingLog final : public Log {
 public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view event, const MessageId*, std::initializer_list<LogField> fields) override {
    std::string line(event);
    for (const LogField& field : fields) line += " " + std::string(field.name) + "=" + field.value;
    lines.push_back(line);
    if (event == crash_at) throw std::runtime_error("as if the process ended here");
  }
  std::size_t count(std::string_view word) const {
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [&](const std::string& line) { return line.find(word) != std::string::npos; }));
  }
  std::vector<std::string> lines;
  std::string crash_at;
};

class MaildropCollectorTest : public InboundTest {
 protected:
  MaildropCollectorTest() : path_(directory_.path() + "/maildrop") {
    options_->hostname = "relay.example";
    options_->max_message_size = 100'000;
    prepare_maildrop(path_).value();
    make();
  }

  void make() {
    collector_.reset();
    submission_ = make_submission({loop_, loop_.clock(), *store_, nullptr, memory_, log_}, options_);
    collector_ = std::make_unique<MaildropCollector>(MaildropParts{loop_, clock_, alarms_, *submission_, said_}, path_);
  }
  void collect() {
    collector_->look();
    settle();
  }
  void settle() {
    while (!collector_->idle()) loop_.io().run_one();
  }

  static std::string drop_text(const std::string& message, const std::string& recipient = "user") {
    MaildropEnvelope envelope;
    envelope.sender = {"app", "example.com"};
    envelope.recipients = {{{recipient, "example.net"}, "", {}}};
    envelope.size = message.size();
    return encode_maildrop(envelope) + message;
  }
  void put(const std::string& name, const std::string& text) {
    std::ofstream(path_ + "/" + name, std::ios::binary) << text;
  }
  bool there(const std::string& name) const { return fs::exists(fs::symlink_status(path_ + "/" + name)); }

  boost::asio::awaitable<int> drained() {
    co_await collector_->drain();
    co_return 0;
  }

  std::vector<MessageRecord> all_stored() {
    storage::ListQuery query;
    query.limit = 1000;
    return ask<storage::ListPage>([&](auto done) { store_->list(query, std::move(done)); }).value().messages;
  }

  const TempDirectory directory_;
  const std::string path_;
  const std::string message_ = "Subject: x\r\n\r\nhello\r\n";
  std::shared_ptr<SubmissionOptions> options_ = std::make_shared<SubmissionOptions>();
  RememberingLog said_;
  TestClock clock_;
  TestAlarms alarms_;
  std::unique_ptr<Submission> submission_;
  std::unique_ptr<MaildropCollector> collector_;
};

TEST_F(MaildropCollectorTest, TakesWhatIsThereAtStartAndRemovesIt) {
  put("one", drop_text(message_));
  collector_->start();
  settle();
  const auto stored_now = all_stored();
  ASSERT_EQ(stored_now.size(), 1u);
  EXPECT_EQ(stored_now[0].envelope.door, Door::sendmail);
  EXPECT_EQ(stored_now[0].envelope.sender, (Address{"app", "example.com"}));
  EXPECT_TRUE(stored_body(stored_now[0]).ends_with("\r\n\r\nhello\r\n"));
  EXPECT_FALSE(there("one"));
  EXPECT_EQ(said_.count("maildrop.collected file=one user=" + std::to_string(::getuid())), 1u);
}

TEST_F(MaildropCollectorTest, LooksAgainEveryMinute) {
  collector_->start();
  settle();
  put("later", drop_text(message_));
  const Time started = clock_.time;
  alarms_.fire(clock_);
  settle();
  EXPECT_EQ(clock_.time - started, MaildropCollector::kScanInterval);
  EXPECT_EQ(all_stored().size(), 1u);
  EXPECT_TRUE(alarms_.pending);
}

TEST_F(MaildropCollectorTest, TheWatchTellsOfWhatIsRenamedIntoIt) {
  bool told = false;
  MaildropWatch watch(loop_, path_, [&] { told = true; });
  watch.start();
  put(".new", drop_text(message_));
  fs::rename(path_ + "/.new", path_ + "/new");
  while (!told) loop_.io().run_one();
  watch.stop();
  loop_.io().poll();
}

TEST_F(MaildropCollectorTest, ManyFilesAreAllTaken) {
  for (int i = 0; i < 100; ++i) put("m" + std::to_string(i), drop_text(message_, "user" + std::to_string(i)));
  collect();
  EXPECT_EQ(all_stored().size(), 100u);
  EXPECT_FALSE(there("m99"));
}

TEST_F(MaildropCollectorTest, TheEnvelopeArrivesWhole) {
  MaildropEnvelope envelope;
  Notify notify;
  notify.success = true;
  envelope.recipients = {{{"root", ""}, "rfc822;root+40here", notify}, {{"grüße", "example.net"}, "", {}}};
  envelope.ret = DsnReturn::full;
  envelope.envid = "e17";
  envelope.smtputf8 = true;
  const std::string octets = "X-Greeting: Grüße\r\n" + message_;
  envelope.size = octets.size();
  put("one", encode_maildrop(envelope) + octets);
  collect();
  const MessageRecord record = all_stored().at(0);
  EXPECT_TRUE(record.envelope.sender.is_null());
  EXPECT_EQ(record.envelope.ret, DsnReturn::full);
  EXPECT_EQ(record.envelope.envid, "e17");
  EXPECT_TRUE(record.envelope.smtputf8);
  ASSERT_EQ(record.recipients.size(), 2u);
  EXPECT_EQ(record.recipients[0].address, (Address{"root", "relay.example"}));
  EXPECT_EQ(record.recipients[0].orcpt, "rfc822;root+40here");
  EXPECT_EQ(record.recipients[0].notify, notify);
}

TEST_F(MaildropCollectorTest, WhatTheHeaderAsksForIsDone) {
  put("one", drop_text("X-Postrider-Lane: low\r\nX-Postrider-Retries: 7\r\n" + message_));
  collect();
  const MessageRecord record = all_stored().at(0);
  EXPECT_EQ(record.envelope.lane, Lane::low);
  EXPECT_EQ(record.envelope.retry.retries, 7u);
  EXPECT_EQ(stored_body(record).find("X-Postrider"), std::string::npos);
}

TEST_F(MaildropCollectorTest, WhatAsksForTheImpossibleIsSetAsideWithItsReason) {
  put("one", drop_text("X-Postrider-Lane: urgent\r\n" + message_));
  collect();
  EXPECT_TRUE(all_stored().empty());
  EXPECT_TRUE(there("bad/one"));
  EXPECT_EQ(said_.count("X-Postrider-Lane: 'urgent': a lane is high, normal or low"), 1u);
}

// Accepted, but the process ended before the file was removed: the next start finds the file and makes no second message.
TEST_F(MaildropCollectorTest, ACrashBetweenAcceptAndRemovalMakesNoSecondMessage) {
  put("one", drop_text(message_));
  said_.crash_at = "maildrop.collected";
  collect();
  ASSERT_EQ(all_stored().size(), 1u);
  ASSERT_TRUE(there("one"));
  said_.crash_at.clear();
  make();
  collect();
  EXPECT_EQ(all_stored().size(), 1u);
  EXPECT_FALSE(there("one"));
}

TEST_F(MaildropCollectorTest, AnotherFileOfTheSameNameIsAnotherMessage) {
  put("one", drop_text(message_));
  collect();
  put("one", drop_text(message_));
  fs::last_write_time(path_ + "/one", fs::last_write_time(path_ + "/one") + std::chrono::seconds(1));
  collect();
  EXPECT_EQ(all_stored().size(), 2u);
}

TEST_F(MaildropCollectorTest, TheKeyOfTheMessageIsTheSubmittersOwn) {
  MaildropEnvelope envelope;
  envelope.sender = {"app", "example.com"};
  envelope.recipients = {{{"user", "example.net"}, "", {}}};
  envelope.key = "order-17";
  envelope.size = message_.size();
  put("first", encode_maildrop(envelope) + message_);
  put("again", encode_maildrop(envelope) + message_);
  collect();
  EXPECT_EQ(all_stored().size(), 1u);
  EXPECT_FALSE(there("first") || there("again"));
}

TEST_F(MaildropCollectorTest, WhatCannotBeMailIsSetAsideAndTheRestIsTaken) {
  put("text", "hello\n");
  put("empty", "");
  put("cut", drop_text(message_).substr(0, drop_text(message_).size() - 3));
  put("longer", drop_text(message_) + "more");
  put("nul", drop_text(message_ + std::string(1, '\0')));
  put("big", drop_text(std::string(200'000, 'x')));
  put("huge", "");
  fs::resize_file(path_ + "/huge", std::uint64_t{1} << 30);
  fs::create_symlink("/etc/hostname", path_ + "/link");
  put("two-names", drop_text(message_));
  fs::create_hard_link(path_ + "/two-names", directory_.path() + "/other");
  ASSERT_EQ(::mkfifo((path_ + "/fifo").c_str(), 0600), 0);
  put("good", drop_text(message_));
  collect();
  EXPECT_EQ(all_stored().size(), 1u);
  for (const char* name : {"text", "empty", "cut", "longer", "nul", "big", "huge", "link", "two-names", "fifo"}) {
    EXPECT_FALSE(there(name)) << name;
    EXPECT_TRUE(there(std::string("bad/") + name)) << name;
    EXPECT_EQ(said_.count(std::string("maildrop.refused file=") + name + " "), 1u) << name;
  }
  EXPECT_EQ(said_.count("has 18 octets of message, its envelope says 21"), 1u);
  EXPECT_EQ(said_.count("not a plain file"), 2u);
}

TEST_F(MaildropCollectorTest, WhatIsSetAsideReplacesNothing) {
  for (int i = 0; i < 3; ++i) {
    put("text", "hello " + std::to_string(i));
    collect();
  }
  EXPECT_TRUE(there("bad/text") && there("bad/text.1") && there("bad/text.2"));
}

TEST_F(MaildropCollectorTest, FilesBeingWrittenAreLeftUntilTheyAreADayOld) {
  put(".half", drop_text(message_).substr(0, 20));
  put(".old", drop_text(message_).substr(0, 20));
  fs::last_write_time(path_ + "/.old", fs::file_time_type::clock::now() - std::chrono::hours(25));
  collect();
  EXPECT_TRUE(there(".half"));
  EXPECT_FALSE(there(".old"));
  EXPECT_TRUE(all_stored().empty());
}

TEST_F(MaildropCollectorTest, WithAForeignBadDirectoryNothingIsMovedAndItIsSaidOnce) {
  fs::remove(path_ + "/bad");
  fs::create_directory_symlink(directory_.path(), path_ + "/bad");
  put("text", "hello\n");
  collect();
  collect();
  EXPECT_TRUE(there("text"));
  EXPECT_EQ(said_.count("maildrop.left file=text "), 1u);
}

// Our own trouble: nothing is moved or lost, and the next minute tries again.
TEST_F(MaildropCollectorTest, WhileTheSpoolTakesNothingFilesWait) {
  put("one", drop_text(message_));
  store_->fail_writes(true);
  collector_->start();
  settle();
  EXPECT_TRUE(there("one"));
  store_->fail_writes(false);
  alarms_.fire(clock_);
  settle();
  EXPECT_EQ(all_stored().size(), 1u);
  EXPECT_FALSE(there("one"));
}

TEST_F(MaildropCollectorTest, AMissingDirectoryIsReportedAndTheNextLookWorks) {
  fs::rename(path_, path_ + ".away");
  collect();
  EXPECT_EQ(said_.count("maildrop.left"), 1u);
  fs::rename(path_ + ".away", path_);
  put("one", drop_text(message_));
  collect();
  EXPECT_EQ(all_stored().size(), 1u);
}

TEST_F(MaildropCollectorTest, ABigMessageComesWholeThroughTheSpool) {
  std::string body = "Subject: big\r\n\r\n";
  while (body.size() < 90'000) body += "0123456789012345678901234567890123456789012345678901234567890\r\n";
  put("big", drop_text(body));
  collect();
  const MessageRecord record = all_stored().at(0);
  const std::string text = stored_body(record);
  EXPECT_EQ(text.substr(text.find("\r\n\r\n")), body.substr(body.find("\r\n\r\n")));
}

TEST_F(MaildropCollectorTest, LoneLineFeedsBecomeLineEnds) {
  put("lf", drop_text("Subject: x\n\nhello\n"));
  collect();
  EXPECT_TRUE(stored_body(all_stored().at(0)).ends_with("\r\n\r\nhello\r\n"));
}

TEST_F(MaildropCollectorTest, AfterTheDrainNothingMoreIsTaken) {
  collector_->start();
  settle();
  run(drained());
  put("late", drop_text(message_));
  collector_->look();
  EXPECT_TRUE(collector_->idle());
  EXPECT_FALSE(alarms_.pending);
  EXPECT_TRUE(there("late"));
}

TEST_F(MaildropCollectorTest, ADirectoryThatIsThereIsLeftAsTheAdministratorMadeIt) {
  ASSERT_EQ(::chmod(path_.c_str(), 01730), 0);
  EXPECT_TRUE(prepare_maildrop(path_));
  struct stat facts {};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 01730u);
  ASSERT_EQ(::stat((path_ + "/bad").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0700u);
  EXPECT_FALSE(prepare_maildrop(directory_.path() + "/no/such"));
}

}  // namespace
}  // namespace postrider::relay
