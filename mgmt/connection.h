// One HTTP/1.1 connection of the management server: reads requests one after the other (pipelined ones wait their turn),
// writes each response before it reads on. Lives on the mgmt thread as one task. Sans-I/O parsing by Beast over
// net::Stream, whose single deadline covers every wait; it never arms a timer per read.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <optional>
#include <string>

#include "core/log.h"
#include "mgmt/http.h"
#include "mgmt/request_body.h"
#include "mgmt/router.h"
#include "net/stream.h"

namespace postrider::mgmt {

class RequestIds;

struct ConnectionParts {
  const Router& router;
  const HttpLimits& limits;
  BodyRoom& body_room;
  BodyRoom& callback_room;  // for BodySize::callback
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
  using Parser = http::request_parser<BodyArrival>;
  struct Exchange;
  // How far a request came: on to the next stage; its answer is in the exchange already; nothing more will come.
  enum class Stage : std::uint8_t { done, refused, closed };

  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<Stage> read_head(Exchange& exchange);
  boost::asio::awaitable<Stage> admit(Exchange& exchange);
  boost::asio::awaitable<Stage> read_body(Exchange& exchange, RequestBody& body);
  boost::asio::awaitable<Stage> fetch_body(Exchange& exchange, RequestBody& body);
  std::optional<Refusal> refuse_body(Exchange& exchange) const;
  static bool is_body_skippable(const Exchange& exchange);
  boost::asio::awaitable<bool> skip_body(Exchange& exchange);
  boost::system::error_code parse(Parser& parser);
  BodyRoom& room_for(const Admission& admission) const;
  std::uint64_t body_limit(const Admission& admission) const;
  Response refusal_for(const Admission& admission, const RequestBody& body,
                       const boost::system::error_code& error) const;
  void log(const Exchange& exchange) const;
  boost::asio::awaitable<bool> fill();
  boost::asio::awaitable<bool> write(const Request& request, Response response, bool keep_alive);
  boost::asio::awaitable<bool> write_stream(ResponseStream& body, std::uint64_t size, const std::string& request_id);
  boost::asio::awaitable<void> linger();

  ConnectionParts parts_;
  std::unique_ptr<net::Stream> stream_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace postrider::mgmt
