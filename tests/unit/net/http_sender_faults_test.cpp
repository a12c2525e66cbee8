// How an exchange breaks, and what the sender knows of the body then.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/unit/net/http_sender_fixture.h"

namespace postrider::net {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using testing_fakes::then;

const std::string kLarge(24'000'000, 'x');  // more than the kernel's buffers take

struct BodySize : HttpSenderTest, ::testing::WithParamInterface<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Octets, BodySize, ::testing::Values(1, 3'000, 300'000, 3'000'000));

// The one that libcurl resends by itself when it can: it even connects again before it finds that it cannot.
TEST_P(BodySize, AKeptConnectionThatDiesAfterTheBodyWasReadIsNotAskedAgain) {
  HttpFake server({answers(200, "{}"), then(Then::close), answers(200, "{}")});
  EXPECT_EQ(send(post_to(server.base())).response.status, 200);
  const HttpOutcome outcome = send(post_to(server.base(), std::string(GetParam(), 'x')));
  EXPECT_EQ(outcome.stage, HttpStage::answer);
  EXPECT_TRUE(outcome.body_sent);
  EXPECT_TRUE(outcome.body_complete);
  EXPECT_NE(outcome.error.find("closed without an answer"), std::string::npos) << outcome.error;
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_P(BodySize, ANewConnectionThatDiesAfterTheBodyWasReadIsNotAskedAgain) {
  HttpFake server({then(Then::reset), answers(200, "{}")});
  const HttpOutcome outcome = send(post_to(server.base(), std::string(GetParam(), 'x')));
  EXPECT_EQ(outcome.stage, HttpStage::answer);
  EXPECT_TRUE(outcome.body_complete);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_P(BodySize, AKeptConnectionThatWasClosedMeanwhileIsReplaced) {
  HttpReaction last = answers(200, "{}");
  last.then = Then::close;
  HttpFake server({last, answers(201, "{}")});
  EXPECT_EQ(send(post_to(server.base())).response.status, 200);
  server.wait_for_ends(1);
  const HttpOutcome outcome = send(post_to(server.base(), std::string(GetParam(), 'x')));
  EXPECT_EQ(outcome.response.status, 201) << outcome.error;
  EXPECT_EQ(server.requests().at(1).body.size(), GetParam());
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(HttpSenderTest, ABreakWithinTheBodyIsNoCompleteRequest) {
  HttpFake server({answers(200, "{}"), then(Then::reset, "", Body::half), answers(200, "{}")});
  EXPECT_EQ(send(post_to(server.base())).response.status, 200);
  const HttpOutcome outcome = send(post_to(server.base(), kLarge));
  EXPECT_EQ(outcome.stage, HttpStage::request);
  EXPECT_TRUE(outcome.body_sent);
  EXPECT_FALSE(outcome.body_complete);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(HttpSenderTest, OneThatStopsReadingTheBodyIsLeft) {
  HttpFake server({then(Then::hang, "", Body::half)});
  HttpExchange exchange = post_to(server.base(), kLarge);
  exchange.stall_timeout = 300ms;
  const HttpOutcome outcome = send(std::move(exchange));
  EXPECT_EQ(outcome.stage, HttpStage::request);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_TRUE(outcome.body_sent);
  EXPECT_FALSE(outcome.body_complete);
  EXPECT_NE(outcome.error.find("took nothing of the request for 300ms"), std::string::npos) << outcome.error;
}

TEST_F(HttpSenderTest, OneThatReadsTheBodyInATrickleIsLeft) {
  HttpFake server({then(Then::close, "", Body::slowly)});
  HttpExchange exchange = post_to(server.base(), kLarge);
  exchange.stall_timeout = 1s;  // far longer than between two reads
  exchange.least_rate = kLarge.size();
  const HttpOutcome outcome = send(std::move(exchange));
  EXPECT_EQ(outcome.stage, HttpStage::request);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_FALSE(outcome.body_complete);
  EXPECT_NE(outcome.error.find("did not take the whole request within 2s"), std::string::npos) << outcome.error;
}

TEST_F(HttpSenderTest, OneThatNeverAnswersIsLeft) {
  HttpFake server({then(Then::hang)});
  HttpExchange exchange = post_to(server.base());
  exchange.answer_timeout = 100ms;
  const HttpOutcome outcome = send(std::move(exchange));
  EXPECT_EQ(outcome.stage, HttpStage::answer);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_TRUE(outcome.body_complete);
}

TEST_F(HttpSenderTest, ATrickleOfAnAnswerBuysNoTime) {
  HttpReaction slow;
  slow.slowly = true;
  slow.answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx";
  HttpFake server({slow});
  HttpExchange exchange = post_to(server.base());
  exchange.answer_timeout = 400ms;
  const HttpOutcome outcome = send(std::move(exchange));
  EXPECT_EQ(outcome.stage, HttpStage::answer);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_TRUE(outcome.body_complete);
  EXPECT_NE(outcome.error.find("no whole answer"), std::string::npos) << outcome.error;
}

TEST_F(HttpSenderTest, GarbageIsNoAnswer) {
  HttpFake server({then(Then::close, "SSH-2.0-OpenSSH_9.2\r\n\r\n")});
  const HttpOutcome outcome = send(post_to(server.base()));
  EXPECT_EQ(outcome.stage, HttpStage::answer);
  EXPECT_TRUE(outcome.body_complete);
  EXPECT_NE(outcome.error.find("was not HTTP"), std::string::npos) << outcome.error;
}

TEST_F(HttpSenderTest, AnAnswerThatIsCutIsNoAnswer) {
  HttpFake server({then(Then::close, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":")});
  const HttpOutcome outcome = send(post_to(server.base()));
  EXPECT_EQ(outcome.stage, HttpStage::answer);
  EXPECT_NE(outcome.error.find("closed within the answer"), std::string::npos) << outcome.error;
}

TEST_F(HttpSenderTest, AnAnswerHasABound) {
  std::string fields;
  for (int i = 0; i < 2000; ++i) fields += "X-Field: value\r\n";
  HttpFake server({answers(200, std::string(2000, 'x')), answers(200, "{}", fields)});
  for (int i = 0; i < 2; ++i) {
    HttpExchange exchange = post_to(server.base());
    exchange.max_answer = i == 0 ? 1999 : 1u << 20;
    const HttpOutcome outcome = send(std::move(exchange));
    EXPECT_EQ(outcome.stage, HttpStage::answer);
    EXPECT_TRUE(outcome.body_complete);
    EXPECT_NE(outcome.error.find("too long"), std::string::npos) << outcome.error;
  }
}

TEST_F(HttpSenderTest, NobodyListens) {
  boost::asio::io_context io;
  tcp::acceptor taken(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  const std::string where = "127.0.0.1:" + std::to_string(taken.local_endpoint().port());
  taken.close();
  const HttpOutcome outcome = send(post_to("http://" + where));
  EXPECT_EQ(outcome.stage, HttpStage::connect);
  EXPECT_FALSE(outcome.body_sent);
  EXPECT_FALSE(outcome.body_complete);
  EXPECT_EQ(outcome.error, "nothing listens on " + where);
}

TEST_F(HttpSenderTest, AHandshakeThatNeverEndsIsLeft) {
  HttpFake server({answers(200, "{}")});  // waits for a request in plain text
  HttpExchange exchange = post_to("https" + server.base().substr(4));
  exchange.connect_timeout = 200ms;
  const HttpOutcome outcome = send(std::move(exchange));
  EXPECT_EQ(outcome.stage, HttpStage::tls);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_FALSE(outcome.body_sent);
  EXPECT_FALSE(outcome.body_complete);
}

TEST_F(HttpSenderTest, ANameThatDoesNotExist) {
  const HttpOutcome outcome = send(post_to("http://nothing.invalid"));  // RFC 6761 6.4
  EXPECT_EQ(outcome.stage, HttpStage::resolve);
  EXPECT_FALSE(outcome.body_sent);
  EXPECT_NE(outcome.error.find("nothing.invalid"), std::string::npos) << outcome.error;
}

// ---- answers before the body: libcurl asks first ("Expect: 100-continue") when a body is over a megabyte --------------------

struct EarlyAnswer : HttpSenderTest, ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Status, EarlyAnswer, ::testing::Values(401, 413, 503));

TEST_P(EarlyAnswer, IsAnAnswer) {
  HttpReaction early = answers(GetParam(), "no");
  early.body = Body::none;
  early.then = Then::close;
  HttpFake server({early});
  const HttpOutcome outcome = send(post_to(server.base(), kLarge));
  EXPECT_EQ(outcome.stage, HttpStage::done) << outcome.error;
  EXPECT_EQ(outcome.response.status, GetParam());
  EXPECT_EQ(outcome.response.body, "no");
  EXPECT_FALSE(outcome.body_sent);
  EXPECT_FALSE(outcome.body_complete);
  EXPECT_NE(server.requests().at(0).head.find("Expect: 100-continue"), std::string::npos);
}

TEST_F(HttpSenderTest, AServerThatKnowsNoExpectIsAskedWithoutIt) {
  HttpReaction unknown = answers(417, "");
  unknown.body = Body::none;
  HttpFake server({unknown, answers(200, "{}")});
  const HttpOutcome outcome = send(post_to(server.base(), kLarge));
  EXPECT_EQ(outcome.response.status, 200) << outcome.error;
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(server.requests().at(1).head.find("Expect:"), std::string::npos);
  EXPECT_EQ(server.requests().at(1).body.size(), kLarge.size());
}

}  // namespace
}  // namespace postrider::net
