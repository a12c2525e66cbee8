#include "net/http_sender.h"

#include <cstdlib>

#include "tests/unit/net/http_sender_fixture.h"

namespace postrider::net {
namespace {

using namespace std::chrono_literals;
using testing_fakes::then;

TEST_F(HttpSenderTest, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  HttpFake server({answers(202, "taken", "X-Message-Id:  abc \r\n")});
  HttpExchange exchange = post_to(server.base(), std::string("a\0b", 3));
  exchange.method = "PUT";
  const HttpOutcome outcome = send(std::move(exchange));
  EXPECT_EQ(outcome.stage, HttpStage::done) << outcome.error;
  EXPECT_EQ(outcome.response.status, 202);
  EXPECT_EQ(outcome.response.body, "taken");
  EXPECT_EQ(outcome.response.header("x-message-id"), "abc");
  EXPECT_TRUE(outcome.body_sent);
  EXPECT_TRUE(outcome.body_complete);
  EXPECT_EQ(outcome.tls, "");
  EXPECT_EQ(outcome.peer, "127.0.0.1[127.0.0.1]:" + server.base().substr(server.base().rfind(':') + 1));
  const HttpFake::Request request = server.requests().at(0);
  EXPECT_TRUE(request.head.starts_with("PUT /send?key=secret HTTP/1.1\r\n")) << request.head;
  EXPECT_NE(request.head.find("\r\nAuthorization: Bearer secret\r\n"), std::string::npos);
  EXPECT_EQ(request.head.find("Accept-Encoding"), std::string::npos);
  EXPECT_EQ(request.body, std::string("a\0b", 3));
}

TEST_F(HttpSenderTest, SendsARequestWithoutABody) {
  HttpFake server({answers(200, "{}")});
  HttpExchange exchange = post_to(server.base(), "");
  exchange.method = "GET";
  const HttpOutcome outcome = send(std::move(exchange));
  EXPECT_EQ(outcome.response.status, 200) << outcome.error;
  EXPECT_TRUE(server.requests().at(0).head.starts_with("GET /send"));
}

TEST_F(HttpSenderTest, SendsALargeBodyWhole) {
  HttpFake server({answers(200, "{}")});
  const std::string body(5'000'000, 'x');
  EXPECT_EQ(send(post_to(server.base(), body)).response.status, 200);
  EXPECT_EQ(server.requests().at(0).body, body);
}

TEST_F(HttpSenderTest, KeepsTheConnection) {
  HttpFake server({answers(200, "{}")});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(post_to(server.base())).response.status, 200);
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST_F(HttpSenderTest, FollowsNoRedirectAndAsksNoProxy) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  HttpFake server({answers(302, "", "Location: http://127.0.0.1:1/\r\n")});
  const HttpOutcome outcome = send(post_to(server.base()));
  ::unsetenv("http_proxy");
  EXPECT_EQ(outcome.response.status, 302) << outcome.error;
}

TEST_F(HttpSenderTest, OneThatHangsHoldsUpNobodyElse) {
  HttpFake mute({then(Then::hang)}), server({answers(200, "{}")});
  HttpExchange stuck = post_to(mute.base());
  stuck.answer_timeout = 1h;
  begin(std::move(stuck));
  mute.wait_for_requests(1);
  HttpExchange other = post_to(server.base());
  other.pool = "backup";
  sender_->send(std::move(other), Done<HttpOutcome>(loop_, [this](result<HttpOutcome> outcome) {
                  EXPECT_EQ(outcome->response.status, 200);
                  loop_.stop();
                }));
  run();
  EXPECT_EQ(sender_->under_way(), 1u);
  EXPECT_EQ(sender_->connections("primary"), 1u);
  EXPECT_EQ(sender_->connections("backup"), 0u);
  sender_->close();
  run();
  EXPECT_TRUE(outcomes_.at(0).stopped);
}

TEST_F(HttpSenderTest, APoolHasItsLimitAndWaitingHasItsEnd) {
  HttpFake server({then(Then::hang)});
  HttpExchange first = post_to(server.base());
  first.max_connections = 1;
  first.answer_timeout = 1h;
  begin(first);
  server.wait_for_requests(1);
  HttpExchange second = first;
  second.connect_timeout = 50ms;
  sender_->send(std::move(second), Done<HttpOutcome>(loop_, [this](result<HttpOutcome> outcome) {
                  EXPECT_TRUE(outcome->timed_out);
                  EXPECT_TRUE(outcome->never_begun);
                  EXPECT_FALSE(outcome->body_sent);
                  EXPECT_NE(outcome->error.find("became free within 50ms"), std::string::npos) << outcome->error;
                  loop_.stop();
                }));
  EXPECT_EQ(sender_->connections("primary"), 2u);
  run();
  EXPECT_EQ(sender_->connections("primary"), 1u);
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(HttpSenderTest, WhoWaitedInThePoolGoesWhenAPlaceIsFree) {
  HttpFake server({answers(200, "{}")});
  for (int i = 0; i < 20; ++i) {
    HttpExchange exchange = post_to(server.base());
    exchange.max_connections = 2;
    begin(std::move(exchange));
  }
  run();
  EXPECT_EQ(server.requests().size(), 20u);
  EXPECT_LE(server.connections(), 2u);
  for (const HttpOutcome& outcome : outcomes_) EXPECT_EQ(outcome.response.status, 200) << outcome.error;
}

TEST_F(HttpSenderTest, CloseAnswersWhatIsUnderWayAndWhatComesLater) {
  HttpFake server({then(Then::hang)});
  begin(post_to(server.base()));
  server.wait_for_requests(1);
  sender_->close();
  run();
  EXPECT_TRUE(outcomes_.at(0).stopped);
  EXPECT_EQ(outcomes_.at(0).stage, HttpStage::answer);
  EXPECT_TRUE(outcomes_.at(0).body_complete);
  const HttpOutcome late = send(post_to(server.base()));
  EXPECT_TRUE(late.stopped);
  EXPECT_FALSE(late.body_complete);
  EXPECT_EQ(sender_->under_way(), 0u);
}

TEST_F(HttpSenderTest, RefusesWhatCannotBeARequestAndShowsNothingOfIt) {
  for (const char* url : {"ftp://secret.example/", "not a url secret", "", "http://127.0.0.1/\r\nX: secret"}) {
    HttpExchange exchange = post_to("");
    exchange.url = url;
    const HttpOutcome outcome = send(std::move(exchange));
    EXPECT_EQ(outcome.stage, HttpStage::resolve) << url;
    EXPECT_FALSE(outcome.error.empty()) << url;
    EXPECT_EQ(outcome.error.find("secret"), std::string::npos) << outcome.error;
  }
  HttpExchange exchange = post_to("http://127.0.0.1:1");
  exchange.headers = {{"X-A", "b\r\nX-C: secret"}};
  EXPECT_EQ(send(std::move(exchange)).error, "a line break in the header X-A");
}

}  // namespace
}  // namespace postrider::net
