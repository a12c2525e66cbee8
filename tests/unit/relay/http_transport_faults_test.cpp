// What a provider that misbehaves costs a message: nothing, another try, or the name of the window in which it may go twice.
#include "tests/unit/relay/http_transport_fixture.h"

namespace postrider::relay {
namespace {

using namespace std::chrono_literals;
using testing_fakes::then;
using Body = HttpReaction::Body;
using Then = HttpReaction::Then;

constexpr std::string_view kTwice = "the message may be sent more than once";

TEST_F(HttpTransportTest, AWrongKeyIsARouteFailure) {
  serve({answers(401, "Forbidden")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.reason.code, 401);
  EXPECT_EQ(attempt.reason.text, "Forbidden");
}

TEST_F(HttpTransportTest, AQuotaAndAThrottlePause) {
  serve({answers(402, "quota used up"), answers(429, "slow down", "Retry-After: 120\r\n"), answers(429, "slow down")});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(deliver().reason.cause, Cause::throttle);
  EXPECT_GT(reports[0].throttled_until, reports[0].attempt.started_at + 59min);
  EXPECT_GE(reports[1].throttled_until, reports[1].attempt.started_at + 120s);
  EXPECT_EQ(reports[2].throttled_until, Time{});
}

TEST_F(HttpTransportTest, ItsOwnTroubleIsARouteFailure) {
  serve({answers(503, "try later")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.stage, Stage::final_dot);
}

TEST_F(HttpTransportTest, AnAnswerThatIsNoneOfItsApiIsForTheProviderToJudge) {
  serve({answers(200, "Magnificent API")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
}

TEST_F(HttpTransportTest, NobodyListens) {
  serve({answers(200, "id=1")});
  server.reset();
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.stage, Stage::connect);
  EXPECT_TRUE(attempt.reason.text.starts_with("nothing listens on 127.0.0.1:")) << attempt.reason.text;
}

TEST_F(HttpTransportTest, AHangWithinTheBodyIsARouteFailure) {
  body.assign(200, std::string(100'000, 'x'));
  config.stage_timeout = 300ms;
  serve({then(Then::hang, "", Body::half)});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.stage, Stage::body);
  EXPECT_EQ(server->requests().size(), 1u);
}

TEST_F(HttpTransportTest, ABreakWithinTheBodyIsARouteFailure) {
  body.assign(200, std::string(100'000, 'x'));
  serve({then(Then::reset, "", Body::half), answers(200, "id=1")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.stage, Stage::body);
  EXPECT_EQ(server->requests().size(), 1u);
}

class Uncertain : public HttpTransportTest {
 protected:
  void expect_uncertain(const Attempt& attempt, std::size_t requests) {
    EXPECT_EQ(attempt.outcome, OutcomeKind::uncertain);
    EXPECT_EQ(attempt.reason.cause, Cause::uncertain);
    EXPECT_EQ(attempt.stage, Stage::final_dot);
    EXPECT_NE(attempt.reason.text.find(kTwice), std::string::npos) << attempt.reason.text;
    EXPECT_EQ(attempt.recipients.at(0).kind, OutcomeKind::uncertain);
    EXPECT_EQ(server->requests().size(), requests);
  }
};

TEST_F(Uncertain, AHangAfterTheBody) {
  config.final_timeout = 100ms;
  serve({then(Then::hang)});
  expect_uncertain(deliver(), 1);
}

TEST_F(Uncertain, AKeptConnectionThatDiesAfterTheBodyWasRead) {
  serve({answers(200, "id=1"), then(Then::close), answers(200, "id=2")});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  expect_uncertain(deliver(), 2);
}

TEST_F(Uncertain, Garbage) {
  serve({then(Then::close, "\x16\x03\x01 what is this\r\n\r\n")});
  expect_uncertain(deliver(), 1);
}

TEST_F(Uncertain, ATrickle) {
  HttpReaction slow = answers(200, "id=1" + std::string(100'000, 'x'));
  slow.slowly = true;
  config.final_timeout = 200ms;
  serve({slow});
  expect_uncertain(deliver(), 1);
}

TEST_F(Uncertain, AnAnswerThatIsCut) {
  serve({then(Then::close, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nid=")});
  expect_uncertain(deliver(), 1);
}

TEST_F(Uncertain, TouchesOnlyThoseOfItsCall) {
  provider.max_recipients = 1;
  set_recipients(3);
  serve({answers(200, "id=1"), then(Then::close), answers(200, "id=2")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::uncertain);
  EXPECT_EQ(attempt.recipients.at(0).kind, OutcomeKind::sent);
  EXPECT_EQ(attempt.recipients.at(1).kind, OutcomeKind::uncertain);
  EXPECT_EQ(attempt.recipients.at(2).kind, OutcomeKind::deferred);
  EXPECT_EQ(attempt.recipients.at(2).reason.cause, Cause::route);
  EXPECT_EQ(attempt.recipients.at(2).reason.stage, Stage::none);
  EXPECT_EQ(server->requests().size(), 2u);
}

TEST_F(HttpTransportTest, ARouteFailureSparesTheRestOfTheMessageTheCall) {
  provider.max_recipients = 1;
  set_recipients(3);
  serve({answers(401, "wrong key")});
  const Attempt attempt = deliver();
  ASSERT_EQ(attempt.recipients.size(), 3u);
  for (const RecipientOutcome& outcome : attempt.recipients) EXPECT_EQ(outcome.reason.cause, Cause::route);
  EXPECT_EQ(server->requests().size(), 1u);
}

}  // namespace
}  // namespace postrider::relay
