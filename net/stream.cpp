#include "net/stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "net/tls_peer.h"

namespace postrider::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kWait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kGather = 16;            // buffers a system call
constexpr std::size_t kTlsRecord = 16 * 1024;  // RFC 8446 5.1

std::size_t total(std::span<const asio::const_buffer> buffers) {
  std::size_t sum = 0;
  for (const asio::const_buffer& b : buffers) sum += b.size();
  return sum;
}

// One sendmsg of what follows the first `sent` octets; never waits, never raises SIGPIPE.
std::size_t send_now(int fd, std::span<const asio::const_buffer> buffers, std::size_t sent, error_code& error,
                     int flags = 0) {
  std::array<iovec, kGather> parts;
  std::size_t count = 0;
  for (const asio::const_buffer& b : buffers) {
    if (sent >= b.size()) {
      sent -= b.size();
      continue;
    }
    if (count == parts.size()) break;
    const asio::const_buffer rest = b + sent;
    sent = 0;
    parts[count++] = {const_cast<void*>(rest.data()), rest.size()};  // NOLINT: iovec serves reading and writing
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  for (;;) {
    const ssize_t n = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | flags);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EINTR) continue;
    error = error_code(errno, boost::system::system_category());
    return 0;
  }
}

bool would_block(error_code error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

}  // namespace

Stream::Stream(Loop& loop, tcp::socket socket)
    : loop_(loop), socket_(std::move(socket)), deadline_(loop.deadlines(), [this] { expire(); }) {}

Stream::~Stream() {
  close();
}

// Asio asks the socket once before it waits, in vain after most writes. Waiting for readiness first is no cheaper: measured,
// the vain recv goes and an epoll_ctl of the same cost (350 ns both) comes in its place.
asio::awaitable<IoResult> Stream::read_some(std::span<char> into) {
  const asio::cancellation_state task = co_await asio::this_coro::cancellation_state;
  const error_code refused = refusal(task);
  if (refused) co_return finish(refused, 0);
  const asio::mutable_buffer buffer(into.data(), into.size());
  if (tls_) {
    auto [error, bytes] = co_await tls_->async_read_some(buffer, kWait);
    co_return finish(error, bytes);
  }
  auto [error, bytes] = co_await socket_.async_read_some(buffer, kWait);
  co_return finish(error, bytes);
}

asio::awaitable<IoResult> Stream::write(std::string_view octets) {
  const std::array<asio::const_buffer, 1> one{asio::const_buffer(octets.data(), octets.size())};
  error_code error;
  const std::size_t sent = tls_ ? 0 : send_direct(one, error);
  if (!tls_ && (error || sent == octets.size())) co_return finish(error, sent);
  // Named: GCC 12 destroys the awaitable of a conditional expression inside co_await twice.
  asio::awaitable<IoResult> rest = tls_ ? write_tls(one) : write_rest(one, sent);
  const IoResult done = co_await std::move(rest);
  co_return done;
}

asio::awaitable<IoResult> Stream::write(Buffers buffers) {
  error_code error;
  const std::size_t sent = tls_ ? 0 : send_direct(buffers, error);
  if (!tls_ && (error || sent == total(buffers))) co_return finish(error, sent);
  asio::awaitable<IoResult> rest = tls_ ? write_tls(buffers) : write_rest(buffers, sent);
  const IoResult done = co_await std::move(rest);
  co_return done;
}

asio::awaitable<IoResult> Stream::handshake_server(TlsContext context) {
  tls_context_ = std::move(context);
  tls_ = std::make_unique<asio::ssl::stream<Socket&>>(socket_, *tls_context_);
  return handshake(asio::ssl::stream_base::server);
}

asio::awaitable<IoResult> Stream::handshake_client(TlsContext context, const std::string& name) {
  tls_context_ = std::move(context);
  tls_ = std::make_unique<asio::ssl::stream<Socket&>>(socket_, *tls_context_);
  set_peer_name(tls_->native_handle(), name);
  tls_->set_verify_callback([this](bool accepted, asio::ssl::verify_context& chain) {
    if (!accepted) tls_error_ = describe_refusal(chain.native_handle());
    return accepted;
  });
  return handshake(asio::ssl::stream_base::client);
}

TlsInfo Stream::tls_info() const {
  if (!tls_ready_) return {};
  SSL* ssl = tls_->native_handle();
  return {SSL_get_version(ssl), SSL_get_cipher_name(ssl)};
}

tcp::endpoint Stream::local() const {
  error_code ignored;
  return socket_.local_endpoint(ignored);
}

tcp::endpoint Stream::remote() const {
  if (!remote_) {
    error_code error;
    tcp::endpoint peer = socket_.remote_endpoint(error);
    if (error) return peer;
    remote_ = peer;
  }
  return *remote_;
}

void Stream::farewell(std::string_view octets) {
  if (tls_ || !socket_.is_open()) return;
  const std::array<asio::const_buffer, 1> one{asio::const_buffer(octets.data(), octets.size())};
  error_code ignored;
  send_now(socket_.native_handle(), one, 0, ignored);
}

// MSG_MORE holds the octets back until the FIN that close() sends: one segment less for each connection.
bool Stream::last_words(std::string_view octets) {
  if (tls_ || timed_out_ || !socket_.is_open()) return false;
  const std::array<asio::const_buffer, 1> one{asio::const_buffer(octets.data(), octets.size())};
  error_code error;
  return send_now(socket_.native_handle(), one, 0, error, MSG_MORE) >
         0;  // a reply fits whole, or the peer reads nothing
}

void Stream::cancel() {
  error_code ignored;
  socket_.cancel(ignored);
}

void Stream::close() {
  deadline_.clear();
  if (!socket_.is_open()) return;
  remote();  // kept for whoever writes the log line
  if (tls_ready_ && !tls_writing_ && !timed_out_) send_close_notify();
  error_code ignored;
  socket_.close(ignored);
}

// A plain stream stays open for its parting words. A TLS operation may stand between two steps, where
// cancel() would not reach it, and what is half written cannot be followed by anything: there the socket is
// closed.
void Stream::expire() {
  timed_out_ = true;
  remote();
  error_code ignored;
  tls_ ? socket_.close(ignored) : socket_.cancel(ignored);
}

error_code Stream::refusal(const asio::cancellation_state& task) const {
  if (timed_out_) return asio::error::timed_out;
  if (task.cancelled() != asio::cancellation_type::none) return asio::error::operation_aborted;
  return {};
}

IoResult Stream::finish(error_code why, std::size_t bytes) const {
  IoResult done;
  done.bytes = bytes;
  done.error = why;
  if (!why) return done;
  if (timed_out_) {
    done.error = asio::error::timed_out;
  } else if (why == asio::ssl::error::stream_truncated) {
    done.error = asio::error::eof;  // SMTP marks its ends itself, a missing close_notify cuts nothing off
  } else if (why == asio::error::bad_descriptor) {
    done.error = asio::error::operation_aborted;  // closed by us
  }
  return done;
}

// What the socket takes without waiting. The error says why nothing more can ever be sent, not that it is full.
std::size_t Stream::send_direct(Buffers buffers, error_code& error) {
  if (timed_out_) {
    error = asio::error::timed_out;
  } else if (!socket_.is_open()) {
    error = asio::error::operation_aborted;
  }
  if (error || total(buffers) == 0) return 0;
  const std::size_t sent = send_now(socket_.native_handle(), buffers, 0, error);
  if (would_block(error)) error = {};
  return sent;
}

asio::awaitable<IoResult> Stream::write_rest(Buffers buffers, std::size_t sent) {
  const asio::cancellation_state task = co_await asio::this_coro::cancellation_state;
  const std::size_t size = total(buffers);
  error_code error;
  while (sent < size && !error) {
    error = refusal(task);
    if (error) break;
    std::tie(error) = co_await socket_.async_wait(tcp::socket::wait_write, kWait);
    if (error || timed_out_ || !socket_.is_open()) break;
    sent += send_now(socket_.native_handle(), buffers, sent, error);
    if (would_block(error)) error = {};
  }
  if (!error && sent < size) error = asio::error::operation_aborted;
  co_return finish(error, sent);
}

// Small pieces are joined first: each buffer would become a record and a system call of its own.
asio::awaitable<IoResult> Stream::write_tls(Buffers buffers) {
  const asio::cancellation_state task = co_await asio::this_coro::cancellation_state;
  const error_code refused = refusal(task);
  if (refused) co_return finish(refused, 0);
  tls_writing_ = true;
  error_code error;
  std::size_t bytes = 0;
  if (buffers.size() > 1 && total(buffers) <= kTlsRecord) {
    std::string joined;
    joined.reserve(total(buffers));
    for (const asio::const_buffer& b : buffers) joined.append(static_cast<const char*>(b.data()), b.size());
    std::tie(error, bytes) = co_await asio::async_write(*tls_, asio::buffer(joined), kWait);
  } else {
    std::tie(error, bytes) = co_await asio::async_write(*tls_, buffers, kWait);
  }
  tls_writing_ = error.failed();
  co_return finish(error, bytes);
}

asio::awaitable<IoResult> Stream::handshake(asio::ssl::stream_base::handshake_type side) {
  const asio::cancellation_state task = co_await asio::this_coro::cancellation_state;
  error_code error = refusal(task);
  if (!error) std::tie(error) = co_await tls_->async_handshake(side, kWait);
  const IoResult done = finish(error, 0);
  tls_ready_ = !done.error;
  if (done.error) {
    if (tls_error_.empty()) tls_error_ = timed_out_ ? "the TLS handshake timed out" : describe_tls_error(error);
    close();
  }
  co_return done;
}

void Stream::send_close_notify() {
  const std::string alert = close_notify(tls_->native_handle());
  const std::array<asio::const_buffer, 1> one{asio::const_buffer(alert.data(), alert.size())};
  error_code ignored;
  if (!alert.empty()) send_now(socket_.native_handle(), one, 0, ignored);
}

asio::awaitable<std::pair<error_code, std::unique_ptr<Stream>>> connect(Loop& loop, tcp::endpoint endpoint,
                                                                        Duration timeout) {
  std::pair<error_code, std::unique_ptr<Stream>> made;
  auto stream = std::make_unique<Stream>(loop, tcp::socket(loop.io()));
  stream->expires_after(timeout);
  const asio::cancellation_state task = co_await asio::this_coro::cancellation_state;
  error_code error = stream->refusal(task);
  if (!error) stream->socket_.open(endpoint.protocol(), error);
  if (!error) stream->socket_.set_option(tcp::no_delay(true), error);
  if (!error) std::tie(error) = co_await stream->socket_.async_connect(endpoint, kWait);
  if (stream->timed_out_) error = asio::error::timed_out;
  stream->expires_never();
  made.first = error;
  if (!error) made.second = std::move(stream);
  co_return made;
}

}  // namespace postrider::net
