// What the client says: MAIL, RCPT, DATA, with and without extensions, and what each recipient gets for it.
#include "tests/unit/relay/smtp_client_fixture.h"

namespace postrider::relay {
namespace {

using Lines = std::vector<std::string>;

TEST_F(SmtpClientTest, HandsOverStepByStep) {
  serve({script(greet(), take_message(), Script{"C: QUIT", "S: 221 bye"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(attempt.stage, Stage::final_dot);
  EXPECT_EQ(attempt.upstream, "primary");
  EXPECT_EQ(attempt.peer, "127.0.0.1[127.0.0.1]:" + std::to_string(server->port()));
  EXPECT_EQ(attempt.remote_id, "taken as 1");
  EXPECT_EQ(attempt.reason.code, 250);
  ASSERT_EQ(attempt.recipients.size(), 1u);
  EXPECT_EQ(attempt.recipients[0].kind, OutcomeKind::sent);
  transport().close_idle();
  run_farewells();
  EXPECT_EQ(server->problems(), "");
}

TEST_F(SmtpClientTest, PipelinesTheEnvelopeWhenAnnounced) {
  add_recipient("two");
  // Nothing is answered before DATA was heard: a client that waits would never send it.
  serve({script(greet({"PIPELINING", "SIZE 1000"}),
                Script{"C: MAIL FROM:<sender@example.com> SIZE=20", "C: RCPT TO:<one@example.org>",
                       "C: RCPT TO:<two@example.org>", "C: DATA", "RAW: 250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n",
                       "BODY", "S: 250 ok"})});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(ended().bodies, Lines{"Subject: x\r\n\r\ntext\r\n"});
}

TEST_F(SmtpClientTest, DoesNotPipelineWhenSwitchedOff) {
  config.pipelining = false;
  serve({script(greet({"PIPELINING"}), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(ended().lines.back(), "DATA");
}

TEST_F(SmtpClientTest, PassesOnDsnAndEightBit) {
  record->envelope.eight_bit = true;
  record->envelope.ret = DsnReturn::headers;
  record->envelope.envid = "QQ+2B1";
  record->recipients[0].notify.success = record->recipients[0].notify.delay = true;
  record->recipients[0].orcpt = "rfc822;one+2B@example.org";
  serve({script(greet({"DSN", "8BITMIME"}), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  const Lines lines = ended().lines;
  EXPECT_EQ(lines.at(1), "MAIL FROM:<sender@example.com> BODY=8BITMIME RET=HDRS ENVID=QQ+2B1");
  EXPECT_EQ(lines.at(2), "RCPT TO:<one@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;one+2B@example.org");
}

TEST_F(SmtpClientTest, SaysNothingOfDsnToAHopWithout) {
  record->envelope.ret = DsnReturn::full;
  record->recipients[0].notify.never = true;
  serve({script(greet(), take_message())});
  deliver();
  const Lines lines = ended().lines;
  EXPECT_EQ(lines.at(1), "MAIL FROM:<sender@example.com>");
  EXPECT_EQ(lines.at(2), "RCPT TO:<one@example.org>");
}

TEST_F(SmtpClientTest, AsksForSmtputf8OnlyWhenAnAddressNeedsIt) {
  record->recipients[0].address = {"\xc3\xbc", "example.org"};
  serve({script(greet({"SMTPUTF8", "8BITMIME"}), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(ended().lines.at(1), "MAIL FROM:<sender@example.com> SMTPUTF8");
}

TEST_F(SmtpClientTest, WritesUtf8DomainsAsALabelsToAHopWithoutSmtputf8) {
  record->recipients[0].address = {"one",
                                   "b\xc3\xbc"
                                   "cher.example"};
  serve({script(greet(), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(ended().lines.at(2), "RCPT TO:<one@xn--bcher-kva.example>");
}

struct Lack {
  const char* enhanced;
  std::function<void(MessageRecord&)> need;
};
TEST_F(SmtpClientTest, LeavesAMessageThatTheHopCannotTake) {
  const Lack lacks[] = {{"5.3.4", [](MessageRecord& r) { r.body_size = 2000; }},
                        {"5.6.3", [](MessageRecord& r) { r.envelope.eight_bit = true; }},
                        {"5.6.7", [](MessageRecord& r) { r.envelope.sender.local = "\xc3\xbc"; }},
                        {"5.6.7", [](MessageRecord& r) { r.recipients[0].address.local = "\xc3\xbc"; }}};
  serve({script(greet({"SIZE 1000"}), Script{"C: QUIT"})});  // one connection, no MAIL
  const MessageRecord plain = *record;
  for (const Lack& lack : lacks) {
    *record = plain;
    lack.need(*record);
    const Attempt attempt = deliver();
    EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
    EXPECT_EQ(attempt.reason.cause, Cause::capability);
    EXPECT_EQ(attempt.reason.enhanced, lack.enhanced);
    EXPECT_EQ(attempt.stage, Stage::hello);
  }
  EXPECT_EQ(ended().lines.size(), 2u);
}

TEST_F(SmtpClientTest, SettlesRecipientsOneByOne) {
  add_recipient("two");
  add_recipient("three");
  serve({script(greet({"PIPELINING"}),
                Script{"C: MAIL", "C: RCPT", "C: RCPT", "C: RCPT", "C: DATA", "S: 250 ok", "S: 550 5.1.1 nobody",
                       "S: 250 ok", "S: 450 4.2.0 later", "S: 354 go", "BODY", "S: 250 2.0.0 id-7"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::bounced) << "the worst";
  EXPECT_EQ(attempt.remote_id, "id-7");
  ASSERT_EQ(attempt.recipients.size(), 3u);
  EXPECT_EQ(attempt.recipients[0].kind, OutcomeKind::bounced);
  EXPECT_EQ(attempt.recipients[0].reason.enhanced, "5.1.1");
  EXPECT_EQ(attempt.recipients[1].kind, OutcomeKind::sent);
  EXPECT_EQ(attempt.recipients[2].kind, OutcomeKind::deferred);
  EXPECT_EQ(attempt.recipients[2].reason.cause, Cause::recipient);
}

TEST_F(SmtpClientTest, SendsNoDataWhenAllRecipientsAreRefused) {
  serve({script(greet(), Script{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 550 5.1.1 nobody", "C: RSET", "S: 250 ok"},
                take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::bounced);
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent) << "on the same connection";
  EXPECT_EQ(server->connections().size(), 1u);
  EXPECT_EQ(ended().bodies.size(), 1u);
}

TEST_F(SmtpClientTest, EndsAnUnwantedDataWithALoneDot) {
  serve({script(greet({"PIPELINING"}),
                Script{"C: MAIL", "C: RCPT", "C: DATA", "S: 250 ok", "S: 550 5.1.1 nobody", "S: 354 go anyway", "C: .",
                       "S: 554 5.5.1 no recipients", "C: RSET", "S: 250 ok"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::bounced);
  EXPECT_EQ(attempt.recipients[0].reason.enhanced, "5.1.1");
  ended();
}

TEST_F(SmtpClientTest, StaysInStepWhenMailIsRefusedInAPipeline) {
  serve(
      {script(greet({"PIPELINING"}), Script{"C: MAIL", "C: RCPT", "C: DATA", "S: 550 5.1.7 bad sender",
                                            "S: 503 5.5.1 MAIL first", "S: 503 5.5.1 RCPT first", "C: MAIL", "C: RCPT",
                                            "C: DATA", "S: 250 ok", "S: 250 ok", "S: 354 go", "BODY", "S: 250 ok"})});
  const Attempt refused = deliver();
  EXPECT_EQ(refused.outcome, OutcomeKind::bounced);
  EXPECT_EQ(refused.reason.stage, Stage::mail);
  EXPECT_EQ(refused.reason.code, 550);
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  ended();
}

TEST_F(SmtpClientTest, LeavesRecipientsThatAreTooManyForLater) {
  add_recipient("two");
  serve({script(greet(), Script{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 250 ok", "C: RCPT", "S: 452 4.5.3 too many",
                                "C: DATA", "S: 354 go", "BODY", "S: 250 ok"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.recipients[0].kind, OutcomeKind::sent);
  EXPECT_EQ(attempt.recipients[1].kind, OutcomeKind::deferred);
  EXPECT_EQ(attempt.recipients[1].reason.cause, Cause::throttle);
  EXPECT_NE(reports.back().throttled_until, Time{}) << "soon, not after a whole pause";
  ended();
}

TEST_F(SmtpClientTest, AQuotaOfTheDayPausesForAnHour) {
  serve({script(greet(), Script{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 250 ok", "C: DATA", "S: 354 go", "BODY",
                                "S: 550 5.4.5 Daily user sending quota exceeded"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::throttle);
  const Duration pause = reports.back().throttled_until - attempt.started_at;
  EXPECT_GE(pause, std::chrono::hours(1));
  EXPECT_LT(pause, std::chrono::hours(2));
  ended();
}

TEST_F(SmtpClientTest, ObeysAnnouncedLimits) {
  add_recipient("two");
  serve({script(greet({"LIMITS RCPTMAX=1 MAILMAX=1"}), take_message(), Script{"C: QUIT", "S: 221 bye"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.recipients[0].kind, OutcomeKind::sent);
  EXPECT_EQ(attempt.recipients[1].reason.cause, Cause::throttle);
  EXPECT_EQ(transport().connections(), 0u) << "MAILMAX=1: not kept";
  ended();
}

TEST_F(SmtpClientTest, NamesManyRecipientsInBatches) {
  Script steps{"C: MAIL"};
  for (int i = 1; i < 250; ++i) add_recipient("r" + std::to_string(i));
  for (int begin = 0; begin < 250; begin += 100) {
    const int count = std::min(100, 250 - begin);
    for (int i = 0; i < count; ++i) steps.push_back("C: RCPT");
    if (begin + count == 250) steps.push_back("C: DATA");
    if (begin == 0) steps.push_back("S: 250 ok");
    for (int i = 0; i < count; ++i) steps.push_back("S: 250 ok");
  }
  serve({script(greet({"PIPELINING"}), steps, Script{"S: 354 go", "BODY", "S: 250 ok"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(attempt.recipients.size(), 250u);
  ended();
}

TEST_F(SmtpClientTest, SendsABigBodyWithDotsOverChunkBorders) {
  std::string text;
  for (int i = 0; text.size() < 600000; ++i) text += (i % 3 == 0 ? ".line\r\n" : "some text. more\r\n");
  std::string stuffed;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at) + 2;
    if (text[at] == '.') stuffed += '.';
    stuffed += text.substr(at, end - at);
    at = end;
  }
  body.clear();
  for (std::size_t at = 0, step = 1; at < text.size(); at += step, step = step % 49999 + 977) {
    body.push_back(text.substr(at, step));
  }
  serve({script(greet(), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(ended().bodies.at(0), stuffed);
}

TEST_F(SmtpClientTest, NeverSendsALoneLineFeed) {
  body = {"a\n.\nb\r", "c"};
  serve({script(greet(), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(ended().bodies.at(0), "a\r\n..\r\nb\r\nc\r\n");
}

TEST_F(SmtpClientTest, SendsAnEmptyBodyAndTheNullSender) {
  body = {};
  record->envelope.sender = {};
  serve({script(greet(), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(ended().lines.at(1), "MAIL FROM:<>");
}

TEST_F(SmtpClientTest, FallsBackToHelo) {
  serve({script(Script{"S: 220 old", "C: EHLO", "S: 502 what?", "C: HELO relay.example.com", "S: 250 old"},
                take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(ended().lines.at(2), "MAIL FROM:<sender@example.com>");
}

TEST_F(SmtpClientTest, TakesRepliesOfAnyShape) {
  serve({Script{"RAW: 220-mx\r\n22", "RAW: 0-\r\n220 ok\n", "C: EHLO", "RAW: 250-mx\r\n250-8BITM",
                "RAW: IME\r\n250\r\n", "C: MAIL", "S: 250", "C: RCPT", "S: 250-a", "S: 251 will forward", "C: DATA",
                "S: 354-" + std::string(3000, 'x'), "S: 354", "BODY", "S: 250-2.0.0 one", "S: 250 2.0.0 two"}});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(attempt.remote_id, "one two");
}

TEST_F(SmtpClientTest, DoesNotEndAMessageWhoseBodyCannotBeRead) {
  body_breaks = true;
  serve({script(greet(), Script{"C: MAIL", "S: 250 ok", "C: RCPT", "S: 250 ok", "C: DATA", "S: 354 go", "HANG"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::spool);
  EXPECT_EQ(attempt.reason.stage, Stage::local);
  EXPECT_EQ(transport().connections(), 0u);
  server->wait_until_ended(1);
}

TEST_F(SmtpClientTest, TellsWhetherTheUpstreamWorks) {
  serve({greet(), Script{"S: 554 5.3.2 no"}});
  std::vector<Attempt> probes;
  const auto ask = [](Transport& t, std::vector<Attempt>& into) -> boost::asio::awaitable<void> {
    Attempt probe = co_await t.probe();
    into.push_back(std::move(probe));
  };
  spawn(ask(transport(), probes));
  run();
  transport().close_idle();
  spawn(ask(transport(), probes));
  run();
  ASSERT_EQ(probes.size(), 2u);
  EXPECT_EQ(probes[0].outcome, OutcomeKind::sent);
  EXPECT_EQ(probes[1].outcome, OutcomeKind::deferred);
  EXPECT_EQ(probes[1].reason.enhanced, "5.3.2");
}

}  // namespace
}  // namespace postrider::relay
