#include "relay/inbound/connection.h"

#include <algorithm>
#include <cstring>

namespace postrider::relay {
namespace {

constexpr std::size_t kIdleBuffer = 4 * 1024;  // 10,000 idle connections are 40 MB of these
constexpr std::size_t kBodyBuffer = 16 * 1024;
constexpr std::size_t kMaxBuffer = 64 * 1024;
constexpr Duration kPartingTime = std::chrono::seconds(1);  // for a last reply while we are going down

}  // namespace

Connection::Connection(std::unique_ptr<net::Stream> stream, Duration write_timeout)
    : stream_(std::move(stream)), write_timeout_(write_timeout) {}

void Connection::consume(std::size_t octets) {
  begin_ += octets;
  if (begin_ == end_) begin_ = end_ = 0;
}

boost::asio::awaitable<bool> Connection::fill(Wait what, Duration limit, std::size_t at_most) {
  if (!out_.empty()) {
    const bool flushed = co_await flush();
    if (!flushed) co_return false;
  }
  if (must_stop(what)) {
    gone_ = Gone::stopped;
    co_return false;
  }
  make_room(what);
  std::span<char> room(buffer_.get() + end_, std::min(capacity_ - end_, at_most));
  set_deadline(limit);
  reading_ = true;
  reading_what_ = what;
  net::IoResult io = co_await stream_->read_some(room);
  reading_ = false;
  end_ += io.bytes;
  filled_up_ = io.bytes == room.size();
  co_return !lost(io);
}

void Connection::queue(const Reply& reply) {
  reply.append_wire(out_);
}

boost::asio::awaitable<bool> Connection::flush() {
  if (gone_ != Gone::no) co_return false;
  if (out_.empty()) co_return true;
  set_deadline(write_timeout_);
  net::IoResult io = co_await stream_->write(out_);
  out_.clear();
  co_return !lost(io);
}

boost::asio::awaitable<void> Connection::close() {
  if (gone_ == Gone::stopped) gone_ = Gone::no;
  if (gone_ == Gone::timed_out) stream_->farewell(out_);
  // With input unread the end would be a reset, which takes back what was not sent before it.
  const bool said = gone_ == Gone::no && begin_ == end_ && !out_.empty() && stream_->last_words(out_);
  if (gone_ == Gone::no && !said) co_await flush();
  stream_->close();
}

boost::asio::awaitable<bool> Connection::start_tls(net::TlsContext context, Duration limit) {
  set_deadline(limit);
  net::IoResult io = co_await stream_->handshake_server(std::move(context));
  co_return !lost(io);
}

void Connection::stop(StopLevel level) {
  stop_ = level;
  if (reading_ && must_stop(reading_what_)) stream_->cancel();
  if (level == StopLevel::now && !reading_) set_deadline(kPartingTime);
}

// Small while idle, larger for bodies, and doubled while reads keep filling it.
void Connection::make_room(Wait what) {
  if (begin_ == end_ && what == Wait::idle && capacity_ > kIdleBuffer) resize(kIdleBuffer);
  std::size_t wanted = what == Wait::body ? kBodyBuffer : kIdleBuffer;
  if (filled_up_) wanted = std::max(wanted, capacity_ * 2);
  wanted = std::min(wanted, kMaxBuffer);
  if (capacity_ < wanted) resize(wanted);
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
}

void Connection::resize(std::size_t capacity) {
  std::unique_ptr<char[]> larger(new char[capacity]);  // not zeroed: it is read into
  if (end_ > begin_) std::memcpy(larger.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  buffer_ = std::move(larger);
  capacity_ = capacity;
}

bool Connection::must_stop(Wait what) const {
  return stop_ == StopLevel::now || (stop_ == StopLevel::idle && what == Wait::idle);
}

void Connection::set_deadline(Duration limit) {
  stream_->expires_after(stop_ == StopLevel::now ? std::min(limit, kPartingTime) : limit);
}

bool Connection::lost(const net::IoResult& io) {
  if (!io.error) return false;
  if (stream_->timed_out()) {
    gone_ = Gone::timed_out;
  } else {
    bool ours = io.error == boost::asio::error::operation_aborted && stop_ != StopLevel::none;
    gone_ = ours ? Gone::stopped : Gone::closed;
  }
  return true;
}

}  // namespace postrider::relay
