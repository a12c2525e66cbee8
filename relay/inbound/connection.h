// The octets of one SMTP connection: one read buffer that is small while nothing happens, and one place that writes replies.
// Replies are gathered until somebody must wait for input, so pipelined commands are answered in one write (RFC 2920 3.2).
// Owned by a Session, on its Loop. Knows no command.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "core/reply.h"
#include "net/stream.h"

namespace postrider::relay {

enum class StopLevel : std::uint8_t {
  none,
  idle,  // close when nothing is under way
  now,   // close at the next wait
};

enum class Gone : std::uint8_t {
  no,
  closed,  // by the peer, or a broken connection
  timed_out,
  stopped,  // we are going down
};

class Connection {
 public:
  Connection(std::unique_ptr<net::Stream> stream, Duration write_timeout);

  // What came and was not consumed; valid until the next fill().
  std::string_view pending() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t octets);
  void discard_input() { begin_ = end_ = 0; }

  // What for, and whether a shutdown may interrupt it.
  enum class Wait : std::uint8_t { idle, command, body };
  // Writes what is queued, then reads once. False: see gone().
  boost::asio::awaitable<bool> fill(Wait what, Duration limit,
                                    std::size_t at_most = std::numeric_limits<std::size_t>::max());

  void queue(const Reply& reply);
  boost::asio::awaitable<bool> flush();
  // The end: what is queued goes out, if the connection still stands; after a timeout as far as that needs no wait.
  boost::asio::awaitable<void> close();

  boost::asio::awaitable<bool> start_tls(net::TlsContext context, Duration limit);

  Gone gone() const { return gone_; }
  void stop(StopLevel level);  // on the Loop's thread
  net::Stream& stream() { return *stream_; }

 private:
  void make_room(Wait what);
  void resize(std::size_t capacity);
  bool must_stop(Wait what) const;
  void set_deadline(Duration limit);
  bool lost(const net::IoResult& io);

  std::unique_ptr<net::Stream> stream_;
  Duration write_timeout_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  bool filled_up_ = false;  // the last read took all the room there was: more is waiting
  std::string out_;
  Gone gone_ = Gone::no;
  StopLevel stop_ = StopLevel::none;
  bool reading_ = false;
  Wait reading_what_ = Wait::idle;
};

}  // namespace postrider::relay
