// Every stage, failing in every way: refused, stalled, dropped, nonsense. Nothing hangs, nothing is lost, the outcome says why.
#include "tests/unit/relay/smtp_client_fixture.h"

namespace postrider::relay {
namespace {

// The dialogue up to the moment when the client waits for the answer that belongs to `stage`.
Script until(Stage stage) {
  const std::pair<Stage, Script> steps[] = {
      {Stage::greeting, {}},
      {Stage::hello, {"S: 220 mx", "C: EHLO"}},
      {Stage::mail, {"S: 250 mx", "C: MAIL"}},
      {Stage::rcpt, {"S: 250 ok", "C: RCPT"}},
      {Stage::data, {"S: 250 ok", "C: DATA"}},
      {Stage::final_dot, {"S: 354 go", "BODY"}},
  };
  Script all;
  for (const auto& [s, part] : steps) {
    all = script(all, part);
    if (s == stage) break;
  }
  return all;
}

struct Failing {
  Stage stage;
  const char* end;  // what the server does then
  OutcomeKind kind;
  Cause cause;
  int code;
};
void PrintTo(const Failing& f, std::ostream* out) {
  *out << to_string(f.stage) << ", " << f.end;
}

class SmtpClientFailure : public SmtpClientTest, public testing::WithParamInterface<Failing> {};

TEST_P(SmtpClientFailure, IsReportedAsWhatItIs) {
  const Failing& f = GetParam();
  if (std::string_view(f.end) == "HANG") {
    config.stage_timeout = config.final_timeout = std::chrono::milliseconds(300);
  }
  serve({script(until(f.stage), Script{f.end})});
  const Attempt attempt = deliver();
  EXPECT_EQ(to_string(attempt.outcome), to_string(f.kind)) << attempt.reason.text;
  EXPECT_EQ(to_string(attempt.reason.cause), to_string(f.cause)) << attempt.reason.text;
  EXPECT_EQ(to_string(attempt.reason.stage), to_string(f.stage));
  EXPECT_EQ(attempt.reason.code, f.code);
  EXPECT_FALSE(attempt.reason.text.empty());
  ASSERT_EQ(attempt.recipients.size(), 1u);
  EXPECT_EQ(attempt.recipients[0].reason, attempt.reason);
}

std::vector<Failing> all_failures() {
  std::vector<Failing> all;
  for (Stage stage : {Stage::greeting, Stage::hello, Stage::mail, Stage::rcpt, Stage::data, Stage::final_dot}) {
    const bool late = stage == Stage::final_dot;
    const OutcomeKind broken = late ? OutcomeKind::uncertain : OutcomeKind::deferred;
    const Cause cause = late ? Cause::uncertain : Cause::route;
    for (const char* end : {"CLOSE", "RESET", "HANG", "S: this is not SMTP", "RAW: 250-half a rep"}) {
      // A reset right after accept() may already meet the client in connect().
      if (stage == Stage::greeting && std::string_view(end) == "RESET") continue;
      all.push_back({stage, end, broken, cause, 0});
    }
    all.push_back({stage, "S: 421 4.3.2 going down", OutcomeKind::deferred, Cause::throttle, 421});
    const bool early = stage < Stage::mail;
    const Cause later = early ? Cause::route : stage == Stage::rcpt ? Cause::recipient : Cause::content;
    all.push_back({stage, "S: 451 4.2.1 not now", OutcomeKind::deferred, later, 451});
    all.push_back({stage, "S: 554 5.2.1 never", early ? OutcomeKind::deferred : OutcomeKind::bounced, later, 554});
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Stages, SmtpClientFailure, testing::ValuesIn(all_failures()));

TEST_F(SmtpClientTest, RefusedConnectionIsARouteFailure) {
  serve({Script{}});
  const std::uint16_t port = config.port;
  server.reset();
  config.port = port;
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.stage, Stage::connect);
  EXPECT_EQ(transport().connections(), 0u);
}

TEST_F(SmtpClientTest, TriesTheNextHostWhenOneCannotBeReached) {
  serve({script(greet(), take_message())});
  config.hosts = {"127.0.0.9", "127.0.0.1"};  // nobody listens on the first
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  ended();
}

TEST_F(SmtpClientTest, TriesTheNextHostAfterABadGreeting) {
  serve({Script{"S: 554 closed"}, script(greet(), take_message())});
  config.hosts = {"127.0.0.1", "127.0.0.1"};
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
}

TEST_F(SmtpClientTest, AnEndlessReplyIsCutOff) {
  std::string flood;
  for (int i = 0; i < 20000; ++i) flood += "250-and more\r\n";
  serve({Script{"S: 220 mx", "C: EHLO", "RAW: " + flood, "HANG"}});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.stage, Stage::hello);
}

TEST_F(SmtpClientTest, HearsWhyThePeerClosedDuringTheBody) {
  body.assign(400, std::string(64 * 1024 - 2, 'x') + "\r\n");  // more than any socket buffer
  serve({script(greet(), Script{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 250 ok", "C: DATA", "S: 354 go",
                                "S: 552 5.3.4 too big", "CLOSE"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.stage, Stage::body);
  EXPECT_TRUE(attempt.reason.cause == Cause::capability || attempt.reason.cause == Cause::route)
      << "the reset may overtake the reply";
}

TEST_F(SmtpClientTest, APeerThatStopsReadingMeetsTheDeadline) {
  config.stage_timeout = std::chrono::milliseconds(300);
  body.assign(400, std::string(64 * 1024 - 2, 'x') + "\r\n");
  serve({script(greet(), Script{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 250 ok", "C: DATA", "S: 354 go", "PAUSE"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.reason.stage, Stage::body);
}

TEST_F(SmtpClientTest, ACancelledHandoverBeforeTheDotIsInterrupted) {
  serve({script(until(Stage::mail), Script{"HANG"})});
  start_delivery();
  run_until_heard("MAIL");
  cancel_deliveries();
  run();
  EXPECT_EQ(reports.back().attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(reports.back().attempt.reason.cause, Cause::interrupted);
}

TEST_F(SmtpClientTest, ACancelledHandoverAfterTheDotIsUncertain) {
  serve({script(until(Stage::final_dot), Script{"HANG"})});
  start_delivery();
  run_until_heard("BODY");
  cancel_deliveries();
  run();
  EXPECT_EQ(reports.back().attempt.outcome, OutcomeKind::uncertain);
}

}  // namespace
}  // namespace postrider::relay
