#include "tests/unit/relay/cutting_peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace postrider::testing_fakes {

namespace asio = boost::asio;

namespace {
// Far longer than anything here takes: a failure that would hang becomes one that says so.
constexpr Duration kPatience = std::chrono::seconds(30);
}  // namespace

std::string_view to_string(Cut how) {
  switch (how) {
    case Cut::close:
      return "close";
    case Cut::reset:
      return "reset";
    case Cut::half_close:
      return "half_close";
    case Cut::silence:
      return "silence";
  }
  return "?";
}

CuttingPeer::CuttingPeer(net::Loop& loop, asio::ip::tcp::socket socket, CutPlan plan)
    : plan_(plan), handle_(socket.native_handle()), stream_(loop, std::move(socket)) {
  const int on = 1;
  ::setsockopt(handle_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

asio::awaitable<bool> CuttingPeer::say(std::string octets) {
  if (cut_ || gone_) co_return false;
  const std::size_t left = plan_.said - said_;
  const bool last = octets.size() >= left;
  if (last) {
    octets.resize(left);
    if (before_the_cut_) before_the_cut_();
  }
  stream_.expires_after(kPatience);
  const net::IoResult written = co_await stream_.write(octets);
  gone_ = written.error.failed();
  said_ += octets.size();
  if (last) cut();
  co_return !last && !gone_;
}

asio::awaitable<bool> CuttingPeer::hear_until(std::string_view end) {
  std::size_t found;
  while ((found = all_heard_.find(end, read_to_)) == std::string::npos) {
    const bool more = co_await hear_more();
    if (!more) co_return false;
  }
  found += end.size();
  text_ = all_heard_.substr(read_to_, found - read_to_);
  read_to_ = found;
  co_return true;
}

asio::awaitable<bool> CuttingPeer::hear_reply() {
  do {
    const bool line = co_await hear_until("\r\n");
    if (!line) co_return false;
  } while (text_.size() > 3 && text_[3] == '-');
  co_return true;
}

asio::awaitable<bool> CuttingPeer::accept_tls(net::TlsContext context) {
  stream_.expires_after(kPatience);
  const net::IoResult shaken = co_await stream_.handshake_server(std::move(context));
  gone_ = shaken.error.failed();
  co_return !gone_;
}

asio::awaitable<bool> CuttingPeer::start_tls(net::TlsContext context) {
  const std::string name = "localhost";
  stream_.expires_after(kPatience);
  const net::IoResult shaken = co_await stream_.handshake_client(std::move(context), name);
  gone_ = shaken.error.failed();
  co_return !gone_;
}

asio::awaitable<void> CuttingPeer::hear_out() {
  bool more = true;
  while (more) more = co_await hear_more();
}

// Never more than what comes before the cut.
asio::awaitable<bool> CuttingPeer::hear_more() {
  const bool listens = !cut_ || plan_.how == Cut::half_close || plan_.how == Cut::silence;
  if (gone_ || !listens) co_return false;
  std::array<char, 16384> window;
  const std::size_t left = cut_ ? window.size() : plan_.heard - all_heard_.size();
  stream_.expires_after(kPatience);
  const net::IoResult got = co_await stream_.read_some({window.data(), std::min(window.size(), left)});
  all_heard_.append(window.data(), got.bytes);
  gone_ = got.error.failed();
  if (!cut_ && all_heard_.size() == plan_.heard) {
    cut();
    co_return false;
  }
  co_return !gone_;
}

void CuttingPeer::cut() {
  cut_ = true;
  if (plan_.how == Cut::reset) {
    const linger hard{1, 0};
    ::setsockopt(handle_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  if (plan_.how == Cut::close || plan_.how == Cut::half_close) ::shutdown(handle_, SHUT_WR);
  if (plan_.how == Cut::close || plan_.how == Cut::reset) stream_.close();
}

}  // namespace postrider::testing_fakes
