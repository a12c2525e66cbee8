// Bodies of requests and answers: who may send how much, what memory is spent on it, and gzip both ways. Over a real socket.
#include <gtest/gtest.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mgmt/gzip.h"
#include "mgmt/request_body.h"
#include "tests/temp_directory.h"
#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace asio = boost::asio;

constexpr const char* kText = "Content-Type: text/plain\r\n";

std::string head(const std::string& target, const std::string& more, const std::string& token = kToken) {
  return "POST " + target + " HTTP/1.1\r\nHost: test\r\n" +
         (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") + more + "\r\n";
}

std::string length(std::size_t octets) {
  return "Content-Length: " + std::to_string(octets) + "\r\n";
}

asio::awaitable<Response> tell_size(const Request& request) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::to_string(request.body.size());
  co_return response;
}

Response in_own_words(const Refusal& refusal) {
  Response response;
  response.status = status_of(refusal.type);
  response.content_type = "text/plain";
  response.body = "no: " + refusal.detail;
  response.headers = refusal_headers(refusal);
  return response;
}

// POST /small and /large take anything and tell its size; /words says no in its own words.
class HttpBody : public ::testing::Test {
 protected:
  static ServerSetup setup() {
    ServerSetup setup;
    setup.limits.max_body = 1000;
    setup.limits.max_message_body = 1'000'000;
    setup.limits.body_memory = 100'000;
    return setup;
  }
  explicit HttpBody(ServerSetup with = setup()) : server_(std::move(with)) {
    Route route{http::verb::post, "/small", Access::send, "", {}, tell_size, {"*/*"}};
    server_.router().add(route);
    route.body = BodySize::message;
    route.pattern = "/large";
    server_.router().add(route);
    route.pattern = "/words";
    route.render = &in_own_words;
    server_.router().add(route);
  }
  Answer post(const std::string& target, const std::string& more, const std::string& body) {
    RawClient client(server_.endpoint());
    client.send(head(target, more + length(body.size())) + body);
    return client.read_answer();
  }

  ApiServer server_;
};

// ---- judged by the head ---------------------------------------------------------------------------------------------

TEST_F(HttpBody, IsNotWaitedForWhenItsHeadIsRefused) {
  const std::pair<std::string, int> heads[] = {{head("/large", length(900'000), ""), 401},
                                               {head("/large", length(900'000), "pr_wrong"), 401},
                                               {head("/nowhere", length(900'000)), 404},
                                               {head("/health", length(900'000)), 405},
                                               {head("/large?odd=1", length(900'000)), 400},
                                               {head("/v1/users", kText + length(900'000)), 415},
                                               {head("/large", "Content-Encoding: br\r\n" + length(900'000)), 415},
                                               {head("/large", length(1'000'001)), 413}};
  for (const auto& [octets, status] : heads) {
    RawClient client(server_.endpoint());
    client.send(octets);
    const Answer answer = client.read_answer();
    EXPECT_EQ(answer.status, status) << octets;
    EXPECT_EQ(answer.header("connection"), "close") << octets;
  }
}

TEST_F(HttpBody, IsNotAskedForWhenItsHeadIsRefused) {
  RawClient client(server_.endpoint());
  client.send(head("/large", "Expect: 100-continue\r\n" + length(10), ""));
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.header("connection"), "close");  // nobody knows whether the body will come
}

TEST_F(HttpBody, WhenSmallIsSkippedAndTheConnectionGoesOn) {
  RawClient client(server_.endpoint());
  client.send(head("/large", length(5), "pr_wrong") + "GET /" + head("/large", length(3)) + "abc");
  EXPECT_EQ(client.read_answer().status, 401);
  EXPECT_EQ(client.read_answer().body, "3");
}

TEST_F(HttpBody, IsAnsweredAlsoWhenTheClientSendsOnAndOn) {
  RawClient client(server_.endpoint());
  client.send(head("/large", length(200'000), "") + std::string(200'000, 'x'));
  EXPECT_EQ(client.read_answer().status, 401);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(HttpBody, HasTheLimitOfItsRoute) {
  const std::string between(2000, 'x');
  EXPECT_EQ(post("/small", "", between).status, 413);
  EXPECT_EQ(post("/large", "", between).body, "2000");
  RawClient chunked(server_.endpoint());
  chunked.send(head("/small", "Transfer-Encoding: chunked\r\n") + "3e8\r\n" + std::string(1000, 'x') +
               "\r\n1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.read_answer().status, 413);
}

TEST_F(HttpBody, IsRefusedInTheWordsOfItsRoute) {
  EXPECT_EQ(post("/words", "Content-Encoding: br\r\n", "x").body,
            "no: a body can be packed with gzip, and in no other way");
  const Answer long_one = post("/words", "", std::string(1'000'001, 'x'));
  EXPECT_EQ(long_one.status, 413);
  EXPECT_EQ(long_one.body, "no: the body is longer than 1000000 octets");
  EXPECT_EQ(server_.call_raw("POST", "/words", "").body.substr(0, 4), "no: ");
}

// ---- memory ---------------------------------------------------------------------------------------------------------

TEST_F(HttpBody, IsRefusedWhenItsMemoryIsUsedUp) {
  const Answer refused = post("/large", "", std::string(200'000, 'x'));  // 64 KiB are free, 100,000 octets there are
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "5");
  EXPECT_EQ(refused.json().at("type"), "/problems/unavailable");
  for (int again = 0; again < 3; ++again) EXPECT_EQ(post("/large", "", std::string(150'000, 'x')).body, "150000");
}

TEST(OpenRoute, TakesOnlyBodiesThatCostNothing) {
  ApiServer server;
  server.router().add({http::verb::post, "/open", Access::open, "", {}, tell_size, {"*/*"}, BodySize::message});
  EXPECT_EQ(server.call_raw("POST", "/open", "", std::string(RequestBody::kFree, 'x')).body, "65536");
  EXPECT_EQ(server.call_raw("POST", "/open", "", std::string(RequestBody::kFree + 1, 'x')).status, 413);
}

TEST(CallbackRoute, HasMemoryOfItsOwn) {
  ServerSetup setup;
  setup.limits.max_callback_body = 1'000'000;
  setup.limits.callback_memory = 100'000;
  const TempDirectory directory;
  setup.body_directory = directory.path();
  ApiServer server(std::move(setup));
  server.router().add({http::verb::post, "/open", Access::open, "", {}, tell_size, {"*/*"}, BodySize::callback});
  EXPECT_EQ(server.call_raw("POST", "/open", "", std::string(150'000, 'x')).body, "150000");
  EXPECT_EQ(server.call_raw("POST", "/open", "", std::string(1'000'001, 'x')).status, 413);
  EXPECT_EQ(server.call_raw("POST", "/open", "", std::string(200'000, 'x')).status, 503);  // and not to the disk
  EXPECT_EQ(server.call_raw("POST", "/open", "Content-Encoding: gzip\r\n", gzip("x")).status, 415);
  EXPECT_EQ(server.body_room().memory().used(), 0u);
}

TEST_F(HttpBody, ThatIsOnlyAnnouncedCostsNothing) {
  RawClient idle(server_.endpoint());
  idle.send(head("/large", "Expect: 100-continue\r\n" + length(900'000)));
  EXPECT_EQ(idle.read_answer().status, 100);
  EXPECT_EQ(server_.body_room().memory().used(), 0u);
  EXPECT_EQ(post("/large", "", std::string(150'000, 'x')).body, "150000");
}

// A handler that waits until the test lets it go on.
class Gate {
 public:
  explicit Gate(net::Loop& loop) : loop_(loop), timer_(loop.io(), asio::steady_timer::time_point::max()) {}
  asio::awaitable<Response> hold(const Request& request) {
    entered_.set_value();
    boost::system::error_code opened;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, opened));
    co_return co_await tell_size(request);
  }
  void wait_until_entered() { entered_.get_future().wait(); }
  void open() {
    loop_.post(Task([this] { timer_.cancel(); }));
  }

 private:
  net::Loop& loop_;
  asio::steady_timer timer_;
  std::promise<void> entered_;
};

TEST_F(HttpBody, IsPaidForUntilItsHandlerHasEnded) {
  Gate gate(server_.loop());
  server_.router().add({http::verb::post,
                        "/hold",
                        Access::send,
                        "",
                        {},
                        [&](const Request& r) { return gate.hold(r); },
                        {"*/*"},
                        BodySize::message});
  RawClient first(server_.endpoint());
  const std::string body(150'000, 'x');
  first.send(head("/hold", length(body.size())) + body);
  gate.wait_until_entered();
  EXPECT_EQ(post("/large", "", body).status, 503);
  EXPECT_EQ(post("/large", "", std::string(60'000, 'x')).body, "60000");  // small ones are never in need
  gate.open();
  EXPECT_EQ(first.read_answer().body, "150000");
  EXPECT_EQ(post("/large", "", body).body, "150000");
}

// ---- disk -----------------------------------------------------------------------------------------------------------

class PatientBody : public HttpBody {
 protected:
  explicit PatientBody(ServerSetup with = setup()) : HttpBody(in(std::move(with))) {
    hold_ = {http::verb::post, "/hold", Access::send, "", {}, [this](const Request& r) { return gate_.hold(r); },
             {"*/*"}};
    hold_.body = BodySize::message;
    server_.router().add(hold_);
  }
  // Takes the memory until the gate opens.
  void occupy() {
    first_.send(head("/hold", length(150'000)) + std::string(150'000, 'x'));
    gate_.wait_until_entered();
  }
  // Until so many bodies are whole and wait for memory.
  void wait_until_waiting(std::size_t bodies) {
    std::size_t there = 0;
    for (int looks = 0; there != bodies && looks < 1'000'000; ++looks) {
      std::promise<std::size_t> waiting;
      server_.loop().post(Task([&] { waiting.set_value(server_.body_room().waiting()); }));
      there = waiting.get_future().get();
    }
    ASSERT_EQ(there, bodies);
  }
  void send_large(RawClient& client, std::size_t octets) {
    client.send(head("/large", length(octets)) + std::string(octets, 'x'));
  }

  Gate gate_{server_.loop()};
  RawClient first_{server_.endpoint()}, second_{server_.endpoint()}, third_{server_.endpoint()};

 private:
  static ServerSetup in(ServerSetup with) {
    static const TempDirectory directory;
    with.body_directory = directory.path();
    return with;
  }
  Route hold_;
};

TEST_F(PatientBody, WaitsItsTurnWhenMemoryIsUsedUp) {
  occupy();
  send_large(second_, 155'000);
  wait_until_waiting(1);
  send_large(third_, 75'000);  // would find room, but the other was first
  wait_until_waiting(2);
  EXPECT_EQ(server_.body_room().memory().used(), 150'000 - RequestBody::kFree);
  EXPECT_EQ(post("/large", "", std::string(60'000, 'x')).body, "60000");  // small ones are never in need
  gate_.open();
  EXPECT_EQ(first_.read_answer().body, "150000");
  EXPECT_EQ(second_.read_answer().body, "155000");
  EXPECT_EQ(third_.read_answer().body, "75000");
  EXPECT_EQ(server_.body_room().memory().used(), 0u);
  EXPECT_EQ(server_.body_room().disk().used(), 0u);
}

TEST_F(PatientBody, ArrivesAsItWasSent) {
  occupy();
  std::string body;
  for (int i = 0; body.size() < 140'000; ++i) body += std::to_string(i) + ",";
  Route route{http::verb::post, "/echo", Access::send, "", {}, {}, {"*/*"}};
  route.body = BodySize::message;
  route.handler = [](const Request& request) -> asio::awaitable<Response> {
    Response response;
    response.content_type = "text/plain";
    response.body = request.body;
    co_return response;
  };
  server_.router().add(route);
  const std::string packed = gzip(body);
  second_.send(head("/echo", length(body.size())) + body);
  wait_until_waiting(1);
  third_.send(head("/echo", "Content-Encoding: gzip\r\n" + length(packed.size())) + packed);
  wait_until_waiting(2);
  gate_.open();
  EXPECT_EQ(second_.read_answer().body, body);
  EXPECT_EQ(third_.read_answer().body, body);
}

TEST_F(PatientBody, IsRefusedWhenTheServerCloses) {
  occupy();
  send_large(second_, 150'000);
  wait_until_waiting(1);
  const std::future<void> closed = server_.begin_close();
  EXPECT_EQ(second_.read_answer().status, 503);
  gate_.open();
  EXPECT_EQ(first_.read_answer().body, "150000");
  closed.wait();
}

class CrampedBody : public PatientBody {
 protected:
  static ServerSetup cramped() {
    ServerSetup setup = HttpBody::setup();
    setup.limits.body_disk = 200'000;
    setup.limits.body_wait = std::chrono::milliseconds(1);
    return setup;
  }
  CrampedBody() : PatientBody(cramped()) {}
};

TEST_F(CrampedBody, IsRefusedWhenTheDiskIsUsedUpToo) {
  EXPECT_EQ(post("/large", "", std::string(300'000, 'x')).status, 503);
  EXPECT_EQ(server_.body_room().disk().used(), 0u);
}

TEST_F(CrampedBody, IsRefusedWhenItHasWaitedLong) {
  occupy();
  send_large(second_, 150'000);
  const Answer answer = second_.read_answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("retry-after"), "5");
  gate_.open();
  EXPECT_EQ(first_.read_answer().body, "150000");
  EXPECT_EQ(server_.body_room().disk().used(), 0u);
}

// ---- the end of the server -------------------------------------------------------------------------------------------

// More than the buffers between the two take at once.
constexpr std::size_t kManyOctets = 32u << 20;

asio::awaitable<Response> give_much(Gate& gate, const Request& request) {
  Response response = co_await gate.hold(request);
  response.body.assign(kManyOctets, 'x');
  co_return response;
}

TEST_F(HttpBody, ThatIsInHandIsAnsweredWhileTheServerCloses) {
  Gate gate(server_.loop());
  Route route{http::verb::post, "/hold", Access::send, "", {}, {}, {"*/*"}};
  route.handler = [&](const Request& r) { return give_much(gate, r); };
  server_.router().add(route);
  RawClient client(server_.endpoint());
  client.send(head("/hold", length(3)) + "abc");
  gate.wait_until_entered();
  const std::future<void> closed = server_.begin_close();
  gate.open();
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.size(), kManyOctets);
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
  closed.wait();
}

// ---- time -----------------------------------------------------------------------------------------------------------

class SlowBody : public HttpBody {
 protected:
  static ServerSetup impatient() {
    ServerSetup setup = HttpBody::setup();
    setup.limits.body_timeout = std::chrono::milliseconds(500);
    setup.limits.body_rate = 1;  // an octet buys a second
    return setup;
  }
  SlowBody() : HttpBody(impatient()) {}
};

TEST_F(SlowBody, MayTakeLongerTheMoreOfItHasCome) {
  RawClient busy(server_.endpoint()), silent(server_.endpoint());
  busy.send(head("/small", "Expect: 100-continue\r\n" + length(900)));
  EXPECT_EQ(busy.read_answer().status, 100);
  busy.send(std::string(600, 'x'));
  silent.send(head("/small", "Expect: 100-continue\r\n" + length(900)));
  EXPECT_EQ(silent.read_answer().status, 100);
  EXPECT_EQ(silent.read_to_end(), "");  // cut: by now the other would be as well
  busy.send(std::string(300, 'x'));
  EXPECT_EQ(busy.read_answer().body, "900");
}

// ---- gzip -----------------------------------------------------------------------------------------------------------

TEST_F(HttpBody, IsUnpacked) {
  const std::string packed = gzip(std::string(50'000, 'x'));
  EXPECT_EQ(post("/large", "Content-Encoding: gzip\r\n", packed).body, "50000");
  EXPECT_EQ(post("/large", "Content-Encoding: identity\r\n", "four").body, "4");
  RawClient chunked(server_.endpoint());
  const std::string one = gzip("x");
  char size[8];
  std::snprintf(size, sizeof size, "%zx\r\n", one.size());
  chunked.send(head("/large", "Transfer-Encoding: chunked\r\nContent-Encoding: x-gzip\r\n") + size + one +
               "\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.read_answer().body, "1");
}

TEST_F(HttpBody, ThatUnpacksToTooMuchIsRefused) {
  EXPECT_EQ(post("/small", "Content-Encoding: gzip\r\n", gzip(std::string(1001, 'x'))).status, 413);
  const std::string bomb = gzip(std::string(30u << 20, 'x'));
  ASSERT_LT(bomb.size(), 200'000u);
  EXPECT_EQ(post("/large", "Content-Encoding: gzip\r\n", bomb).status, 503);  // its memory is used up first
  EXPECT_EQ(server_.body_room().memory().used(), 0u);
}

TEST_F(HttpBody, ThatUnpacksToNothingIsBoundedToo) {
  const std::string begun =
      gzip("").substr(0, 10);  // RFC 1952 2.3: the header; blocks that are empty and not the last follow
  std::string endless;
  while (endless.size() < 1000) endless += std::string("\x00\x00\x00\xff\xff", 5);
  RawClient client(server_.endpoint());
  client.send(head("/small", "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n") + "a\r\n" + begun +
              "\r\n3e8\r\n" + endless + "\r\n");
  EXPECT_EQ(client.read_answer().status, 413);
}

class RoomyBody : public HttpBody {
 protected:
  static ServerSetup roomy() {
    ServerSetup setup = HttpBody::setup();
    setup.limits.body_memory = 100u << 20;
    return setup;
  }
  RoomyBody() : HttpBody(roomy()) {}
};

TEST_F(RoomyBody, ABombIsTooLarge) {
  EXPECT_EQ(post("/large", "Content-Encoding: gzip\r\n", gzip(std::string(30u << 20, 'x'))).status, 413);
}

TEST_F(HttpBody, ThatIsNotPackedAsItSaysIsRefused) {
  EXPECT_EQ(post("/large", "Content-Encoding: gzip\r\n", "plain").status, 400);
  const std::string packed = gzip("some text");
  EXPECT_EQ(post("/large", "Content-Encoding: gzip\r\n", packed.substr(0, packed.size() - 3)).status, 400);
  const Answer twice = post("/large", "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", packed);
  EXPECT_EQ(twice.status, 415);
  EXPECT_EQ(twice.header("accept-encoding"), "gzip");
}

// What the answer's body unpacks to.
std::string unpacked(const Answer& answer) {
  std::string out;
  Gunzip gunzip;
  gunzip.take(answer.body, [&](std::string_view octets) {
    out += octets;
    return true;
  });
  return out;
}

TEST(HttpAnswer, IsPackedForWhoTakesIt) {
  ApiServer server;
  for (int i = 0; i < 10; ++i) server.accept("a@example.com", {"b@example.net"});
  const std::string key = std::string("Authorization: Bearer ") + kToken + "\r\n";
  const Answer plain = server.call_raw("GET", "/v1/messages", key);
  EXPECT_EQ(plain.header("content-encoding"), "");
  EXPECT_EQ(plain.header("vary"), "Accept-Encoding");
  const Answer packed = server.call_raw("GET", "/v1/messages", key + "Accept-Encoding: br, gzip\r\n");
  EXPECT_EQ(packed.header("content-encoding"), "gzip");
  EXPECT_LT(packed.body.size(), plain.body.size() / 2);
  EXPECT_EQ(unpacked(packed), plain.body);
  const Answer head = server.call_raw("HEAD", "/v1/messages", key + "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(head.header("content-length"), std::to_string(packed.body.size()));
}

TEST(HttpAnswer, ThatIsSmallOrMailIsNotPacked) {
  ApiServer server;
  const std::string id =
      server.accept("a@example.com", {"b@example.net"}, "Subject: long\r\n\r\n" + std::string(5000, 'x') + "\r\n")
          .str();
  const std::string headers = std::string("Authorization: Bearer ") + kToken + "\r\nAccept-Encoding: gzip\r\n";
  for (const std::string& path : {std::string("/health"), "/v1/messages/" + id + "/body"})
    EXPECT_EQ(server.call_raw("GET", path, headers).header("content-encoding"), "") << path;
}

}  // namespace
}  // namespace postrider::mgmt::test
