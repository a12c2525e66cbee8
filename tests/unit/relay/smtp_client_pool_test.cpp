// Connections used again: how often, by whom next, and what happens when the peer closed one meanwhile.
#include "tests/unit/relay/smtp_client_fixture.h"

namespace postrider::relay {
namespace {

TEST_F(SmtpClientTest, UsesAConnectionAgain) {
  serve({script(greet(), take_message(), take_message(), take_message(), Script{"C: QUIT", "S: 221 bye"})});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(server->connections().size(), 1u);
  EXPECT_EQ(transport().connections(), 1u);
  EXPECT_EQ(ended().lines.back(), "QUIT");
  EXPECT_EQ(transport().connections(), 0u);
}

TEST_F(SmtpClientTest, SaysQuitAfterTheConfiguredNumberOfMessages) {
  config.messages_per_connection = 2;
  const Script two = script(greet(), take_message(), take_message(), Script{"C: QUIT", "S: 221 bye"});
  serve({two, two});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  ended(1);
  EXPECT_EQ(server->connections().size(), 2u);
}

TEST_F(SmtpClientTest, LeavesAConnectionOnWhichAReplyTooManyCame) {
  Script taken = take_message();
  taken.back() += "\r\n250 2.0.0 once more";
  serve({script(greet(), taken, Script{"C: QUIT", "S: 221 bye"}), script(greet(), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(server->connections().size(), 2u);
}

TEST_F(SmtpClientTest, SaysQuitOnAConnectionThatWasIdleTooLong) {
  config.idle_timeout = std::chrono::milliseconds(100);
  serve({script(greet(), take_message(), Script{"C: QUIT", "S: 221 bye"})});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  run_until_heard("QUIT");
  EXPECT_EQ(transport().connections(), 0u);
  EXPECT_EQ(server->problems(), "");
}

TEST_F(SmtpClientTest, ReplacesAConnectionThatThePeerClosedWhileItWasIdle) {
  serve({script(greet(), take_message(), Script{"CLOSE"}), script(greet(), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  server->wait_until_ended(1);
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(attempt.recipients.size(), 1u);
  EXPECT_EQ(server->connections().size(), 2u);
}

TEST_F(SmtpClientTest, ReplacesAConnectionThatSays421WhenUsedAgain) {
  serve({script(greet(), take_message(), Script{"S: 421 4.4.2 idle too long"}), script(greet(), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  server->wait_until_ended(1);
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
}

TEST_F(SmtpClientTest, AReplacementThatFailsIsReported) {
  serve({script(greet(), take_message()), Script{"S: 554 gone away"}});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  server->wait_until_ended(1);
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.stage, Stage::greeting);
  EXPECT_EQ(transport().connections(), 0u);
}

TEST_F(SmtpClientTest, WaitsForAConnectionWhenAllAreBusy) {
  config.max_connections = 2;
  Script many = greet();
  for (int i = 0; i < 10; ++i) many = script(many, take_message());
  serve({script(many, Script{"HANG"})});
  for (int i = 0; i < 10; ++i) start_delivery();
  run();
  ASSERT_EQ(reports.size(), 10u);
  for (const HandoverReport& r : reports) EXPECT_EQ(r.attempt.outcome, OutcomeKind::sent) << r.attempt.reason.text;
  EXPECT_EQ(server->connections().size(), 2u);
}

TEST_F(SmtpClientTest, PassesThePlaceOfABrokenConnectionOn) {
  config.max_connections = 1;
  serve({script(greet(), Script{"C: MAIL", "CLOSE"}), script(greet(), take_message(), take_message(), Script{"HANG"})});
  for (int i = 0; i < 3; ++i) start_delivery();
  run();
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(reports[0].attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(reports[1].attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(reports[2].attempt.outcome, OutcomeKind::sent);
}

TEST_F(SmtpClientTest, HoldsOneConnectionEvenWhenOtherThreadsHaveAllSlots) {
  config.max_connections = 3;
  serve({script(greet(), take_message(), take_message(), Script{"HANG"})});
  transport();
  const auto others = upstream().connections().reserve(3);
  ASSERT_TRUE(others);
  start_delivery();
  start_delivery();
  run();
  EXPECT_EQ(server->connections().size(), 1u);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(reports[1].attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(upstream().connections().used(), 3u);
}

TEST_F(SmtpClientTest, GivesItsSlotsBack) {
  serve({script(greet(), take_message()), Script{"S: 554 no"}});
  deliver();
  EXPECT_EQ(upstream().connections().used(), 1u) << "idle connections count";
  transport().close_idle();
  EXPECT_EQ(upstream().connections().used(), 0u);
  deliver();
  EXPECT_EQ(upstream().connections().used(), 0u);
}

TEST_F(SmtpClientTest, AWaiterThatIsCancelledLeavesTheQueue) {
  config.max_connections = 1;
  serve({script(greet(), Script{"C: MAIL", "HANG"}), script(greet(), take_message())});
  for (int i = 0; i < 3; ++i) start_delivery();
  run_until_heard("MAIL");
  cancel_deliveries();
  run();
  ASSERT_EQ(reports.size(), 3u);
  for (const HandoverReport& r : reports)
    EXPECT_EQ(r.attempt.reason.cause, Cause::interrupted) << r.attempt.reason.text;
  EXPECT_EQ(transport().connections(), 0u);
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
}

}  // namespace
}  // namespace postrider::relay
