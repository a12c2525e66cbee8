#include "relay/outbound/wakeup.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postrider::relay {

namespace asio = boost::asio;

Wakeup::Wakeup(net::Loop& loop) : never_(loop.io(), asio::steady_timer::time_point::max()) {}

void Wakeup::signal() {
  if (signalled_) return;
  signalled_ = true;
  never_.cancel();
}

asio::awaitable<void> Wakeup::wait() {
  if (!signalled_) {
    boost::system::error_code ignored;
    co_await never_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  signalled_ = false;
}

}  // namespace postrider::relay
