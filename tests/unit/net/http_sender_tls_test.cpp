#include "net/tls.h"
#include "tests/temp_directory.h"
#include "tests/unit/net/http2_fake.h"
#include "tests/unit/net/http_sender_fixture.h"

namespace postrider::net {
namespace {

using testing_fakes::FakeTls;
using testing_fakes::Http2Fake;
using testing_fakes::then;
using Reaction = Http2Fake::Reaction;

class HttpSenderTlsTest : public HttpSenderTest {
 protected:
  HttpSenderTlsTest() {
    const auto made = ensure_self_signed(directory_.path(), "localhost");
    if (!made) throw std::runtime_error(made.error().text);
    tls_ = {made->certificate_file, made->key_file, ""};
  }
  HttpExchange trusting(HttpExchange exchange) const {
    exchange.ca_file = tls_.certificate;
    return exchange;
  }

  const TempDirectory directory_;
  FakeTls tls_;
};

TEST_F(HttpSenderTlsTest, VerifiesTheCertificateAndSaysTheVersion) {
  HttpFake server({answers(200, "{}")}, tls_);
  const HttpOutcome outcome = send(trusting(post_to(server.base())));
  EXPECT_EQ(outcome.response.status, 200) << outcome.error;
  EXPECT_EQ(outcome.tls, "TLSv1.3");
}

TEST_F(HttpSenderTlsTest, GivesNothingToAStranger) {
  HttpFake server({answers(200, "{}")}, tls_);
  const HttpOutcome outcome = send(post_to(server.base()));
  EXPECT_EQ(outcome.stage, HttpStage::tls);
  EXPECT_FALSE(outcome.body_sent);
  EXPECT_FALSE(outcome.body_complete);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpSenderTlsTest, AKeptConnectionThatDiesAfterTheBodyWasReadIsNotAskedAgain) {
  HttpFake server({answers(200, "{}"), then(Then::close), answers(200, "{}")}, tls_);
  EXPECT_EQ(send(trusting(post_to(server.base()))).response.status, 200);
  const HttpOutcome outcome = send(trusting(post_to(server.base())));
  EXPECT_EQ(outcome.stage, HttpStage::answer);
  EXPECT_TRUE(outcome.body_complete);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(HttpSenderTlsTest, SpeaksHttp2WhereItIsOffered) {
  Http2Fake server({Reaction::answer}, tls_);
  const std::string body(200'000, 'x');
  for (int i = 0; i < 5; ++i) EXPECT_EQ(send(trusting(post_to(server.base(), body))).response.body, "{}");
  EXPECT_EQ(server.bodies(), std::vector<std::string>(5, body));
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(HttpSenderTlsTest, AnHttp2ConnectionThatDiesAfterTheBodyWasReadIsNotAskedAgain) {
  Http2Fake server({Reaction::answer, Reaction::close, Reaction::answer}, tls_);
  EXPECT_EQ(send(trusting(post_to(server.base()))).response.status, 200);
  const HttpOutcome outcome = send(trusting(post_to(server.base())));
  EXPECT_EQ(outcome.stage, HttpStage::answer) << outcome.error;
  EXPECT_TRUE(outcome.body_sent);
  EXPECT_TRUE(outcome.body_complete);
  EXPECT_EQ(server.bodies().size(), 2u);
}

// A refused stream was not processed (RFC 9113 8.7), and libcurl would open another: not with the body out.
TEST_F(HttpSenderTlsTest, AnHttp2StreamThatIsRefusedAfterItsBodyIsNotAskedAgain) {
  Http2Fake server({Reaction::answer, Reaction::refuse, Reaction::answer}, tls_);
  EXPECT_EQ(send(trusting(post_to(server.base()))).response.status, 200);
  const HttpOutcome outcome = send(trusting(post_to(server.base())));
  EXPECT_NE(outcome.stage, HttpStage::done);
  EXPECT_TRUE(outcome.body_complete);
  EXPECT_EQ(server.bodies().size(), 2u);
}

}  // namespace
}  // namespace postrider::net
