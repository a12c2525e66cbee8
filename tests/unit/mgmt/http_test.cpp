// The HTTP side of the API: framing, limits, deadlines, routing. Over a real socket.
#include <gtest/gtest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>

#include "mgmt/problem.h"
#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace asio = boost::asio;

std::string get(const std::string& target, const std::string& more = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + more + "\r\n";
}

// The head of a request that may bring a body.
std::string post(const std::string& more) {
  return std::string("POST /v1/users HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ") + kToken +
         "\r\nContent-Type: application/json\r\n" + more + "\r\n";
}

std::string type_of(const Answer& answer) {
  return std::string(answer.json().at("type").as_string());
}

TEST(Http, AnswersSeveralRequestsOnOneConnection) {
  ApiServer server;
  RawClient client(server.endpoint());
  for (int i = 0; i < 3; ++i) {
    client.send(get("/health"));
    const Answer answer = client.read_answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"({"health":"ok"})");
  }
}

TEST(Http, AnswersPipelinedRequestsInOrder) {
  ApiServer server;
  RawClient client(server.endpoint());
  client.send(get("/health") + get("/nowhere") + get("/livez", "Connection: close\r\n"));
  EXPECT_EQ(client.read_answer().body, R"({"health":"ok"})");
  EXPECT_EQ(client.read_answer().status, 404);
  const Answer last = client.read_answer();
  EXPECT_EQ(last.body, R"({"live":true})");
  EXPECT_EQ(last.header("connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(Http, TakesARequestOctetByOctet) {
  ApiServer server;
  RawClient client(server.endpoint());
  for (const char c : get("/health")) client.send(std::string(1, c));
  EXPECT_EQ(client.read_answer().status, 200);
}

TEST(Http, Http10ClosesAfterTheAnswer) {
  ApiServer server;
  RawClient client(server.endpoint());
  client.send("GET /health HTTP/1.0\r\n\r\n");
  const std::string all = client.read_to_end();
  EXPECT_NE(all.find("200"), std::string::npos);
  EXPECT_NE(all.find(R"({"health":"ok"})"), std::string::npos);
}

TEST(Http, HeadHasTheFieldsOfGetAndNoBody) {
  ApiServer server;
  RawClient client(server.endpoint());
  client.send("HEAD /health HTTP/1.1\r\nHost: test\r\n\r\n" + get("/livez"));
  const Answer head = client.read_answer(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "15");
  EXPECT_EQ(client.read_answer().body, R"({"live":true})");  // nothing stood between the two
}

TEST(Http, EveryAnswerHasARequestIdDateAndNoStore) {
  ApiServer server;
  const Answer own = server.call_raw("GET", "/health", "X-Request-Id: abc-1\r\n");
  EXPECT_EQ(own.header("x-request-id"), "abc-1");
  const Answer made = server.call_raw("GET", "/health", "X-Request-Id: spaces and <angles>\r\n");
  EXPECT_EQ(made.header("x-request-id").size(), 16u);
  EXPECT_EQ(made.header("cache-control"), "no-store");
  EXPECT_TRUE(made.header("date").ends_with(" GMT")) << made.header("date");
}

TEST(Http, UnknownPathsAndMethodsAreTold) {
  ApiServer server;
  EXPECT_EQ(type_of(server.call("GET", "/v2/messages")), "/problems/not-found");
  EXPECT_EQ(server.call("GET", "/v1/messages/").status, 404);
  const Answer wrong = server.call("DELETE", "/v1/users");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("allow"), "GET, HEAD, POST");
  EXPECT_EQ(wrong.header("content-type"), "application/problem+json");
  EXPECT_EQ(server.call("BREW", "/health").status, 405);
}

TEST(Http, UnacceptableAnswersAreRefused) {
  ApiServer server;
  EXPECT_EQ(server.call_raw("GET", "/health", "Accept: text/html\r\n").status, 406);
  EXPECT_EQ(server.call_raw("GET", "/health", "Accept: text/html, application/*;q=0.1\r\n").status, 200);
}

TEST(Http, RequestsThatAreNoneAreRefusedAndClosed) {
  ApiServer server;
  const std::string bad[] = {"nonsense\r\n\r\n",
                             "GET /health HTTP/2.0\r\nHost: a\r\n\r\n",
                             "GET /health HTTP/1.1\r\n\r\n",
                             "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                             "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
                             "GET /v1/messages/%ff HTTP/1.1\r\nHost: a\r\n\r\n",
                             "GET /v1/messages?tag=%c3%28 HTTP/1.1\r\nHost: a\r\n\r\n",
                             "GET /v1/messages?%ff=1 HTTP/1.1\r\nHost: a\r\n\r\n",
                             "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
                             "POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                             post("Transfer-Encoding: xchunked\r\n") + "0\r\n\r\n",
                             post("Transfer-Encoding: chunked, gzip\r\n") + "0\r\n\r\n",
                             post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") + "0\r\n\r\n",
                             post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + "0\r\n\r\n",
                             "POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                             "POST /v1/users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
                             "POST /v1/users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"};
  for (const std::string& octets : bad) {
    RawClient client(server.endpoint());
    client.send(octets);
    const Answer answer = client.read_answer();
    EXPECT_EQ(answer.status, 400) << octets;
    EXPECT_EQ(answer.header("connection"), "close") << octets;
  }
}

TEST(Http, TooLongAHeaderIs431) {
  ApiServer server;
  RawClient client(server.endpoint());
  client.send(get("/health", "X-Long: " + std::string(20'000, 'a') + "\r\n"));
  EXPECT_EQ(client.read_answer().status, 431);
}

TEST(Http, TooLongABodyIs413) {
  ServerSetup setup;
  setup.limits.max_body = 100;
  ApiServer server(std::move(setup));
  RawClient announced(server.endpoint());
  announced.send(post("Content-Length: 101\r\n"));
  EXPECT_EQ(announced.read_answer().status, 413);
  RawClient chunked(server.endpoint());
  chunked.send(post("Transfer-Encoding: chunked\r\n") + "65\r\n" + std::string(101, 'a') + "\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.read_answer().status, 413);
}

TEST(Http, TakesAChunkedBody) {
  ApiServer server;
  RawClient client(server.endpoint());
  client.send(post("Transfer-Encoding: chunked\r\n") +
              "10\r\n{\"name\":\"anna\",\"\r\n10\r\npassword\":\"wald\"\r\n1\r\n}\r\n0\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 201);
}

TEST(Http, SaysContinueToThoseWhoWait) {
  ApiServer server;
  RawClient client(server.endpoint());
  const std::string body = R"({"name":"anna","password":"wald"})";
  client.send(post("Expect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"));
  EXPECT_EQ(client.read_answer().status, 100);
  client.send(body);
  EXPECT_EQ(client.read_answer().status, 201);
}

TEST(Http, ABodyThatIsNotJsonIs415) {
  ApiServer server;
  const std::string key = std::string("Authorization: Bearer ") + kToken + "\r\n";
  EXPECT_EQ(server.call_raw("POST", "/v1/users", key + "Content-Type: text/plain\r\n", "{}").status, 415);
  EXPECT_EQ(server.call_raw("POST", "/v1/users", key, "{}").status, 415);
}

TEST(Http, AHeaderThatNeverEndsIsCutByTheDeadline) {
  ServerSetup setup;
  setup.limits.header_timeout = std::chrono::milliseconds(300);
  ApiServer server(std::move(setup));
  RawClient client(server.endpoint());
  client.send("GET /health HTTP/1.1\r\nHost: ");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(Http, ABodyThatNeverEndsIsCutByTheDeadline) {
  ServerSetup setup;
  setup.limits.body_timeout = std::chrono::milliseconds(300);
  ApiServer server(std::move(setup));
  RawClient client(server.endpoint());
  client.send(post("Content-Length: 10\r\n") + "{");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(Http, AnIdleConnectionIsClosed) {
  ServerSetup setup;
  setup.limits.idle_timeout = std::chrono::milliseconds(300);
  ApiServer server(std::move(setup));
  RawClient client(server.endpoint());
  client.send(get("/health"));
  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(Http, ConnectionsBeyondTheLimitGet503) {
  ServerSetup setup;
  setup.limits.max_connections = 1;
  ApiServer server(std::move(setup));
  RawClient first(server.endpoint());
  first.send(get("/health"));
  EXPECT_EQ(first.read_answer().status, 200);
  RawClient second(server.endpoint());
  EXPECT_EQ(second.read_answer().status, 503);
  EXPECT_EQ(second.read_to_end(), "");
  first.send(get("/health"));
  EXPECT_EQ(first.read_answer().status, 200);
}

TEST(Http, ClosingEndsIdleConnectionsAndTakesNoMore) {
  ApiServer server;
  RawClient idle(server.endpoint());
  idle.send(get("/health"));
  EXPECT_EQ(idle.read_answer().status, 200);
  server.close();
  EXPECT_EQ(idle.read_to_end(), "");
  RawClient late(server.endpoint());
  EXPECT_EQ(late.read_answer().status, 503);
}

asio::awaitable<Response> fail(const Request&) {
  throw std::runtime_error("the inside of things");
  co_return Response{};
}

TEST(Http, AHandlerThatThrowsEndsOnlyItsRequest) {
  ApiServer server;
  server.router().add({http::verb::get, "/fails", Access::open, "", {}, fail});
  RawClient client(server.endpoint());
  client.send(get("/fails") + get("/health"));
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("inside of things"), std::string::npos);
  EXPECT_EQ(client.read_answer().status, 200);
}

class BrokenBody final : public ResponseStream {
 public:
  asio::awaitable<result<std::shared_ptr<const std::string>>> next() override {
    if (given_) co_return Fault{FaultKind::damaged, "checksum"};
    given_ = true;
    co_return std::make_shared<const std::string>("half");
  }

 private:
  bool given_ = false;
};

asio::awaitable<Response> half_a_body(const Request&) {
  Response response;
  response.stream = std::make_unique<BrokenBody>();
  response.stream_size = 8;
  co_return response;
}

TEST(Http, ABodyThatBreaksOffCutsTheConnection) {
  ApiServer server;
  server.router().add({http::verb::get, "/half", Access::open, "", {}, half_a_body});
  RawClient client(server.endpoint());
  client.send(get("/half") + get("/health"));
  const std::string all = client.read_to_end();
  EXPECT_TRUE(all.ends_with("\r\n\r\nhalf")) << all;
}

TEST(Http, SpeaksTlsWhenAsked) {
  const auto directory = std::filesystem::temp_directory_path() / ("postrider-http-" + std::to_string(::getpid()));
  const auto pair = net::ensure_self_signed(directory.string(), "localhost");
  ASSERT_TRUE(pair) << pair.error().text;
  ServerSetup setup;
  setup.tls = net::make_server_tls(pair->certificate_file, pair->key_file).value();
  {
    ApiServer server(std::move(setup));
    asio::io_context io;
    asio::ssl::context context(asio::ssl::context::tls_client);
    context.load_verify_file(pair->certificate_file);
    context.set_verify_mode(asio::ssl::verify_peer);
    asio::ssl::stream<asio::ip::tcp::socket> stream(io, context);
    stream.next_layer().connect(server.endpoint());
    stream.handshake(asio::ssl::stream_base::client);
    asio::write(stream, asio::buffer(get("/health", "Connection: close\r\n")));
    std::string all;
    boost::system::error_code end;
    asio::read(stream, asio::dynamic_buffer(all), end);
    EXPECT_NE(all.find(R"({"health":"ok"})"), std::string::npos);
  }
  std::filesystem::remove_all(directory);
}

TEST(Problem, EveryFaultHasItsStatus) {
  const std::pair<FaultKind, unsigned> expected[] = {{FaultKind::invalid, 400},     {FaultKind::not_found, 404},
                                                     {FaultKind::conflict, 409},    {FaultKind::full, 503},
                                                     {FaultKind::unavailable, 503}, {FaultKind::damaged, 500}};
  for (const auto& [kind, status] : expected)
    EXPECT_EQ(static_cast<unsigned>(problem(Fault{kind, "why"}).status), status);
}

}  // namespace
}  // namespace postrider::mgmt::test
