#include "mgmt/connection.h"

#include <array>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/serializer.hpp>

#include "mgmt/problem.h"
#include "mgmt/request.h"

namespace postrider::mgmt {

namespace {

constexpr std::size_t kReadSize = 8 * 1024;
constexpr std::size_t kLingerOctets = 256 * 1024;
constexpr Duration kLingerTime = std::chrono::seconds(2);

Response refusal_for(const boost::system::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return problem(ProblemType::headers_too_large, "request line and header fields are too long");
  if (error == http::error::body_limit) return problem(ProblemType::payload_too_large, "the body is too long");
  return problem(ProblemType::bad_request, "this is not a HTTP/1.1 request: " + error.message());
}

// IMF-fixdate (RFC 9110 5.6.7) is the mail date with GMT for the zone.
std::string http_date(Time now) {
  std::string date = format_rfc5322(now);
  const auto zone = date.rfind(' ');
  return date.substr(0, zone) + " GMT";
}

bool has_content(http::status status) {
  return status != http::status::no_content;
}

std::string render_head(const Request& request, const Response& response, bool keep_alive, Time now) {
  http::response<http::empty_body> head(response.status, 11);
  head.set(http::field::date, http_date(now));
  head.set("X-Request-Id", request.id);
  head.set(http::field::cache_control, "no-store");
  head.set("X-Content-Type-Options", "nosniff");
  if (!response.content_type.empty()) head.set(http::field::content_type, response.content_type);
  for (const auto& [name, value] : response.headers) head.set(name, value);
  if (has_content(response.status)) head.content_length(response.stream ? response.stream_size : response.body.size());
  head.keep_alive(keep_alive);

  http::response_serializer<http::empty_body> serializer(head);
  std::string out;
  boost::system::error_code error;
  while (!serializer.is_done()) {
    serializer.next(error, [&](boost::system::error_code&, const auto& buffers) {
      out += boost::beast::buffers_to_string(buffers);
      serializer.consume(boost::beast::buffer_bytes(buffers));
    });
  }
  return out;
}

}  // namespace

Connection::Connection(ConnectionParts parts, std::unique_ptr<net::Stream> stream)
    : parts_(parts), stream_(std::move(stream)), buffer_(parts.limits.max_header + kReadSize) {}

boost::asio::awaitable<void> Connection::run(net::TlsContext tls) {
  if (tls) {
    stream_->expires_after(parts_.limits.handshake_timeout);
    const net::IoResult shaken = co_await stream_->handshake_server(std::move(tls));
    if (shaken.error) co_return;
  }
  // Not `while (co_await ...)`: GCC 12 miscompiles a co_await in the condition of some loops and branches.
  bool go_on = true;
  while (go_on) {
    const bool served = co_await serve_one();
    go_on = served;
  }
}

// False when the connection is over.
boost::asio::awaitable<bool> Connection::serve_one() {
  const Duration started = parts_.clock.monotonic();
  Parser parser;
  parser.header_limit(parts_.limits.max_header);
  parser.body_limit(parts_.limits.max_body);
  parser.eager(false);
  Request request;
  Response response;
  const Received received = co_await receive(parser, response);
  if (received == Received::closed) co_return false;
  bool keep_alive = false;
  std::string id = parts_.request_ids.next();
  if (received == Received::request) {
    keep_alive = parser.get().keep_alive();
    auto made = make_request(parser.release(), stream_->remote().address(), id);
    if (made) {
      request = std::move(*made);
      stream_->expires_never();  // a handler bounds itself; events are waited for longer than for any octet
      response = co_await parts_.router.handle(request);
    } else {
      response = problem(ProblemType::bad_request, "the request needs a path and one Host field");
      keep_alive = false;
    }
  }
  if (request.id.empty()) request.id = std::move(id);
  const bool failed = response.status == http::status::internal_server_error;
  const LogLevel level = failed ? LogLevel::error : LogLevel::debug;
  if (parts_.log.enabled(level)) {
    const Duration took = parts_.clock.monotonic() - started;
    parts_.log.write(level, "http.request", nullptr,
                     {{"request_id", request.id},
                      {"method", std::string(http::to_string(request.method))},
                      {"target", request.target},
                      {"status", std::to_string(static_cast<unsigned>(response.status))},
                      {"actor", request.principal.actor},
                      {"peer", request.peer.to_string()},
                      {"ms", std::to_string(took.count())}});
  }
  keep_alive = keep_alive && !parts_.stopping;
  const bool written = co_await write(request, std::move(response), keep_alive);
  if (written && received == Received::refused) co_await linger();
  co_return written&& keep_alive;
}

// Deadlines: idle until the first octet; then one for the whole header, one for the whole body, never moved by a trickle.
boost::asio::awaitable<Connection::Received> Connection::receive(Parser& parser, Response& refusal) {
  bool begun = false, body_begun = false;
  stream_->expires_after(parts_.limits.idle_timeout);
  while (true) {
    if (buffer_.size() > 0) {
      if (!begun) stream_->expires_after(parts_.limits.header_timeout);
      begun = true;
      if (auto refused = parse(parser)) {
        refusal = std::move(*refused);
        co_return Received::refused;
      }
      if (parser.is_done()) co_return Received::request;
    }
    if (parser.is_header_done() && !body_begun) {
      body_begun = true;
      stream_->expires_after(parts_.limits.body_timeout);
      if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        const net::IoResult sent = co_await stream_->write(go_on);
        if (sent.error) co_return Received::closed;
      }
      parser.eager(true);
      if (buffer_.size() > 0) continue;
    }
    const bool more = co_await fill();
    if (!more) co_return Received::closed;
  }
}

// Feeds what is buffered; nothing when all went well, whether or not the message is complete.
std::optional<Response> Connection::parse(Parser& parser) {
  boost::system::error_code error;
  buffer_.consume(parser.put(buffer_.data(), error));
  if (!error || error == http::error::need_more) {
    if (buffer_.size() < buffer_.max_size() || parser.is_done()) return std::nullopt;
    error = http::error::buffer_overflow;
  }
  return refusal_for(error);
}

boost::asio::awaitable<bool> Connection::fill() {
  const std::size_t room = std::min(kReadSize, buffer_.max_size() - buffer_.size());
  const auto space = buffer_.prepare(room);
  const std::span<char> into(static_cast<char*>(space.data()), space.size());
  const net::IoResult got = co_await stream_->read_some(into);
  if (got.error) co_return false;
  buffer_.commit(got.bytes);
  co_return true;
}

boost::asio::awaitable<bool> Connection::write(const Request& request, Response response, bool keep_alive) {
  const std::string head = render_head(request, response, keep_alive, parts_.clock.now());
  const bool bodiless = request.method == http::verb::head || !has_content(response.status);
  const bool inline_body = !bodiless && !response.stream;
  const std::array<boost::asio::const_buffer, 2> buffers{
      boost::asio::buffer(head), boost::asio::buffer(response.body.data(), inline_body ? response.body.size() : 0)};
  stream_->expires_after(parts_.limits.write_timeout);
  const std::span<const boost::asio::const_buffer> all(buffers);
  const net::IoResult sent = co_await stream_->write(all);
  if (sent.error) co_return false;
  if (bodiless || !response.stream) co_return true;
  const bool complete = co_await write_stream(*response.stream, response.stream_size, request.id);
  co_return complete;
}

// A body that ends early cuts the connection: the client sees that octets are missing.
boost::asio::awaitable<bool> Connection::write_stream(ResponseStream& body, std::uint64_t size,
                                                      const std::string& request_id) {
  std::uint64_t left = size;
  while (left > 0) {
    const auto piece = co_await body.next();
    if (!piece || !*piece || (*piece)->size() > left) {
      parts_.log.warn("http.body_cut", {{"request_id", request_id},
                                        {"missing", std::to_string(left)},
                                        {"error", piece ? "its length is wrong" : piece.error().text}});
      co_return false;
    }
    stream_->expires_after(parts_.limits.write_timeout);
    const std::string_view octets(**piece);
    const net::IoResult sent = co_await stream_->write(octets);
    if (sent.error) co_return false;
    left -= octets.size();
  }
  co_return true;
}

// A client that is still sending would see a reset instead of the refusal: take a bounded rest of it.
boost::asio::awaitable<void> Connection::linger() {
  stream_->expires_after(kLingerTime);
  for (std::size_t taken = 0; taken < kLingerOctets;) {
    buffer_.clear();
    const bool more = co_await fill();
    if (!more) co_return;
    taken += buffer_.size();
  }
}

}  // namespace postrider::mgmt
