// An HTTP request and response as handlers see them: plain values, decoded, bounded by HttpLimits. Made and written by
// mgmt/connection.cpp on the mgmt thread; a Request lives until its handler has ended. No sockets here.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/scopes.h"
#include "core/time.h"
#include "core/upstream_config.h"

namespace postrider::mgmt {

namespace http = boost::beast::http;

// Who is asking, and what it may do. Made by the Authenticator; lives as long as its request.
struct Principal {
  std::string actor;   // what history and log will name: "operator", a user, a key, "trusted:192.0.2.1"
  std::string tenant;  // who owns what it submits; empty: the operator, and clients of a trusted network
  Scopes scopes;
  bool everyone = false;             // sees and steers what others submitted, too
  std::vector<std::string> senders;  // patterns it may send as; empty: any
  RecipientGuard guard;
  std::string key;  // name of the API key, for its limits; empty: it came otherwise

  bool is_operator() const { return everyone && scopes.has(Scope::admin); }
};

struct Request {
  http::verb method = http::verb::get;  // HEAD stays head: the router answers it with the GET handler
  std::string id;                       // X-Request-Id, the client's if it sent a plain one
  std::string target;                   // as sent, for the log and for signatures
  std::vector<std::string> segments;    // of the path, decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded; '+' stays a plus, addresses are full of them
  std::vector<std::pair<std::string, std::string>>
      fields;        // header fields: names in lower case, in the order of the wire
  std::string body;  // decoded when Content-Encoding says gzip
  boost::asio::ip::address peer;
  bool tls = false;

  std::vector<std::string> captures;  // {name} segments of the route, in order; set by the router
  Principal principal;                // set by the router

  // The value of a query parameter, or nothing. Routes list the ones they know, each at most once.
  std::optional<std::string_view> parameter(std::string_view name) const;
  // The first field of that name (lower case), or empty.
  std::string_view header(std::string_view name) const;
  std::size_t header_count(std::string_view name) const;
};

// A response body that is too large to be held: next() gives pieces until null. A fault cuts the connection.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  virtual boost::asio::awaitable<result<std::shared_ptr<const std::string>>> next() = 0;
};

struct Response {
  http::status status = http::status::ok;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // beyond those every response gets
  std::unique_ptr<ResponseStream> stream;                    // instead of `body`, exactly stream_size octets
  std::uint64_t stream_size = 0;
};

using Handler = std::function<boost::asio::awaitable<Response>(const Request&)>;

// Every limit of the management server with its default.
struct HttpLimits {
  std::uint32_t max_header = 16 * 1024;              // octets of request line and fields; 431 beyond
  std::uint64_t max_body = 1024 * 1024;              // 413 beyond, where no message is expected
  std::uint64_t max_message_body = 50ull << 20;      // the same where one is: a message of the largest size in base64
  std::uint64_t max_callback_body = 2ull << 20;      // the same for what providers report, which comes without a key
  std::uint64_t callback_memory = 32ull << 20;       // of all of those at a time, for each listener; 503 beyond
  std::uint64_t body_memory = 128ull << 20;          // of all request bodies at a time; beyond, they wait on disk
  std::uint64_t body_disk = 4ull << 30;              // of those; 503 beyond
  Duration body_wait = std::chrono::minutes(3);      // of such a body for memory, then 503
  std::size_t max_connections = 512;                 // 503 beyond
  Duration idle_timeout = std::chrono::seconds(75);  // between requests
  Duration handshake_timeout = std::chrono::seconds(10);  // TLS
  Duration header_timeout = std::chrono::seconds(10);     // first octet to end of fields, however it trickles
  Duration body_timeout = std::chrono::seconds(30);       // end of fields to end of body, and as much longer as
  std::uint64_t body_rate = 32 * 1024;                    // that many octets a second take for what has come of it
  Duration write_timeout = std::chrono::seconds(30);      // each piece of a response
};

}  // namespace postrider::mgmt
