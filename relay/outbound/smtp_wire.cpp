#include "relay/outbound/smtp_wire.h"

#include <boost/asio/error.hpp>

namespace postrider::relay {

namespace asio = boost::asio;

asio::awaitable<Answer> SmtpWire::command(std::string_view line, Duration step) {
  const std::array<asio::const_buffer, 2> buffers{asio::const_buffer(line.data(), line.size()),
                                                  asio::const_buffer("\r\n", 2)};
  const bool sent = co_await send(std::span<const asio::const_buffer>(buffers), step);
  if (!sent) co_return failure_;
  Answer answer = co_await reply(step);
  co_return answer;
}

asio::awaitable<Answer> SmtpWire::reply(Duration step) {
  stream_->expires_after(step);
  while (true) {
    const auto parsed = parser_.feed(std::string_view(buffer_.data() + begin_, end_ - begin_));
    begin_ += parsed.consumed;
    Answer answer;
    if (parsed.status == smtp::ReplyParser::Status::complete) {
      answer.reply = parser_.take();
      co_return answer;
    }
    if (parsed.status == smtp::ReplyParser::Status::fault) {
      answer.broken = Break::garbage;
      answer.detail = parser_.fault_text();
      co_return answer;
    }
    begin_ = end_ = 0;
    const net::IoResult got = co_await stream_->read_some(buffer_);
    if (got.error) co_return broke(got.error);
    end_ = got.bytes;
  }
}

asio::awaitable<bool> SmtpWire::send(std::string_view octets, Duration step) {
  stream_->expires_after(step);
  const net::IoResult done = co_await stream_->write(octets);
  co_return note_write(done);
}

asio::awaitable<bool> SmtpWire::send(std::span<const asio::const_buffer> buffers, Duration step) {
  stream_->expires_after(step);
  const net::IoResult done = co_await stream_->write(buffers);
  co_return note_write(done);
}

void SmtpWire::drop_received() {
  begin_ = end_ = 0;
  parser_ = smtp::ReplyParser();
}

bool SmtpWire::note_write(const net::IoResult& done) {
  if (done.error) failure_ = broke(done.error);
  return !done.error;
}

Answer SmtpWire::broke(boost::system::error_code error) {
  Answer answer;
  if (error == asio::error::timed_out) {
    answer.broken = Break::timed_out;
  } else if (error == asio::error::operation_aborted) {
    answer.broken = Break::stopped;
  } else if (error != asio::error::eof) {
    answer.detail = error.message();
  }
  return answer;
}

}  // namespace postrider::relay
