// One HTTP/1.1 connection of the management server: reads requests one after the other (pipelined ones wait their turn),
// writes each response before it reads on. Lives on the mgmt thread as one task. Sans-I/O parsing by Beast over
// net::Stream, whose single deadline covers every wait; it never arms a timer per read.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>

#include "core/log.h"
#include "mgmt/http.h"
#include "mgmt/router.h"
#include "net/stream.h"

namespace postrider::mgmt {

class RequestIds;

struct ConnectionParts {
  const Router& router;
  const HttpLimits& limits;
  RequestIds& request_ids;
  const Clock& clock;
  Log& log;
  const bool& stopping;  // the server's: no further request is taken
};

class Connection {
 public:
  Connection(ConnectionParts parts, std::unique_ptr<net::Stream> stream);
  boost::asio::awaitable<void> run(net::TlsContext tls);  // null: plain

 private:
  using Parser = http::request_parser<http::string_body>;
  enum class Received : std::uint8_t { request, refused, closed };

  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<Received> receive(Parser& parser, Response& refusal);
  std::optional<Response> parse(Parser& parser);
  boost::asio::awaitable<bool> fill();
  boost::asio::awaitable<bool> write(const Request& request, Response response, bool keep_alive);
  boost::asio::awaitable<bool> write_stream(ResponseStream& body, std::uint64_t size, const std::string& request_id);
  boost::asio::awaitable<void> linger();

  ConnectionParts parts_;
  std::unique_ptr<net::Stream> stream_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace postrider::mgmt
