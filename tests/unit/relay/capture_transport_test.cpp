#include "relay/outbound/capture_transport.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "net/task_group.h"
#include "tests/unit/relay/smtp_client_fixture.h"

namespace postrider::relay {
namespace {

namespace fs = std::filesystem;

class CaptureTransportTest : public ::testing::Test {
 protected:
  CaptureTransportTest() {
    config_.name = "capture";
    config_.directory = directory_ / "mail";
    record_->id = MessageIdSource(1).next(Time{});
    record_->envelope.sender = {"sender", "example.com"};
    for (const char* local : {"one", "two"}) {
      Recipient recipient;
      recipient.address = {local, "example.org"};
      record_->recipients.push_back(recipient);
    }
  }

  Attempt deliver(std::vector<std::string> chunks, bool breaks = false) {
    if (!transport_) transport_ = make_capture_transport(loop_, config_, "relay/1:example");
    Handover handover;
    handover.message = record_;
    handover.recipients = {0, 1};
    handover.body = std::make_unique<ChunkSource>(std::move(chunks), breaks);
    group_.spawn("deliver", deliver_one(*transport_, std::move(handover), attempt_));
    group_.when_empty(Task([this] { loop_.stop(); }));
    loop_.run();
    loop_.io().restart();
    return attempt_;
  }
  static boost::asio::awaitable<void> deliver_one(Transport& to, Handover what, Attempt& attempt) {
    HandoverReport report = co_await to.deliver(std::move(what));
    attempt = std::move(report.attempt);
  }

  std::vector<std::string> files(const char* folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(fs::path(config_.directory) / folder)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  std::string content(const std::string& name) {
    std::ifstream in(fs::path(config_.directory) / "new" / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const TempDirectory directory_;
  UpstreamConfig config_;
  std::shared_ptr<MessageRecord> record_ = std::make_shared<MessageRecord>();
  Attempt attempt_;
  net::Loop loop_{"test"};
  net::TaskGroup group_{
      loop_, [](std::string_view task, const std::exception& e) { ADD_FAILURE() << task << ": " << e.what(); }};
  std::unique_ptr<Transport> transport_;
};

TEST_F(CaptureTransportTest, KeepsTheBodyOctetForOctetBehindTheEnvelope) {
  const Attempt attempt = deliver({"Subject: x\r\n", "\r\n.dot\r\nend\r\n"});
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(attempt.upstream, "capture");
  ASSERT_EQ(attempt.recipients.size(), 2u);
  EXPECT_EQ(attempt.recipients[1].kind, OutcomeKind::sent);
  ASSERT_EQ(files("new"), std::vector<std::string>{attempt.remote_id});
  EXPECT_EQ(
      content(attempt.remote_id),
      "Return-Path: <sender@example.com>\r\nX-Envelope-To: <one@example.org>\r\nX-Envelope-To: <two@example.org>\r\n"
      "Subject: x\r\n\r\n.dot\r\nend\r\n");
  EXPECT_TRUE(files("tmp").empty());
}

TEST_F(CaptureTransportTest, NamesNeverMeetAndAreSafe) {
  const std::string first = deliver({"a\r\n"}).remote_id, second = deliver({"a\r\n"}).remote_id;
  EXPECT_NE(first, second);
  EXPECT_EQ(files("new").size(), 2u);
  EXPECT_EQ(first.find_first_of("/:"), std::string::npos);
}

TEST_F(CaptureTransportTest, TakesBodiesOfManyChunks) {
  const std::vector<std::string> chunks(100, std::string(20000, 'x') + "\r\n");
  const Attempt attempt = deliver(chunks);
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(content(attempt.remote_id).substr(content(attempt.remote_id).find("xx")).size(), 100u * 20002);
}

TEST_F(CaptureTransportTest, LeavesNothingOfABodyThatCannotBeRead) {
  const Attempt attempt = deliver(std::vector<std::string>(40, "chunk\r\n"), true);
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::spool);
  EXPECT_TRUE(files("tmp").empty());
  EXPECT_TRUE(files("new").empty());
}

TEST_F(CaptureTransportTest, ADirectoryThatCannotBeMadeIsARouteFailure) {
  std::ofstream(config_.directory) << "a file is in the way";
  const Attempt attempt = deliver({"a\r\n"});
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.stage, Stage::local);
  EXPECT_NE(attempt.reason.text.find(config_.directory), std::string::npos);
}

}  // namespace
}  // namespace postrider::relay
