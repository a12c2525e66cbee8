#include "net/http_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

namespace postrider::net {
namespace {

using boost::asio::ip::tcp;
using namespace std::chrono_literals;

// Answers one request with the given octets, then closes; keeps the request.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : answer_(std::move(answer)), thread_([this] { serve(); }) {}
  ~OneAnswer() { request(); }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + path;
  }
  const std::string& request() {
    if (thread_.joinable()) thread_.join();
    return request_;
  }

 private:
  void serve() {
    tcp::socket socket = acceptor_.accept();
    const std::size_t head = boost::asio::read_until(socket, boost::asio::dynamic_buffer(request_), "\r\n\r\n");
    const std::size_t at = request_.find("Content-Length: ");
    const std::size_t length = at == std::string::npos ? 0 : std::stoul(request_.substr(at + 16));
    std::string rest(length - std::min(length, request_.size() - head), '\0');
    boost::asio::read(socket, boost::asio::buffer(rest));
    request_ += rest;
    boost::system::error_code ignored;
    boost::asio::write(socket, boost::asio::buffer(answer_), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    while (!ignored) socket.read_some(boost::asio::buffer(rest.empty() ? rest = "x" : rest), ignored);
  }

  boost::asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
  std::string answer_;
  std::string request_;
  std::thread thread_;
};

TEST(HttpClient, SendsMethodHeadersAndBody) {
  OneAnswer server("HTTP/1.1 201 Created\r\nX-Thing: first \r\nContent-Length: 2\r\n\r\nok");
  HttpRequest request;
  request.method = "PUT";
  request.url = server.url("/v1/messages?state=held");
  request.headers = {{"Authorization", "Bearer k"}, {"X-Empty", ""}};
  request.body = std::string("a\0b", 3);
  const auto answer = http_call(request);
  ASSERT_TRUE(answer.has_value()) << answer.error().text;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "ok");
  EXPECT_EQ(answer->header("x-thing"), "first");
  EXPECT_EQ(answer->header("x-none"), "");
  const std::string& sent = server.request();
  EXPECT_TRUE(sent.starts_with("PUT /v1/messages?state=held HTTP/1.1\r\n")) << sent;
  EXPECT_NE(sent.find("\r\nAuthorization: Bearer k\r\n"), std::string::npos);
  EXPECT_NE(sent.find("\r\nX-Empty:\r\n"), std::string::npos);
  EXPECT_TRUE(sent.ends_with(std::string("\r\n\r\na\0b", 7)));
}

TEST(HttpClient, APostWithoutABodySaysSo) {
  OneAnswer server("HTTP/1.1 204 No Content\r\n\r\n");
  HttpRequest request;
  request.method = "POST";
  request.url = server.url("/v1/messages/x/retry");
  EXPECT_EQ(http_call(request).value().status, 204);
  EXPECT_NE(server.request().find("Content-Length: 0"), std::string::npos);
}

TEST(HttpClient, FollowsNoRedirect) {
  OneAnswer server("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  HttpRequest request;
  request.url = server.url("/");
  const auto answer = http_call(request);
  ASSERT_TRUE(answer.has_value()) << answer.error().text;
  EXPECT_EQ(answer->status, 302);
}

TEST(HttpClient, SaysThatNothingListens) {
  boost::asio::io_context io;
  tcp::acceptor taken(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  const std::string where = "127.0.0.1:" + std::to_string(taken.local_endpoint().port());
  taken.close();
  HttpRequest request;
  request.url = "http://" + where + "/health";
  const auto answer = http_call(request);
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(answer.error().text, "nothing listens on " + where);
}

TEST(HttpClient, GivesUpAfterItsTime) {
  boost::asio::io_context io;
  tcp::acceptor mute(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(mute.local_endpoint().port()) + "/";
  request.timeout = 20ms;
  const auto answer = http_call(request);
  ASSERT_TRUE(answer.has_error());
  EXPECT_NE(answer.error().text.find("within 20ms"), std::string::npos) << answer.error().text;
}

TEST(HttpClient, TakesNoMoreThanItsBound) {
  OneAnswer server("HTTP/1.1 200 OK\r\n\r\n" + std::string(kMaxHttpAnswer + 1, 'x'));
  HttpRequest request;
  request.url = server.url("/");
  const auto answer = http_call(request);
  ASSERT_TRUE(answer.has_error());
  EXPECT_NE(answer.error().text.find("larger than 64 MiB"), std::string::npos) << answer.error().text;
}

TEST(HttpClient, RefusesWhatCannotBeARequest) {
  for (const char* url : {"ftp://127.0.0.1/", "not a url", "", "http://127.0.0.1/\r\nX: y"}) {
    HttpRequest request;
    request.url = url;
    const auto answer = http_call(request);
    ASSERT_TRUE(answer.has_error()) << url;
    EXPECT_EQ(answer.error().kind, FaultKind::invalid) << answer.error().text;
  }
  HttpRequest request;
  request.url = "http://127.0.0.1:1/";
  request.headers = {{"X-A", "b\r\nX-C: d"}};
  EXPECT_EQ(http_call(request).error().kind, FaultKind::invalid);
}

}  // namespace
}  // namespace postrider::net
