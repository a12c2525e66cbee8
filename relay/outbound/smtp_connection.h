// SmtpConnection: a greeted, secured and logged-in connection to one upstream, ready for MAIL. And how to get one:
// SmtpConnector walks hosts and addresses, EHLO, STARTTLS and AUTH. On one Loop; a connector serves many openings at a time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "relay/outbound/smtp_transport.h"
#include "relay/outbound/smtp_wire.h"
#include "relay/smtp/ehlo_reply.h"

namespace postrider::relay {

struct SmtpConnection {
  explicit SmtpConnection(std::unique_ptr<net::Stream> stream) : wire(std::move(stream)) {}

  SmtpWire wire;
  smtp::Capabilities capabilities;
  std::string peer;  // host[address]:port
  std::string tls;   // "TLSv1.3", or empty
  bool loopback = false;
  std::uint32_t messages = 0;  // transactions begun on it
  Duration idle_since{};       // monotonic
};

class SmtpConnector {
 public:
  SmtpConnector(const SmtpTransportParts& parts) : parts_(parts), config_(parts.upstream.config()) {}

  struct Opened {
    std::unique_ptr<SmtpConnection> connection;  // null: `verdict` says why, `peer` who was asked last
    Verdict verdict;
    std::string peer;
    bool handshake_failed = false;
  };
  boost::asio::awaitable<Opened> open();

 private:
  using Endpoint = boost::asio::ip::tcp::endpoint;
  enum class TlsUse : std::uint8_t { as_configured, never };

  boost::asio::awaitable<Opened> open_host(std::string host, std::size_t& addresses_left);
  boost::asio::awaitable<Opened> open_endpoint(std::string host, Endpoint endpoint);
  boost::asio::awaitable<Opened> open_once(std::string host, Endpoint endpoint, TlsUse use);
  boost::asio::awaitable<bool> handshake(SmtpConnection& connection, std::string host, Opened& opened);
  boost::asio::awaitable<bool> hello(SmtpConnection& connection, Verdict& verdict);
  boost::asio::awaitable<bool> starttls(SmtpConnection& connection, std::string host, Opened& opened);

  const SmtpTransportParts& parts_;
  const UpstreamConfig& config_;
};

// smtp_login.cpp: AUTH by what the configuration and the server agree on (RFC 4954). False: `verdict` says why.
boost::asio::awaitable<bool> smtp_login(SmtpConnection& connection, const UpstreamConfig& config, Verdict& verdict);

}  // namespace postrider::relay
