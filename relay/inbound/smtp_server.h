// The SMTP server of one relay thread: starts a session for each connection the listeners hand it, keeps them within the limits,
// and lets them end in order at shutdown. Owned by cmd/serve, used on its Loop's thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <unordered_set>

#include "net/task_group.h"
#include "relay/inbound/session.h"

namespace postrider::relay {

class SmtpServer {
 public:
  SmtpServer(SessionParts parts, std::shared_ptr<const SmtpOptions> options);

  // A connected socket of this Loop; over max_connections it gets 421 and is closed.
  void take(boost::asio::ip::tcp::socket socket, std::shared_ptr<const ListenerPolicy> listener);
  // For connections from now on.
  void use(std::shared_ptr<const SmtpOptions> options) { options_ = std::move(options); }

  // Takes no more from the call on; idle sessions get 421 at once, those in a transaction when it has ended, or
  // after `grace`. The wait ends when the last one is gone.
  boost::asio::awaitable<void> drain(Duration grace);
  std::size_t sessions() const { return sessions_.size(); }

 private:
  boost::asio::awaitable<void> run(std::unique_ptr<net::Stream> stream, std::shared_ptr<const ListenerPolicy> listener,
                                   ConnectionCounts::Ticket ticket);
  boost::asio::awaitable<void> wait_for_sessions(Duration grace);
  void tell_all(StopLevel level);

  SessionParts parts_;
  std::shared_ptr<const SmtpOptions> options_;
  std::unordered_set<Session*> sessions_;
  bool stopping_ = false;
  net::TaskGroup tasks_;
};

}  // namespace postrider::relay
