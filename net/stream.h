// Stream: one connection, plain at first, TLS once a handshake succeeded (the TLS layer does not exist
// before). Every wait is under the one deadline of the connection: set it before a stage, expiry ends the
// pending operation with timed_out and everything after it too. Owned by one coroutine on one Loop; reads and
// writes are not concurrent with themselves.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/deadline_wheel.h"
#include "net/loop.h"
#include "net/tls.h"

namespace postrider::net {

struct IoResult {
  boost::system::error_code error;  // asio::error::eof at the end, asio::error::timed_out after the deadline
  std::size_t bytes = 0;
};

struct TlsInfo {
  std::string version;  // "TLSv1.3"
  std::string cipher;
};

class Stream {
 public:
  Stream(Loop& loop, boost::asio::ip::tcp::socket socket);
  ~Stream();  // closes

  void expires_after(Duration d) { deadline_.set(d); }
  void expires_never() { deadline_.clear(); }
  bool timed_out() const { return timed_out_; }
  Loop& loop() const { return loop_; }

  boost::asio::awaitable<IoResult> read_some(std::span<char> into);
  // Tries a direct non-blocking send first, so that a reply that fits the socket buffer costs one system call
  // and no wait.
  boost::asio::awaitable<IoResult> write(std::string_view octets);
  boost::asio::awaitable<IoResult> write(std::span<const boost::asio::const_buffer> buffers);  // gathered, all of it

  boost::asio::awaitable<IoResult> handshake_server(TlsContext context);
  // SNI and, when the context verifies, the certificate's name must match `name` (RFC 6125). On failure
  // `tls_error` says why.
  boost::asio::awaitable<IoResult> handshake_client(TlsContext context, const std::string& name);
  // Only after success is_tls() holds; after a failure the stream is closed.
  const std::string& tls_error() const { return tls_error_; }
  bool is_tls() const { return tls_ready_; }
  TlsInfo tls_info() const;

  boost::asio::ip::tcp::endpoint local() const;
  boost::asio::ip::tcp::endpoint remote() const;
  // Parting words, best effort: sends what the socket takes at once, also after the deadline. Plain streams
  // only.
  void farewell(std::string_view octets);
  // What is said right before close(), to leave in one segment with its end. False: this is no plain stream, or the socket did
  // not take it; write() it.
  bool last_words(std::string_view octets);
  void cancel();  // ends pending operations with operation_aborted
  // At once, for TLS without waiting for the peer's close_notify. Ends pending operations with
  // operation_aborted; the Stream itself must outlive them.
  void close();

 private:
  using Socket = boost::asio::ip::tcp::socket;
  using Buffers = std::span<const boost::asio::const_buffer>;
  friend boost::asio::awaitable<std::pair<boost::system::error_code, std::unique_ptr<Stream>>> connect(
      Loop& loop, boost::asio::ip::tcp::endpoint endpoint, Duration timeout);

  void expire();
  // Why a wait may not begin: none, timed_out, or operation_aborted once the task was cancelled.
  boost::system::error_code refusal(const boost::asio::cancellation_state& task) const;
  IoResult finish(boost::system::error_code why, std::size_t bytes) const;
  std::size_t send_direct(Buffers buffers, boost::system::error_code& error);
  boost::asio::awaitable<IoResult> write_rest(Buffers buffers, std::size_t sent);
  boost::asio::awaitable<IoResult> write_tls(Buffers buffers);
  boost::asio::awaitable<IoResult> handshake(boost::asio::ssl::stream_base::handshake_type side);
  void send_close_notify();
  Loop& loop_;
  Socket socket_;
  std::unique_ptr<boost::asio::ssl::stream<Socket&>> tls_;
  TlsContext tls_context_;
  Deadline deadline_;
  bool timed_out_ = false;
  bool tls_ready_ = false;
  bool tls_writing_ = false;
  std::string tls_error_;
  mutable std::optional<boost::asio::ip::tcp::endpoint> remote_;
};

// Connects to one endpoint; the error is timed_out after `timeout`.
boost::asio::awaitable<std::pair<boost::system::error_code, std::unique_ptr<Stream>>> connect(
    Loop& loop, boost::asio::ip::tcp::endpoint endpoint, Duration timeout);

}  // namespace postrider::net
