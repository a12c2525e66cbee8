// STARTTLS, implicit TLS and AUTH: what the client demands, offers, hides and forgets.
#include <fstream>

#include "relay/smtp/base64.h"
#include "relay/smtp/sasl_client.h"
#include "tests/client_pair.h"
#include "tests/unit/relay/smtp_client_fixture.h"

namespace postrider::relay {
namespace {

const Script kStartTls = script(greet({"STARTTLS"}), Script{"C: STARTTLS", "S: 220 go", "TLS", "C: EHLO"});
const Script kAnswerEhlo{"S: 250-mx", "S: 250 8BITMIME"};

class SmtpClientTls : public SmtpClientTest {
 protected:
  SmtpClientTls() {
    make_certificate();
    config.tls = UpstreamTls::starttls;
    config.tls_ca_file = certificate_file;
  }
  void expect_tls_failure(const char* words) {
    const Attempt attempt = deliver();
    EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
    EXPECT_EQ(attempt.reason.cause, Cause::route);
    EXPECT_EQ(attempt.reason.stage, Stage::tls);
    EXPECT_NE(attempt.reason.text.find(words), std::string::npos) << attempt.reason.text;
  }
};

TEST_F(SmtpClientTls, StartsTlsAndSaysEhloAgain) {
  serve({script(kStartTls, kAnswerEhlo, take_message())});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent) << attempt.reason.text;
  EXPECT_EQ(attempt.tls, "TLSv1.3");
}

TEST_F(SmtpClientTls, ImplicitTlsComesFirst) {
  config.tls = UpstreamTls::implicit;
  serve({script(Script{"TLS"}, greet(), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
}

TEST_F(SmtpClientTls, ForgetsWhatWasSaidBeforeTheHandshake) {
  // Injected behind the 220: were it believed, the client would think 8BITMIME is on offer.
  record->envelope.eight_bit = true;
  serve({script(greet({"STARTTLS", "8BITMIME"}),
                Script{"C: STARTTLS", "RAW: 220 go\r\n250-mx\r\n250 8BITMIME\r\n", "TLS", "C: EHLO", "S: 250 mx"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.reason.cause, Cause::capability) << attempt.reason.text;
  EXPECT_EQ(attempt.tls, "TLSv1.3");
}

TEST_F(SmtpClientTls, RefusesToGoOnWithoutStarttls) {
  serve({greet()});
  expect_tls_failure("not offered");
}

TEST_F(SmtpClientTls, RefusesToGoOnWhenStarttlsIsRefused) {
  serve({script(greet({"STARTTLS"}), Script{"C: STARTTLS", "S: 454 4.7.0 not now"})});
  expect_tls_failure("not now");
}

TEST_F(SmtpClientTls, RefusesAnUnknownCertificate) {
  config.tls_ca_file.clear();  // the system's authorities, of whom it is none
  serve({script(greet({"STARTTLS"}), Script{"C: STARTTLS", "S: 220 go", "TLS"})});
  expect_tls_failure("self");
}

TEST_F(SmtpClientTls, RefusesACertificateForAnotherName) {
  config.hosts = {"127.0.0.2"};  // not in the certificate
  serve({script(greet({"STARTTLS"}), Script{"C: STARTTLS", "S: 220 go", "TLS"})}, "127.0.0.2");
  expect_tls_failure("mismatch");
}

TEST_F(SmtpClientTls, ReportsAPeerThatBreaksTheHandshake) {
  serve({script(greet({"STARTTLS"}), Script{"C: STARTTLS", "S: 220 go", "S: not a handshake"})});
  expect_tls_failure("TLS");
}

TEST_F(SmtpClientTls, OpportunisticGoesOnInClearWithoutStarttls) {
  config.tls = UpstreamTls::opportunistic;
  serve({script(greet(), take_message())});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(attempt.tls, "");
}

TEST_F(SmtpClientTls, OpportunisticTakesAnyCertificate) {
  config.tls = UpstreamTls::opportunistic;
  config.tls_ca_file.clear();
  serve({script(kStartTls, kAnswerEhlo, take_message())});
  EXPECT_EQ(deliver().tls, "TLSv1.3");
}

TEST_F(SmtpClientTls, OpportunisticConnectsAgainInClearAfterABrokenHandshake) {
  config.tls = UpstreamTls::opportunistic;
  serve({script(greet({"STARTTLS"}), Script{"C: STARTTLS", "S: 220 go", "S: not a handshake"}),
         script(greet({"STARTTLS"}), take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(server->connections().size(), 2u);
}

TEST_F(SmtpClientTls, OpportunisticGoesOnWhenStarttlsIsRefused) {
  config.tls = UpstreamTls::opportunistic;
  serve({script(greet({"STARTTLS"}), Script{"C: STARTTLS", "S: 454 4.7.0 not now"}, take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
}

TEST_F(SmtpClientTls, SendsABigBodyThroughTls) {
  body.assign(20, std::string(50000, 'x') + "\r\n.y\r\n");
  serve({script(kStartTls, kAnswerEhlo, take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(ended().bodies.at(0).size(), 20 * (50000 + 2 + 5));
}

TEST_F(SmtpClientTls, PlainUnderTls) {
  config.username = "app";
  config.password = "secret";
  serve({script(kStartTls,
                Script{"S: 250-mx", "S: 250 AUTH LOGIN PLAIN CRAM-MD5",
                       "C: AUTH PLAIN " + smtp::plain_response("app", "secret"), "S: 235 2.7.0 in"},
                take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  ended();
}

// The server takes mail only from clients that its own authority knows.
class SmtpClientCertificate : public SmtpClientTls {
 protected:
  std::string of_known() const { return "TLS OF " + known_.certificate_file; }
  void show(const net::ClientCertificate& shown) {
    config.tls_certificate = shown.certificate_file;
    config.tls_key = shown.key_file;
  }
  // With TLS from the first octet, so that the server's alert is all there is to read: it comes after a handshake that is complete for
  // the client (RFC 8446 4.4.2.4).
  void expect_refusal(const char* words) {
    config.tls = UpstreamTls::implicit;
    serve({Script{of_known()}});
    const Attempt attempt = deliver();
    EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
    EXPECT_EQ(attempt.reason.cause, Cause::route) << "the next upstream is asked, and the message has no fault";
    EXPECT_EQ(attempt.reason.stage, Stage::greeting);
    EXPECT_NE(attempt.reason.text.find(words), std::string::npos) << attempt.reason.text;
  }

  const TempDirectory clients_;
  const net::ClientCertificate known_ = net::make_client_pair(clients_.path(), "relay.known");
};

TEST_F(SmtpClientCertificate, IsShownAndTheMessageTaken) {
  show(known_);
  serve({script(greet({"STARTTLS"}), Script{"C: STARTTLS", "S: 220 go", of_known(), "C: EHLO"}, kAnswerEhlo,
                take_message())});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent) << attempt.reason.text;
  const auto connection = ended();
  EXPECT_EQ(connection.client, "relay.known");
  EXPECT_EQ(connection.bodies, std::vector<std::string>{"Subject: x\r\n\r\ntext\r\n"});
}

TEST_F(SmtpClientCertificate, IsShownAgainOnTheNextConnection) {
  show(known_);
  config.tls = UpstreamTls::implicit;
  config.messages_per_connection = 1;
  serve({script(Script{of_known()}, greet(), take_message(), Script{"C: QUIT", "S: 221 bye"})});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  for (const std::size_t connection : {0, 1}) EXPECT_EQ(ended(connection).client, "relay.known");
}

TEST_F(SmtpClientCertificate, WithoutOneTheRouteFails) {
  expect_refusal("certificate required");
}

TEST_F(SmtpClientCertificate, OfAStrangerTheRouteFails) {
  show(net::make_client_pair(clients_.path(), "stranger"));
  expect_refusal("unknown ca");
}

class SmtpClientAuth : public SmtpClientTest {
 protected:
  SmtpClientAuth() {
    config.username = "app";
    config.password = "secret";
  }
};

TEST_F(SmtpClientAuth, LoginSaysNameThenPassword) {
  serve({script(greet({"AUTH LOGIN"}),
                Script{"C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: " + smtp::login_response("app"),
                       "S: 334 UGFzc3dvcmQ6", "C: " + smtp::login_response("secret"), "S: 235 in"},
                take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  ended();
}

TEST_F(SmtpClientAuth, CramMd5AnswersTheChallenge) {
  config.auth = UpstreamAuth::cram_md5;
  const std::string challenge = smtp::base64_encode("<1@mx>");
  serve({script(greet({"AUTH PLAIN CRAM-MD5"}),
                Script{"C: AUTH CRAM-MD5", "S: 334 " + challenge,
                       "C: " + *smtp::cram_md5_response(challenge, "app", "secret"), "S: 235 in"},
                take_message())});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  ended();
}

TEST_F(SmtpClientAuth, CramMd5CancelsABadChallenge) {
  config.auth = UpstreamAuth::cram_md5;
  serve({script(greet({"AUTH CRAM-MD5"}), Script{"C: AUTH CRAM-MD5", "S: 334 ???", "C: *", "S: 501 cancelled"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.stage, Stage::auth);
  EXPECT_EQ(attempt.reason.code, 501);
}

TEST_F(SmtpClientAuth, Xoauth2ReadsItsTokenAnewForEachLogin) {
  make_certificate();  // for its directory
  config.auth = UpstreamAuth::xoauth2;
  config.token_file = certificate_file + ".token";
  config.messages_per_connection = 1;
  const auto login = [](const char* token) {
    return Script{"C: AUTH XOAUTH2 " + smtp::xoauth2_response("app", token), "S: 235 in"};
  };
  serve({script(greet({"AUTH XOAUTH2"}), login("first"), take_message()),
         script(greet({"AUTH XOAUTH2"}), login("second"), take_message())});
  std::ofstream(config.token_file) << "first\n";
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  std::ofstream(config.token_file) << "\n  second\n# until noon\n";
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  ended(1);
}

TEST_F(SmtpClientAuth, Xoauth2TellsTheReasonOfARefusal) {
  make_certificate();
  config.auth = UpstreamAuth::xoauth2;
  config.token_file = certificate_file + ".token";
  std::ofstream(config.token_file) << "old";
  serve({script(
      greet({"AUTH XOAUTH2"}),
      Script{"C: AUTH XOAUTH2", "S: 334 " + smtp::base64_encode("{\"status\":\"400\"}"), "C: ", "S: 535 5.7.8 no"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.reason.enhanced, "5.7.8");
  EXPECT_NE(attempt.reason.text.find("status"), std::string::npos);
}

TEST_F(SmtpClientAuth, AMissingTokenFileIsARouteFailure) {
  config.auth = UpstreamAuth::xoauth2;
  config.token_file = "/nonexistent/token";
  serve({greet({"AUTH XOAUTH2"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_NE(attempt.reason.text.find("/nonexistent/token"), std::string::npos);
}

TEST_F(SmtpClientAuth, ARefusedLoginIsARouteFailureAndTellsNoSecret) {
  serve({script(greet({"AUTH PLAIN"}), Script{"C: AUTH PLAIN", "S: 535 5.7.8 bad credentials"})});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.stage, Stage::auth);
  EXPECT_EQ(attempt.reason.text, "bad credentials");
}

TEST_F(SmtpClientAuth, SendsNoPasswordInClearUnlessTlsWasGivenUp) {
  config.tls = UpstreamTls::opportunistic;
  serve({greet({"AUTH PLAIN LOGIN"}),
         script(greet({"AUTH PLAIN LOGIN CRAM-MD5"}),
                Script{"C: AUTH CRAM-MD5", "S: 334 " + smtp::base64_encode("x"), "C: ", "S: 235 in"}, take_message())});
  const Attempt refused = deliver();
  EXPECT_EQ(refused.stage, Stage::auth);
  EXPECT_EQ(refused.reason.cause, Cause::route);
  EXPECT_NE(refused.reason.text.find("in clear"), std::string::npos);
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent) << "CRAM-MD5 gives nothing away";
}

}  // namespace
}  // namespace postrider::relay
