#include "mgmt/server.h"

#include "mgmt/connection.h"

namespace postrider::mgmt {

namespace {

constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

boost::asio::awaitable<void> run_connection(std::unique_ptr<Connection> connection, net::TlsContext tls) {
  co_await connection->run(std::move(tls));
}

}  // namespace

HttpServer::HttpServer(net::Loop& loop, const Router& router, const HttpLimits& limits, BodyRoom& body_room, Log& log)
    : loop_(loop),
      router_(router),
      limits_(limits),
      body_room_(body_room),
      callback_room_(loop, loop.clock(), loop.make_alarm(), {"", limits.callback_memory, 0}),
      log_(log),
      connections_(loop, [&log](std::string_view, const std::exception& error) {
        log.error("http.connection_failed", {{"error", error.what()}});
      }) {}

void HttpServer::accept(boost::asio::ip::tcp::socket socket, net::TlsContext tls) {
  auto stream = std::make_unique<net::Stream>(loop_, std::move(socket));
  if (stopping_ || connections_.size() >= limits_.max_connections) {
    if (!tls) stream->farewell(kTooMany);
    return;
  }
  ConnectionParts parts{router_, limits_, body_room_, callback_room_, request_ids_, loop_.clock(), log_, stopping_};
  auto connection = std::make_unique<Connection>(parts, std::move(stream));
  connections_.spawn("http.connection", run_connection(std::move(connection), std::move(tls)));
}

boost::asio::awaitable<void> HttpServer::close() {
  stopping_ = true;
  connections_.cancel();
  body_room_.close();
  callback_room_.close();
  co_await connections_.drain();
}

}  // namespace postrider::mgmt
