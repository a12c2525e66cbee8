#include "relay/outbound/guarded_transport.h"

#include <gmock/gmock.h>

#include "net/task_group.h"
#include "tests/unit/relay/smtp_client_fixture.h"

namespace postrider::relay {
namespace {

// What reached a transport, with the body as it was read.
struct Seen {
  std::vector<std::string> recipients;
  std::string body;
  bool body_broke = false;
  Notify notify;
  std::string orcpt;
};

// Reads the body, as far as told, and gives the outcome it was told.
class FakeTransport final : public Transport {
 public:
  boost::asio::awaitable<HandoverReport> deliver(Handover handover) override {
    Seen seen;
    for (const std::uint32_t index : handover.recipients)
      seen.recipients.push_back(handover.message->recipients[index].address.str());
    seen.notify = handover.message->recipients[handover.recipients.front()].notify;
    seen.orcpt = handover.message->recipients[handover.recipients.front()].orcpt;
    for (std::size_t chunk = 0; chunk < reads; ++chunk) {
      auto next = co_await handover.body->next();
      seen.body_broke = next.has_error();
      if (!next || !*next) break;
      seen.body += **next;
    }
    HandoverReport report;
    report.throttled_until = throttled_until;
    Attempt& attempt = report.attempt;
    attempt.upstream = "primary";
    attempt.peer = peer;
    attempt.stage = Stage::final_dot;
    attempt.duration_ms = 5;
    attempt.hop_notifies = true;
    attempt.outcome = kind;
    attempt.reason.text = text;
    attempt.remote_id = peer + "-id";
    for (const std::uint32_t index : handover.recipients) {
      RecipientOutcome outcome;
      outcome.recipient = index;
      outcome.kind = kind;
      outcome.reason = attempt.reason;
      attempt.recipients.push_back(std::move(outcome));
    }
    handed.push_back(std::move(seen));
    co_return report;
  }
  boost::asio::awaitable<Attempt> probe() override {
    Attempt attempt;
    attempt.peer = peer;
    co_return attempt;
  }
  void close_idle() override { closed = true; }
  std::size_t connections() const override { return 3; }

  std::string peer, text;
  OutcomeKind kind = OutcomeKind::sent;
  Time throttled_until{};
  std::size_t reads = 100;
  bool closed = false;
  std::vector<Seen> handed;
};

class Guarded : public testing::Test {
 protected:
  Guarded() {
    record->envelope.sender = {"app", "example.com"};
    guard.allow_recipients = {"@ok.example"};
  }
  void to(std::vector<std::string> addresses) {
    for (const std::string& address : addresses) {
      Recipient recipient;
      recipient.address = parse_address(address).value();
      recipient.orcpt = "rfc822;" + address;
      recipient.notify.success = true;
      record->recipients.push_back(std::move(recipient));
    }
  }
  HandoverReport deliver() {
    auto inner = std::make_unique<FakeTransport>();
    inner->peer = "smarthost";
    inner->text = "250 ok";
    inner->reads = inner_reads;
    inner->kind = inner_kind;
    inner->throttled_until = throttled_until;
    inner_ = inner.get();
    auto capture = guard.capture.empty() ? nullptr : std::make_unique<FakeTransport>();
    if (capture) capture->peer = guard.capture;
    capture_ = capture.get();
    transport_ = make_guarded_transport({loop_, "primary", guard, std::move(inner), std::move(capture)});
    Handover handover;
    handover.message = record;
    for (std::uint32_t i = 0; i < record->recipients.size(); ++i) handover.recipients.push_back(i);
    handover.body = std::make_unique<ChunkSource>(std::vector<std::string>{"one ", "two ", "three"}, body_breaks);
    std::vector<HandoverReport> reports;
    group_.spawn("deliver", deliver_one(*transport_, std::move(handover), reports));
    group_.when_empty(Task([this] { loop_.stop(); }));
    loop_.run();
    loop_.io().restart();
    return std::move(reports.at(0));
  }
  static boost::asio::awaitable<void> deliver_one(Transport& to, Handover what, std::vector<HandoverReport>& reports) {
    HandoverReport report = co_await to.deliver(std::move(what));
    reports.push_back(std::move(report));
  }
  // Index and outcome of each recipient, in the order of the indices.
  static std::vector<std::pair<std::uint32_t, OutcomeKind>> outcomes(const HandoverReport& report) {
    std::vector<std::pair<std::uint32_t, OutcomeKind>> out;
    for (const RecipientOutcome& each : report.attempt.recipients) out.emplace_back(each.recipient, each.kind);
    std::sort(out.begin(), out.end());
    return out;
  }
  static const RecipientOutcome& of(const HandoverReport& report, std::uint32_t index) {
    for (const RecipientOutcome& each : report.attempt.recipients)
      if (each.recipient == index) return each;
    throw std::out_of_range("no outcome for that recipient");
  }

  RecipientGuard guard;
  std::shared_ptr<MessageRecord> record = std::make_shared<MessageRecord>();
  std::size_t inner_reads = 100;
  OutcomeKind inner_kind = OutcomeKind::sent;
  Time throttled_until{};
  bool body_breaks = false;
  FakeTransport *inner_ = nullptr, *capture_ = nullptr;
  std::unique_ptr<Transport> transport_;

 private:
  net::Loop loop_{"test"};
  net::TaskGroup group_{
      loop_, [](std::string_view task, const std::exception& e) { ADD_FAILURE() << task << ": " << e.what(); }};
};

using testing::ElementsAre;
using testing::Pair;
constexpr auto kSent = OutcomeKind::sent;
constexpr auto kBounced = OutcomeKind::bounced;

TEST_F(Guarded, LetsThroughWhomItAllows) {
  guard.redirect_to = "staging@own.example";
  to({"a@ok.example", "b@ok.example"});
  const HandoverReport report = deliver();
  ASSERT_EQ(inner_->handed.size(), 1u);
  EXPECT_THAT(inner_->handed[0].recipients, ElementsAre("a@ok.example", "b@ok.example"));
  EXPECT_EQ(inner_->handed[0].body, "one two three");
  EXPECT_EQ(report.attempt.reason.text, "250 ok");
  EXPECT_TRUE(report.attempt.hop_notifies);
}

TEST_F(Guarded, RefusesTheOthersWithoutContact) {
  to({"user@world.example"});
  const HandoverReport report = deliver();
  EXPECT_TRUE(inner_->handed.empty());
  const Attempt& attempt = report.attempt;
  EXPECT_EQ(attempt.outcome, kBounced);
  EXPECT_EQ(attempt.upstream, "primary");
  EXPECT_NE(attempt.started_at, Time{});
  EXPECT_EQ(attempt.stage, Stage::route);
  EXPECT_EQ(attempt.reason.cause, Cause::policy);
  EXPECT_EQ(attempt.reason.stage, Stage::route);
  EXPECT_EQ(attempt.reason.code, 550);
  EXPECT_EQ(attempt.reason.enhanced, "5.7.1");
  EXPECT_EQ(attempt.reason.text, "primary sends to allow_recipients only");
  EXPECT_EQ(of(report, 0).reason, attempt.reason);
}

TEST_F(Guarded, RefusesOnlyTheOthers) {
  to({"user@world.example", "a@ok.example", "other@world.example"});
  const HandoverReport report = deliver();
  ASSERT_EQ(inner_->handed.size(), 1u);
  EXPECT_THAT(inner_->handed[0].recipients, ElementsAre("a@ok.example"));
  EXPECT_THAT(outcomes(report), ElementsAre(Pair(0, kBounced), Pair(1, kSent), Pair(2, kBounced)));
  EXPECT_EQ(report.attempt.outcome, kBounced);
  EXPECT_EQ(report.attempt.stage, Stage::final_dot);
  EXPECT_EQ(report.attempt.remote_id, "smarthost-id");
  EXPECT_EQ(of(report, 1).reason.text, "250 ok");
}

TEST_F(Guarded, RedirectsTheOthersAsOneCopy) {
  guard.redirect_to = "staging@own.example";
  to({"user@world.example", "a@ok.example", "other@world.example"});
  const HandoverReport report = deliver();
  ASSERT_EQ(inner_->handed.size(), 2u);
  EXPECT_THAT(inner_->handed[0].recipients, ElementsAre("a@ok.example"));
  EXPECT_THAT(inner_->handed[1].recipients, ElementsAre("staging@own.example"));
  for (const Seen& seen : inner_->handed) EXPECT_EQ(seen.body, "one two three");
  EXPECT_TRUE(inner_->handed[1].notify.never);
  EXPECT_EQ(inner_->handed[1].orcpt, "");
  EXPECT_THAT(outcomes(report), ElementsAre(Pair(0, kSent), Pair(1, kSent), Pair(2, kSent)));
  const std::string said = "redirected to staging@own.example (2 recipients): 250 ok";
  EXPECT_EQ(of(report, 0).reason.text, said);
  EXPECT_EQ(of(report, 1).reason.text, "250 ok");
  EXPECT_EQ(of(report, 2).reason.text, said);
  EXPECT_EQ(report.attempt.reason.text, said + "; 250 ok");
  EXPECT_EQ(report.attempt.duration_ms, 10u);
  EXPECT_FALSE(report.attempt.hop_notifies);
  // The spool's own record keeps the real address.
  EXPECT_EQ(record->recipients[0].address.str(), "user@world.example");
}

TEST_F(Guarded, AlsoWithoutAnybodyAllowed) {
  guard.allow_recipients.clear();
  guard.redirect_to = "staging@own.example";
  inner_kind = OutcomeKind::deferred;
  throttled_until = from_ms(1000);
  to({"user@world.example"});
  const HandoverReport report = deliver();
  EXPECT_EQ(of(report, 0).kind, OutcomeKind::deferred);
  EXPECT_EQ(report.attempt.reason.text, "redirected to staging@own.example (1 recipient): 250 ok");
  EXPECT_EQ(report.throttled_until, from_ms(1000));
}

TEST_F(Guarded, CapturesTheOthers) {
  guard.capture = "/var/guarded";
  to({"user@world.example", "a@ok.example"});
  const HandoverReport report = deliver();
  ASSERT_EQ(capture_->handed.size(), 1u);
  EXPECT_THAT(capture_->handed[0].recipients, ElementsAre("user@world.example"));
  EXPECT_EQ(capture_->handed[0].body, "one two three");
  EXPECT_EQ(inner_->handed.at(0).body, "one two three");
  EXPECT_EQ(of(report, 0).reason.text, "captured");
  EXPECT_EQ(report.attempt.reason.text, "captured; 250 ok");
  EXPECT_EQ(report.attempt.peer, "smarthost");
}

TEST_F(Guarded, GivesTheWholeBodyWhateverTheFirstLeft) {
  for (const std::size_t reads : {0u, 2u, 3u}) {
    record->recipients.clear();
    guard.capture = "/var/guarded";
    inner_reads = reads;
    to({"user@world.example", "a@ok.example"});
    deliver();
    EXPECT_EQ(capture_->handed.at(0).body, "one two three") << reads;
    EXPECT_FALSE(capture_->handed.at(0).body_broke);
  }
}

TEST_F(Guarded, ABodyThatCannotBeReadIsSeenByBoth) {
  guard.capture = "/var/guarded";
  body_breaks = true;
  to({"user@world.example", "a@ok.example"});
  deliver();
  EXPECT_TRUE(inner_->handed.at(0).body_broke);
  EXPECT_TRUE(capture_->handed.at(0).body_broke);
}

TEST_F(Guarded, PutsOffTheOthersOfALargeMessage) {
  guard.redirect_to = "staging@own.example";
  record->body_size = kMaxSharedBody + 1;
  to({"user@world.example", "a@ok.example"});
  const HandoverReport report = deliver();
  EXPECT_EQ(inner_->handed.size(), 1u);
  EXPECT_EQ(of(report, 0).kind, OutcomeKind::deferred);
  EXPECT_EQ(of(report, 0).reason.cause, Cause::interrupted);  // spends no try, due at once
  EXPECT_EQ(of(report, 1).kind, kSent);
  record->recipients.erase(record->recipients.begin() + 1);
  EXPECT_EQ(of(deliver(), 0).kind, kSent);  // alone it needs no copy
}

TEST_F(Guarded, TheWorsePartIsWhatTheAttemptMeans) {
  guard.capture = "/var/guarded";
  inner_kind = OutcomeKind::deferred;
  to({"user@world.example", "a@ok.example"});
  const HandoverReport report = deliver();
  EXPECT_THAT(outcomes(report), ElementsAre(Pair(0, kSent), Pair(1, OutcomeKind::deferred)));
  EXPECT_EQ(report.attempt.outcome, OutcomeKind::deferred);
}

TEST_F(Guarded, PassesOnTheRest) {
  guard.capture = "/var/guarded";
  to({"a@ok.example"});
  deliver();
  EXPECT_EQ(transport_->connections(), 3u);
  transport_->close_idle();
  EXPECT_TRUE(inner_->closed);
  EXPECT_TRUE(capture_->closed);
}

}  // namespace
}  // namespace postrider::relay
