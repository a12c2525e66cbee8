// SmtpConnection: a greeted, secured and logged-in connection to one upstream, ready for MAIL. And how to get one:
// SmtpConnector walks hosts and addresses, EHLO, STARTTLS and AUTH. On one Loop; a connector serves many openings at a time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <random>
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
  explicit SmtpConnector(const SmtpTransportParts& parts)
      : parts_(parts), config_(parts.upstream.config()), random_(std::random_device()()) {}

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

  // Whom to look up, and the name that its certificate must carry.
  struct Server {
    std::string host;
    std::uint16_t port = 0;
    std::string certified_name;
  };

  boost::asio::awaitable<Opened> open_service(std::string domain, std::size_t& addresses_left);
  boost::asio::awaitable<Opened> open_server(Server server, std::size_t& addresses_left);
  boost::asio::awaitable<Opened> open_endpoint(Server server, Endpoint endpoint);
  boost::asio::awaitable<Opened> open_once(Server server, Endpoint endpoint, TlsUse use);
  boost::asio::awaitable<bool> handshake(SmtpConnection& connection, std::string name, Opened& opened);
  boost::asio::awaitable<bool> hello(SmtpConnection& connection, Verdict& verdict);
  boost::asio::awaitable<bool> starttls(SmtpConnection& connection, std::string name, Opened& opened);

  const SmtpTransportParts& parts_;
  const UpstreamConfig& config_;
  std::mt19937 random_;  // draws among SRV records of equal priority
};

// smtp_login.cpp: AUTH by what the configuration and the server agree on (RFC 4954). False: `verdict` says why.
boost::asio::awaitable<bool> smtp_login(SmtpConnection& connection, const UpstreamConfig& config, Verdict& verdict);

}  // namespace postrider::relay
