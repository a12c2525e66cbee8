#include "relay/inbound/maildrop_watch.h"

#include <sys/inotify.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postrider::relay {

namespace asio = boost::asio;

MaildropWatch::MaildropWatch(net::Loop& loop, const std::string& directory, std::function<void()> changed)
    : events_(loop.io()), changed_(std::move(changed)), tasks_(loop, [](std::string_view, const std::exception&) {}) {
  const int events = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (events < 0) return;
  events_.assign(events);
  // A whole file appears by rename.
  if (::inotify_add_watch(events, directory.c_str(), IN_MOVED_TO | IN_ONLYDIR) < 0) events_.close();
}

void MaildropWatch::start() {
  if (events_.is_open()) tasks_.spawn("maildrop watch", watch());
}

void MaildropWatch::stop() {
  boost::system::error_code ignored;
  events_.close(ignored);
}

// What happened does not matter: whoever is told looks at all there is.
asio::awaitable<void> MaildropWatch::watch() {
  std::array<char, 16 << 10> buffer;
  for (;;) {
    boost::system::error_code error;
    co_await events_.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    changed_();
  }
}

}  // namespace postrider::relay
