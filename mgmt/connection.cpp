#include "mgmt/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/core/string.hpp>

#include "mgmt/content_coding.h"
#include "mgmt/problem.h"
#include "mgmt/request.h"
#include "mgmt/response_head.h"

namespace postrider::mgmt {

namespace {

constexpr std::size_t kReadSize = 16 * 1024;
constexpr std::size_t kLingerOctets = 256 * 1024;
constexpr Duration kLingerTime = std::chrono::seconds(2);

constexpr Duration kRoomComesBack = std::chrono::seconds(5);

Refusal too_long(std::uint64_t limit) {
  Refusal refusal;
  refusal.type = ProblemType::payload_too_large;
  refusal.detail = "the body is longer than " + std::to_string(limit) + " octets";
  return refusal;
}

Refusal not_unpacked(std::string detail) {
  Refusal refusal;
  refusal.type = ProblemType::unsupported_media_type;
  refusal.detail = std::move(detail);
  refusal.headers.emplace_back("Accept-Encoding", "gzip");  // RFC 9110 15.5.16
  return refusal;
}

Response unreadable(const boost::system::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return problem(ProblemType::headers_too_large, "request line and header fields are too long");
  return problem(ProblemType::bad_request, "this is not a HTTP/1.1 request: " + error.message());
}

// RFC 9110 10.1.1: the client waits for our word before it sends the body.
bool waits_for_continue(const Request& request) {
  return boost::beast::iequals(request.header("expect"), "100-continue");
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

// One request and its answer.
struct Connection::Exchange {
  Parser parser;
  Request request;
  Response response;
  Admission admission;
  Coding coding = Coding::identity;
  Duration started{};
  bool keep_alive = false;
};

// False when the connection is over.
boost::asio::awaitable<bool> Connection::serve_one() {
  Exchange exchange;
  exchange.parser.header_limit(parts_.limits.max_header);
  exchange.parser.body_limit(boost::none);  // RequestBody has the route's
  exchange.parser.eager(false);
  Stage stage = co_await read_head(exchange);
  if (stage == Stage::done) {
    const Stage admitted = co_await admit(exchange);
    stage = admitted;
  }
  RequestBody body(room_for(exchange.admission), body_limit(exchange.admission), exchange.coding);
  if (stage == Stage::done) {
    const Stage arrived = co_await read_body(exchange, body);
    stage = arrived;
  }
  if (stage == Stage::done) {
    const Stage fetched = co_await fetch_body(exchange, body);
    stage = fetched;
  }
  if (stage == Stage::closed) co_return false;
  if (stage == Stage::done) {
    exchange.request.body = body.release();
    stream_->expires_never();  // a handler bounds itself; events are waited for longer than for any octet
    exchange.response = co_await parts_.router.handle(exchange.request, exchange.admission);
    std::string().swap(exchange.request.body);
  }
  body.drop();  // the client may take its time with the answer
  log(exchange);
  parts_.router.cors().add_to(exchange.request, exchange.response);
  pack(exchange.request, exchange.response);
  exchange.keep_alive = exchange.keep_alive && !parts_.stopping;
  const bool written = co_await write(exchange.request, std::move(exchange.response), exchange.keep_alive);
  if (!written) co_return false;
  if (exchange.keep_alive) {
    if (parts_.stopping) co_return false;  // since the answer was begun: see write()
    const bool at_its_end = co_await skip_body(exchange);
    co_return at_its_end;
  }
  if (stage == Stage::refused) co_await linger();
  co_return false;
}

// Deadlines: idle until the first octet, then one for the whole header, never moved by a trickle.
boost::asio::awaitable<Connection::Stage> Connection::read_head(Exchange& exchange) {
  bool begun = false;
  exchange.request.id = parts_.request_ids.next();
  exchange.request.peer = stream_->remote().address();
  stream_->expires_after(parts_.limits.idle_timeout);
  while (true) {
    if (buffer_.size() > 0) {
      if (!begun) {
        stream_->expires_after(parts_.limits.header_timeout);
        exchange.started = parts_.clock.monotonic();
      }
      begun = true;
      if (const auto error = parse(exchange.parser)) {
        exchange.response = unreadable(error);
        co_return Stage::refused;
      }
      if (exchange.parser.is_header_done()) co_return Stage::done;
    }
    const bool more = co_await fill();
    if (!more) co_return Stage::closed;
  }
}

// The gate, and what the head alone tells of the body.
boost::asio::awaitable<Connection::Stage> Connection::admit(Exchange& exchange) {
  Request& request = exchange.request;
  auto made = make_request(exchange.parser.get().base(), request.id);
  if (!made) {
    exchange.response =
        problem(ProblemType::bad_request,
                "the request needs a path in UTF-8, one Host field, and a body that has a length or is chunked");
    co_return Stage::refused;
  }
  made->peer = request.peer;
  made->tls = stream_->is_tls();
  request = std::move(*made);
  stream_->expires_never();  // a key may have to be looked up
  auto admitted = co_await parts_.router.admit(request);
  exchange.keep_alive = exchange.parser.get().keep_alive();
  if (const auto* admission = std::get_if<Admission>(&admitted)) {
    exchange.admission = *admission;
    const auto refused = refuse_body(exchange);
    if (!refused) co_return Stage::done;
    exchange.response = parts_.router.refuse(*admission, *refused);
  } else {
    exchange.response = std::get<Response>(std::move(admitted));
  }
  exchange.keep_alive = exchange.keep_alive && is_body_skippable(exchange);
  co_return Stage::refused;
}

std::optional<Refusal> Connection::refuse_body(Exchange& exchange) const {
  const std::uint64_t limit = body_limit(exchange.admission);
  if (exchange.parser.content_length().value_or(0) > limit) return too_long(limit);
  const auto coding = coding_of(exchange.request);
  if (!coding) return not_unpacked("a body can be packed with gzip, and in no other way");
  // A signature is over what is on the wire, and is checked over what is in the body.
  const bool is_signed = !exchange.admission.key_checked || exchange.admission.route->body == BodySize::callback;
  if (*coding != Coding::identity && is_signed) return not_unpacked("a body that is signed cannot be packed");
  exchange.coding = *coding;
  return std::nullopt;
}

// The deadline moves with what has arrived, as fast as the slowest client that is worth waiting for.
boost::asio::awaitable<Connection::Stage> Connection::read_body(Exchange& exchange, RequestBody& body) {
  Parser& parser = exchange.parser;
  if (parser.is_done()) co_return Stage::done;
  parser.get().body().target = &body;
  parser.eager(true);
  const HttpLimits& limits = parts_.limits;
  const Duration begun = parts_.clock.monotonic();
  stream_->expires_after(limits.body_timeout);
  if (waits_for_continue(exchange.request)) {
    const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const net::IoResult sent = co_await stream_->write(go_on);
    if (sent.error) co_return Stage::closed;
  }
  while (true) {
    if (buffer_.size() > 0) {
      if (const auto error = parse(parser)) {
        exchange.response = refusal_for(exchange.admission, body, error);
        exchange.keep_alive = false;
        co_return Stage::refused;
      }
      if (parser.is_done()) co_return Stage::done;
    }
    const Duration earned(body.arrived() * 1000 / limits.body_rate);
    const Duration spent = parts_.clock.monotonic() - begun;
    stream_->expires_after(std::max(limits.body_timeout + earned - spent, Duration(1)));
    const bool more = co_await fill();
    if (!more) co_return Stage::closed;
  }
}

// A body that found no memory is on disk, and waits for its turn.
boost::asio::awaitable<Connection::Stage> Connection::fetch_body(Exchange& exchange, RequestBody& body) {
  stream_->expires_never();
  const bool fetched = co_await body.fetch();
  if (fetched) co_return Stage::done;
  exchange.response = refusal_for(exchange.admission, body, {});
  co_return Stage::refused;
}

// What is left of a request that was refused by its head and is small enough to go on after it.
bool Connection::is_body_skippable(const Exchange& exchange) {
  if (exchange.parser.is_done()) return true;
  const auto length = exchange.parser.content_length();
  return length && *length <= RequestBody::kFree && !waits_for_continue(exchange.request);
}

boost::asio::awaitable<bool> Connection::skip_body(Exchange& exchange) {
  RequestBody rest(parts_.body_room, RequestBody::kFree);
  const Stage skipped = co_await read_body(exchange, rest);
  co_return skipped == Stage::done;
}

// Feeds what is buffered; no error when all went well, whether or not the message is complete.
boost::system::error_code Connection::parse(Parser& parser) {
  boost::system::error_code error;
  const std::size_t taken = parser.put(buffer_.data(), error);
  buffer_.consume(taken);
  if (error == http::error::need_more) error = {};
  if (!error && taken == 0 && buffer_.size() == buffer_.max_size()) error = http::error::buffer_overflow;
  return error;
}

BodyRoom& Connection::room_for(const Admission& admission) const {
  const bool callback = admission.route && admission.route->body == BodySize::callback;
  return callback ? parts_.callback_room : parts_.body_room;
}

// What needs no key asks for little, so that nobody without one takes from the memory of those who have one.
std::uint64_t Connection::body_limit(const Admission& admission) const {
  const HttpLimits& limits = parts_.limits;
  if (!admission.route) return limits.max_body;
  const BodySize size = admission.route->body;
  if (size == BodySize::callback) return limits.max_callback_body;
  if (admission.route->access == Access::open) return std::min(RequestBody::kFree, limits.max_body);
  return size == BodySize::message ? limits.max_message_body : limits.max_body;
}

Response Connection::refusal_for(const Admission& admission, const RequestBody& body,
                                 const boost::system::error_code& error) const {
  Refusal refusal;
  switch (body.trouble()) {
    case RequestBody::Trouble::too_long:
      refusal = too_long(body_limit(admission));
      break;
    case RequestBody::Trouble::no_room:
      refusal.type = ProblemType::unavailable;
      refusal.detail = "there is no memory for another large body at this moment";
      refusal.retry_after = kRoomComesBack;
      break;
    case RequestBody::Trouble::not_gzip:
      refusal.detail = "the body is not the gzip that Content-Encoding says it is";
      break;
    case RequestBody::Trouble::none:
      refusal.detail = "the body is not what HTTP/1.1 says it must be: " + error.message();
      break;
  }
  return parts_.router.refuse(admission, refusal);
}

void Connection::log(const Exchange& exchange) const {
  const Request& request = exchange.request;
  const bool failed = exchange.response.status == http::status::internal_server_error;
  const LogLevel level = failed ? LogLevel::error : LogLevel::debug;
  if (!parts_.log.enabled(level)) return;
  const Duration took = parts_.clock.monotonic() - exchange.started;
  parts_.log.write(level, "http.request", nullptr,
                   {{"request_id", request.id},
                    {"method", std::string(http::to_string(request.method))},
                    {"target", request.target},
                    {"status", std::to_string(static_cast<unsigned>(exchange.response.status))},
                    {"actor", request.principal.actor},
                    {"peer", request.peer.to_string()},
                    {"ms", std::to_string(took.count())}});
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

// To its end, also while the server closes: the client of a message that is stored and who hears nothing of it sends it again. What
// cancel() said meanwhile is lost, so `stopping` is asked for afterwards.
boost::asio::awaitable<bool> Connection::write(const Request& request, Response response, bool keep_alive) {
  const std::string head = render_head(request, response, keep_alive, parts_.clock.now());
  const bool bodiless = request.method == http::verb::head || !has_content(response.status);
  const bool inline_body = !bodiless && !response.stream;
  const std::array<boost::asio::const_buffer, 2> buffers{
      boost::asio::buffer(head), boost::asio::buffer(response.body.data(), inline_body ? response.body.size() : 0)};
  stream_->expires_after(parts_.limits.write_timeout);
  const std::span<const boost::asio::const_buffer> all(buffers);
  co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
  const net::IoResult sent = co_await stream_->write(all);
  co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::enable_terminal_cancellation());
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
    if (parts_.stopping) co_return false;
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
