// One SMTP connection from the first octet to the last: PROXY header, TLS, greeting, then command after command. The only place
// that queues replies, counts errors and decides when enough is enough. Owned by a task of SmtpServer, on one Loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "relay/inbound/commands.h"
#include "relay/inbound/session_context.h"

namespace postrider::relay {

class Session {
 public:
  // `parts` outlives the session.
  Session(const SessionParts& parts, std::shared_ptr<const SmtpOptions> options,
          std::shared_ptr<const ListenerPolicy> listener, std::unique_ptr<net::Stream> stream);

  boost::asio::awaitable<void> run();
  void stop(StopLevel level) { context_.connection.stop(level); }

 private:
  boost::asio::awaitable<bool> open();
  boost::asio::awaitable<bool> read_proxy_header();
  void meet(const IpAddress& client);
  boost::asio::awaitable<void> serve();
  void part();
  boost::asio::awaitable<Then> execute(std::string_view line);
  Then refuse_line(smtp::LineStatus status);
  Then answer(smtp::Verb verb, Reply reply);
  std::optional<Reply> enough() const;
  void refuse_proxy_header();
  void log_loss() const;
  void log_refusal(smtp::Verb verb, const Reply& reply) const;

  SessionContext context_;
  ConnectionCounts::Ticket address_ticket_;
};

}  // namespace postrider::relay
