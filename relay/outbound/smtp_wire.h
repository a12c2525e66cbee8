// SmtpWire: commands out, replies in, over one Stream. Owned by one connection, on its Loop. Every wait ends: by an answer, by the
// peer, or by the deadline of the step; after a break the wire is of no more use.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "core/reply.h"
#include "net/stream.h"
#include "relay/outbound/smtp_outcome.h"
#include "relay/smtp/reply_parser.h"

namespace postrider::relay {

// A reply, or why there is none.
struct Answer {
  Reply reply;  // code 0: there is none
  Break broken = Break::closed;
  std::string detail;

  bool answered() const { return reply.code != 0; }
  bool positive() const { return reply.code >= 200 && reply.code < 300; }
  Verdict judge(Stage stage, std::size_t accepted = 0) const {
    return answered() ? judge_reply(stage, reply, accepted) : judge_break(stage, broken, detail);
  }
};

class SmtpWire {
 public:
  explicit SmtpWire(std::unique_ptr<net::Stream> stream) : stream_(std::move(stream)) {}

  // `step` bounds everything until the next call that sets one.
  boost::asio::awaitable<Answer> command(std::string_view line, Duration step);  // adds CRLF, reads one reply
  boost::asio::awaitable<Answer> reply(Duration step);
  // False when not all could be written; failure() then says why, unless the peer left a reply to read.
  boost::asio::awaitable<bool> send(std::string_view octets, Duration step);
  boost::asio::awaitable<bool> send(std::span<const boost::asio::const_buffer> buffers, Duration step);
  const Answer& failure() const { return failure_; }

  bool has_unread() const { return begin_ != end_; }  // a reply that nobody asked for
  void drop_received();                               // STARTTLS: nothing heard in clear counts any more (RFC 3207 6.)
  net::Stream& stream() { return *stream_; }

 private:
  Answer broke(boost::system::error_code error);
  bool note_write(const net::IoResult& done);

  std::unique_ptr<net::Stream> stream_;
  smtp::ReplyParser parser_;
  Answer failure_;
  std::size_t begin_ = 0, end_ = 0;  // what of buffer_ is not parsed yet
  std::array<char, 4096> buffer_;
};

}  // namespace postrider::relay
