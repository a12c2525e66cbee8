#include "relay/outbound/notice_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "tests/simulation/sim_time.h"
#include "tests/unit/relay/inbound_fixture.h"
#include "tests/unit/relay/notice_mime.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

// One life of the daemon's process: what it holds in memory, on a store that outlives it. One thread; nothing runs but in run().
struct Life {
  Life(storage::MemoryStore& store, sim::SimTime& time, Budget& memory, Log& log,
       std::shared_ptr<const SubmissionOptions> options)
      : submission(make_submission({loop, time, store, &dispatcher, memory, log}, std::move(options))),
        writer({loop, time, time, store, *submission, log},
               {.hostname = "relay.example", .remove_sent_body = true, .max_age = hours(24 * 5)}) {}

  void run() {
    while (loop.io().poll() > 0) {
    }
  }
  bool step() { return loop.io().poll_one() > 0; }

  net::Loop loop{"test"};
  RememberingDispatcher dispatcher;
  std::unique_ptr<Submission> submission;
  NoticeWriter writer;
  net::TaskGroup tasks{loop, [](std::string_view, const std::exception& e) { ADD_FAILURE() << e.what(); }};
};

struct Mail {
  std::vector<std::string> to{"user@example.net"};
  std::string sender = "app@example.com";
  DsnReturn ret = DsnReturn::unset;
  Notify notify{};
  std::string tenant{};
  std::string body = "Subject: hello\r\nMessage-ID: <1@example.com>\r\n\r\nhello\r\n";
};

class NoticeWriterTest : public testing::Test {
 protected:
  NoticeWriterTest() {
    options_->hostname = "relay.example";
    options_->addresses.aliases = {{"root", "ops@example.com"}};
    begin_life();
  }
  ~NoticeWriterTest() override { end_life(); }

  void begin_life() { begin_life(log_); }
  void begin_life(Log& log) { life_ = std::make_unique<Life>(*store_, time_, memory_, log, options_); }
  void end_life() {
    if (life_) run(life_->writer.drain());
    life_.reset();
  }
  // As kill -9: what the old store had not committed is gone, and nobody of that life runs again.
  void crash() {
    auto next = store_->reopen(time_.now());
    life_.reset();
    store_ = std::move(next);
    begin_life();
  }

  void run(boost::asio::awaitable<void> task) {
    life_->tasks.spawn("test", std::move(task));
    life_->run();
    ASSERT_EQ(life_->tasks.size(), 0u);
  }

  template <typename T, typename Start>
  result<T> ask(Start start) {
    net::Loop loop("ask");
    std::optional<result<T>> value;
    start(Done<T>(loop, [&value](result<T> answer) { value.emplace(std::move(answer)); }));
    while (!value) loop.io().run_one();
    return std::move(*value);
  }

  // Accepted through the door, claimed; nobody was asked yet.
  MessageId claimed(const Mail& mail) {
    EnvelopeSpec envelope;
    envelope.sender = parse_address(mail.sender).value();
    envelope.ret = mail.ret;
    envelope.tenant = mail.tenant;
    for (const std::string& to : mail.to) envelope.recipients.push_back({parse_address(to).value(), "", mail.notify});
    std::optional<MessageId> id;
    life_->dispatcher.free = false;
    run(submit(*life_->submission, std::move(envelope), mail.body, id));
    life_->dispatcher.free = true;
    const storage::ClaimRequest request{*id, "primary", time_.now()};
    const auto got = ask<std::vector<storage::Claimed>>([&](auto done) { store_->claim({request}, std::move(done)); });
    EXPECT_EQ(got.value().at(0).recipients.size(), mail.to.size());
    return *id;
  }
  static boost::asio::awaitable<void> submit(Submission& submission, EnvelopeSpec envelope, std::string octets,
                                             std::optional<MessageId>& id) {
    const std::unique_ptr<Intake> intake = submission.begin(std::move(envelope));
    co_await intake->write(octets);
    const SubmissionResult done = co_await intake->commit();
    id = done.id;
  }

  storage::Settled settle(const MessageId& id, Trigger trigger, const Reason& reason, std::size_t recipients = 1,
                          bool route_caused = false) {
    storage::Settlement settlement;
    settlement.id = id;
    settlement.now = time_.now();
    Attempt& attempt = settlement.attempts.emplace_back();
    attempt.peer = "mx.example.net[192.0.2.1]:25";
    attempt.started_at = time_.now();
    for (std::uint32_t i = 0; i < recipients; ++i) {
      attempt.recipients.push_back({i, OutcomeKind::deferred, reason});
      storage::RecipientUpdate update;
      update.recipient = i;
      update.trigger = trigger;
      update.spends_try = true;
      update.route_caused = route_caused;
      update.reason = reason;
      settlement.updates.push_back(update);
    }
    return ask<storage::Settled>([&](auto done) { store_->settle(settlement, std::move(done)); }).value();
  }
  MessageId bounced(const Mail& mail = {}) {
    const MessageId id = claimed(mail);
    settle(id, Trigger::refuse, {Cause::recipient, Stage::rcpt, 550, "5.1.1", "no such user"}, mail.to.size());
    return id;
  }

  MessageRecord find(const MessageId& id) {
    return ask<MessageRecord>([&](auto done) { store_->find(id, std::move(done)); }).value();
  }
  std::vector<MessageRecord> notices() {
    std::vector<MessageRecord> all;
    storage::ListQuery query;
    query.limit = 1000;
    do {
      auto page = ask<storage::ListPage>([&](auto done) { store_->list(query, std::move(done)); }).value();
      for (MessageRecord& message : page.messages)
        if (message.envelope.door == Door::bounce) all.push_back(std::move(message));
      query.before = page.next;
    } while (query.before);
    return all;
  }
  std::size_t owing() {
    storage::OwingQuery query;
    query.limit = 100'000;
    return ask<storage::OwingPage>([&](auto done) { store_->owing(query, std::move(done)); }).value().ids.size();
  }
  std::string body(const MessageRecord& record) {
    using Chunks = std::vector<std::shared_ptr<const std::string>>;
    const storage::BodyQuery query{record.id, 0, record.body_chunks};
    std::string octets;
    for (const auto& chunk : ask<Chunks>([&](auto done) { store_->read_body(query, std::move(done)); }).value())
      octets += *chunk;
    return octets;
  }
  std::string only_notice() {
    const auto all = notices();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? std::string() : body(all.front());
  }
  storage::Retired retire(Duration failed_bodies) {
    storage::RetireRequest request;
    request.policy.failed_bodies = failed_bodies;
    request.now = time_.now();
    return ask<storage::Retired>([&](auto done) { store_->retire(request, std::move(done)); }).value();
  }

  sim::SimTime time_;
  NullLog log_;
  Budget memory_{64 << 20};
  std::shared_ptr<SubmissionOptions> options_ = std::make_shared<SubmissionOptions>();
  std::unique_ptr<storage::MemoryStore> store_ = storage::make_memory_store();
  std::unique_ptr<Life> life_;
};

TEST_F(NoticeWriterTest, WhatGoesWrongWithOneIsInTheLogUnderTheIdOfItsMessage) {
  class ThrowingLog final : public Log {
   public:
    bool enabled(LogLevel) const override { return true; }
    void write(LogLevel, std::string_view event, const MessageId* id, std::initializer_list<LogField> fields) override {
      if (event == "notice.written") throw std::runtime_error("no memory");
      if (event == "task.failed" && id != nullptr) failed.push_back(id->str() + " " + fields.begin()->value);
    }
    std::vector<std::string> failed;
  } log;
  const MessageId id = bounced();
  end_life();
  begin_life(log);
  life_->writer.start();
  life_->run();
  end_life();
  EXPECT_EQ(log.failed, std::vector<std::string>{id.str() + " notice"});
}

TEST_F(NoticeWriterTest, PaysAtStartWhatIsOwed) {
  const MessageId id = bounced();
  life_->writer.start();
  life_->run();
  EXPECT_EQ(owing(), 0u);
  const ReadNotice notice = read_notice(only_notice());
  EXPECT_EQ(notice.field("To"), "<app@example.com>");
  EXPECT_EQ(notice.field("Subject"), "Mail not delivered: hello");
  EXPECT_EQ(notice.field("In-Reply-To"), "<1@example.com>");
  EXPECT_EQ(notice.field("Received"), "(none)");
  EXPECT_THAT(notice.field("Message-ID"), HasSubstr("@relay.example>"));
  EXPECT_NE(notice.field("Date"), "(none)");
  EXPECT_EQ(ReadNotice::one(notice.report.at(1), "Status"), "5.1.1");
  EXPECT_EQ(ReadNotice::one(notice.report.at(1), "Remote-MTA"), "dns; mx.example.net");
  EXPECT_THAT(notice.parts.at(2).content, HasSubstr("Subject: hello\r\n"));
  EXPECT_THAT(notice.parts.at(2).content, HasSubstr(id.str()));  // our Received
}

TEST_F(NoticeWriterTest, PaysWhatItIsToldOfLater) {
  life_->writer.start();
  life_->run();
  bounced();
  life_->run();
  EXPECT_TRUE(notices().empty());
  life_->writer.owed();
  life_->run();
  EXPECT_EQ(notices().size(), 1u);
}

TEST_F(NoticeWriterTest, TheNoticeIsFromNobodyForTheSenderAloneAndAsksForNone) {
  bounced({.tenant = "shop"});
  life_->writer.start();
  life_->run();
  const MessageRecord notice = notices().at(0);
  EXPECT_TRUE(notice.envelope.sender.is_null());
  EXPECT_EQ(notice.envelope.tenant, "shop");
  EXPECT_FALSE(notice.envelope.eight_bit);
  EXPECT_FALSE(notice.envelope.smtputf8);
  ASSERT_EQ(notice.recipients.size(), 1u);
  EXPECT_EQ(notice.recipients[0].address.str(), "app@example.com");
  EXPECT_TRUE(notice.recipients[0].notify.never);
  ASSERT_EQ(life_->dispatcher.messages.size(), 1u);  // and is handed over at once
  EXPECT_EQ(life_->dispatcher.messages[0].record->id, notice.id);
}

TEST_F(NoticeWriterTest, ANoticeThatBouncesEndsThere) {
  bounced();
  life_->writer.start();
  life_->run();
  const MessageId notice = notices().at(0).id;
  EXPECT_FALSE(settle(notice, Trigger::refuse, {Cause::recipient, Stage::rcpt, 550, "5.1.1", "gone"}).owes_notice);
  life_->writer.owed();
  life_->run();
  EXPECT_EQ(notices().size(), 1u);
  EXPECT_EQ(find(notice).state(), RecipientState::bounced);
}

TEST_F(NoticeWriterTest, ANullSenderIsNeverTold) {
  const MessageId id = claimed({.sender = ""});
  EXPECT_FALSE(settle(id, Trigger::refuse, {Cause::recipient, Stage::rcpt, 550, "5.1.1", "no"}).owes_notice);
  life_->writer.start();
  life_->run();
  EXPECT_TRUE(notices().empty());
}

TEST_F(NoticeWriterTest, AliasesHoldForNotices) {
  bounced({.sender = "root@relay.example"});
  life_->writer.start();
  life_->run();
  EXPECT_EQ(notices().at(0).recipients[0].address.str(), "ops@example.com");
  EXPECT_EQ(read_notice(only_notice()).field("To"), "<root@relay.example>");
}

TEST_F(NoticeWriterTest, AnInternationalSenderIsWrittenToWithSmtputf8) {
  bounced({.sender = "jos\xc3\xa9@example.com"});
  life_->writer.start();
  life_->run();
  EXPECT_TRUE(notices().at(0).envelope.smtputf8);
}

TEST_F(NoticeWriterTest, RetFullReturnsEveryOctetOfABodyInSeveralChunks) {
  Mail mail{.ret = DsnReturn::full};
  while (mail.body.size() < 5 * storage::kChunkPayload)
    mail.body += "..line " + std::to_string(mail.body.size()) + " with some text to fill it\r\n";
  const MessageId id = bounced(mail);
  const std::string whole = body(find(id));
  ASSERT_EQ(find(id).body_chunks, 6u);
  life_->writer.start();
  life_->run();
  const std::string octets = only_notice();
  const ReadNotice notice = read_notice(octets);
  EXPECT_EQ(notice.parts.at(2).type, "message/rfc822");
  EXPECT_NE(octets.find("\r\n\r\n" + whole + "\r\n--" + notice.boundary + "--\r\n"), std::string::npos);
  EXPECT_EQ(find(id).body, BodyState::removed) << "it was only kept for the notice";
}

TEST_F(NoticeWriterTest, RetHdrsReturnsTheHeaderAlone) {
  bounced({.ret = DsnReturn::headers});
  life_->writer.start();
  life_->run();
  const ReadNotice notice = read_notice(only_notice());
  EXPECT_EQ(notice.parts.at(2).type, "text/rfc822-headers");
  EXPECT_THAT(notice.parts.at(2).content, Not(HasSubstr("\r\nhello\r\n")));
}

TEST_F(NoticeWriterTest, WhatWasRefusedForItsContentIsNotSentThereAgain) {
  const MessageId id = claimed({.ret = DsnReturn::full});
  settle(id, Trigger::refuse, {Cause::content, Stage::final_dot, 554, "5.7.1", "spam"});
  life_->writer.start();
  life_->run();
  EXPECT_EQ(read_notice(only_notice()).parts.at(2).type, "text/rfc822-headers");
}

TEST_F(NoticeWriterTest, AFailureOfTheRouteIsToldWhenItsBodyIsRemovedWithTheHeaderThatWasKept) {
  const MessageId id = claimed({.ret = DsnReturn::full});
  const Reason reason{Cause::retries, Stage::connect, 0, "", "gave up after 4 tries: connection refused"};
  EXPECT_FALSE(settle(id, Trigger::give_up, reason, 1, true).owes_notice);
  life_->writer.start();
  life_->run();
  EXPECT_TRUE(notices().empty());
  time_.pass_to(time_.now() + hours(25));
  EXPECT_EQ(retire(hours(24)).owing, 1u);
  life_->writer.owed();
  life_->run();
  const ReadNotice notice = read_notice(only_notice());
  EXPECT_EQ(notice.parts.at(2).type, "text/rfc822-headers");
  EXPECT_THAT(notice.parts.at(2).content, HasSubstr("Subject: hello\r\n"));
  EXPECT_EQ(ReadNotice::one(notice.report.at(1), "Status"), "4.4.1");
}

TEST_F(NoticeWriterTest, ABounceThatAProviderReportsIsToldInItsWordsWithTheHeaderThatWasKept) {
  const MessageId id = claimed({.ret = DsnReturn::full});
  settle(id, Trigger::hand_over, {Cause::none, Stage::final_dot, 200, "", "queued by the provider"});
  ASSERT_EQ(find(id).body, BodyState::removed);
  storage::Report report;
  report.upstream = "primary";
  report.id = id;
  report.type = EventType::bounced;
  report.recipient = "USER@example.net";
  report.reason = {Cause::recipient, Stage::none, 550, "5.1.1", "no mailbox of that name"};
  report.key = 1;
  const std::vector<storage::Report> reports{report};
  using Answers = std::vector<result<storage::Reported>>;
  const auto taken = ask<Answers>([&](auto done) { store_->report(reports, time_.now(), std::move(done)); });
  EXPECT_TRUE(taken->at(0)->owes_notice);
  life_->writer.start();
  life_->run();
  const ReadNotice notice = read_notice(only_notice());
  EXPECT_EQ(notice.parts.at(2).type, "text/rfc822-headers");
  EXPECT_THAT(notice.parts.at(2).content, HasSubstr("Subject: hello\r\n"));
  EXPECT_EQ(ReadNotice::one(notice.report.at(1), "Status"), "5.1.1");
  EXPECT_THAT(ReadNotice::one(notice.report.at(1), "Diagnostic-Code"), HasSubstr("no mailbox of that name"));
  EXPECT_EQ(owing(), 0u);
}

TEST_F(NoticeWriterTest, ASuppressedRecipientIsToldWithoutAnAttempt) {
  const storage::Suppression entry{"gone@example.net", "complained", "alice", time_.now()};
  ASSERT_TRUE(ask<Nothing>([&](auto done) { store_->put_suppression(entry, std::move(done)); }).has_value());
  EnvelopeSpec envelope;
  envelope.sender = parse_address("app@example.com").value();
  envelope.recipients.push_back({parse_address("gone@example.net").value(), "", {}});
  std::optional<MessageId> id;
  run(submit(*life_->submission, std::move(envelope), Mail().body, id));
  ASSERT_EQ(find(*id).state(), RecipientState::suppressed);
  life_->writer.start();
  life_->run();
  const ReadNotice notice = read_notice(only_notice());
  EXPECT_EQ(ReadNotice::one(notice.report.at(1), "Status"), "5.7.1");
  EXPECT_THAT(notice.parts.at(0).content, HasSubstr("on the suppression list:"));
}

TEST_F(NoticeWriterTest, OneNoticeForAThousandRecipients) {
  Mail mail;
  mail.to.clear();
  for (int i = 0; i < 1000; ++i) mail.to.push_back("user" + std::to_string(i) + "@example.net");
  bounced(mail);
  options_->max_message_size = 10'000;  // of clients; a notice is longer than that
  life_->writer.start();
  life_->run();
  EXPECT_EQ(owing(), 0u);
  EXPECT_EQ(read_notice(only_notice()).report.size(), 1001u);
}

TEST_F(NoticeWriterTest, OneNoticeAKind) {
  const MessageId id = claimed(
      {.to = {"a@example.net", "b@example.net"}, .ret = DsnReturn::full, .notify = {.success = true, .failure = true}});
  storage::Settlement settlement;
  settlement.id = id;
  settlement.now = time_.now();
  settlement.updates.resize(2);
  settlement.updates[0].trigger = Trigger::hand_over;
  settlement.updates[0].reason = {Cause::none, Stage::final_dot, 250, "", "Ok"};
  settlement.updates[1].recipient = 1;
  settlement.updates[1].trigger = Trigger::refuse;
  settlement.updates[1].reason = {Cause::recipient, Stage::rcpt, 550, "", "No"};
  ask<storage::Settled>([&](auto done) { store_->settle(settlement, std::move(done)); });
  life_->writer.start();
  life_->run();
  std::map<std::string, std::string> returned;  // by action
  for (const MessageRecord& record : notices()) {
    const ReadNotice notice = read_notice(body(record));
    EXPECT_EQ(notice.report.size(), 2u);
    returned[ReadNotice::one(notice.report.at(1), "Action")] = notice.parts.at(2).type;
    // The body went with the first notice, and left its header.
    EXPECT_THAT(body(record), HasSubstr("\r\nSubject: hello\r\n"));
  }
  EXPECT_EQ(returned,
            (std::map<std::string, std::string>{{"failed", "message/rfc822"}, {"relayed", "text/rfc822-headers"}}));
}

TEST_F(NoticeWriterTest, ThousandsAreReadInPages) {
  std::set<MessageId> ids;
  for (int i = 0; i < 2500; ++i) ids.insert(bounced({.sender = "app" + std::to_string(i) + "@example.com"}));
  ASSERT_EQ(owing(), 2500u);
  life_->writer.start();
  life_->run();
  EXPECT_EQ(owing(), 0u);
  std::set<std::string> told;
  for (const MessageRecord& notice : notices()) told.insert(notice.recipients[0].address.local);
  EXPECT_EQ(told.size(), 2500u);
  EXPECT_EQ(notices().size(), 2500u);
}

TEST_F(NoticeWriterTest, AStoreThatRefusesIsAskedAgainAfterAWhile) {
  bounced();
  store_->fail_writes(true);
  life_->writer.start();
  life_->run();
  EXPECT_TRUE(notices().empty());
  const Time again = time_.next_alarm();
  ASSERT_NE(again, kNever);
  time_.pass_to(again);
  life_->run();
  EXPECT_TRUE(notices().empty());
  store_->fail_writes(false);
  time_.pass_to(time_.next_alarm());
  life_->run();
  EXPECT_EQ(notices().size(), 1u);
  EXPECT_EQ(time_.next_alarm(), kNever) << "nothing is polled";
}

// Whatever instant the process dies at: each sender is told exactly once.
TEST_F(NoticeWriterTest, ACrashAtAnyStepLosesAndDoublesNothing) {
  const std::string big = "Subject: big\r\n\r\n" + std::string(3 * storage::kChunkPayload, 'x') + "\r\n";
  bool finished = false;
  int steps = 0;
  for (; !finished; ++steps) {
    SCOPED_TRACE(steps);
    life_.reset();
    store_ = storage::make_memory_store();
    begin_life();
    bounced();
    bounced({.ret = DsnReturn::full, .body = big});
    life_->writer.start();
    for (int i = 0; i < steps; ++i) finished = !life_->step();
    crash();
    life_->writer.start();
    life_->run();
    ASSERT_EQ(owing(), 0u);
    ASSERT_EQ(notices().size(), 2u);
    ASSERT_LT(steps, 1000);
  }
  EXPECT_GT(steps, 10);
}

// The same with a disk that takes nothing from some instant on and comes back later.
TEST_F(NoticeWriterTest, AStoreThatFailsAtAnyStepLosesAndDoublesNothing) {
  bool finished = false;
  int steps = 0;
  for (; !finished; ++steps) {
    SCOPED_TRACE(steps);
    end_life();
    store_ = storage::make_memory_store();
    begin_life();
    bounced();
    bounced({.ret = DsnReturn::full});
    life_->writer.start();
    for (int i = 0; i < steps; ++i) finished = !life_->step();
    store_->fail_writes(true);
    life_->run();
    store_->fail_writes(false);
    if (time_.next_alarm() != kNever) time_.pass_to(time_.next_alarm());
    life_->run();
    ASSERT_EQ(owing(), 0u);
    ASSERT_EQ(notices().size(), 2u);
    ASSERT_LT(steps, 1000);
  }
  EXPECT_GT(steps, 10);
}

TEST_F(NoticeWriterTest, ADrainInTheMiddleLeavesTheRestForTheNextStart) {
  for (int i = 0; i < 300; ++i) bounced();
  life_->writer.start();
  while (notices().size() < 20) ASSERT_TRUE(life_->step());
  end_life();
  const std::size_t written = notices().size();
  EXPECT_LT(written, 25u);
  EXPECT_EQ(owing(), 300 - written);
  begin_life();
  life_->writer.start();
  life_->run();
  EXPECT_EQ(notices().size(), 300u);
  EXPECT_EQ(owing(), 0u);
}

TEST_F(NoticeWriterTest, AFailureTakenBackBeforeItWasToldIsNotTold) {
  const MessageId id = claimed({});
  settle(id, Trigger::give_up, {Cause::retries, Stage::rcpt, 450, "4.2.1", "gave up after 4 tries: busy"});
  ASSERT_EQ(owing(), 1u);
  storage::SteerRequest release;
  release.id = id;
  release.verb = storage::SteerVerb::release;
  release.now = time_.now();
  ask<std::vector<result<storage::Steered>>>([&](auto done) { store_->steer({release}, std::move(done)); });
  life_->writer.start();
  life_->run();
  EXPECT_TRUE(notices().empty());
}

}  // namespace
}  // namespace postrider::relay
