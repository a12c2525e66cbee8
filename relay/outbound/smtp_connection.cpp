#include "relay/outbound/smtp_connection.h"

#include "core/route_match.h"
#include "net/await.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMaxAddresses = 8;  // asked for one connection, over all hosts
constexpr std::size_t kMaxOfOneHost = 4;  // so that a dead host with many leaves some to the next

bool is_loopback(const asio::ip::address& address) {
  if (address.is_loopback()) return true;
  return address.is_v6() && address.to_v6().is_v4_mapped() &&
         asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
}

std::string describe(const std::string& host, const asio::ip::tcp::endpoint& endpoint) {
  return host + '[' + endpoint.address().to_string() + "]:" + std::to_string(endpoint.port());
}

// The SRV record is as trustworthy as DNS is: whoever forges it would choose the name to be proven as well. So the target's own name
// is enough only where it lies in the domain that was configured; a server elsewhere must show a certificate for that domain
// (RFC 6186 6).
std::string certified_name(const std::string& domain, const std::string& target) {
  return domain_matches('.' + domain, target) ? target : domain;
}

// Whether another address of the upstream may do better: not once a login or the TLS policy said no.
bool try_next_address(const Verdict& verdict) {
  return verdict.reason.stage <= Stage::greeting && verdict.reason.cause != Cause::interrupted;
}

}  // namespace

asio::awaitable<SmtpConnector::Opened> SmtpConnector::open() {
  Opened opened;
  opened.verdict = judge_finding(Stage::resolve, Cause::route, "", "the upstream has no host");
  std::size_t addresses_left = kMaxAddresses;
  for (const std::string& host : config_.hosts) {
    if (config_.srv) {
      opened = co_await open_service(host, addresses_left);
    } else {
      Server server{host, config_.port, host};
      opened = co_await open_server(std::move(server), addresses_left);
    }
    if (opened.connection || addresses_left == 0 || !try_next_address(opened.verdict)) break;
  }
  co_return opened;
}

// RFC 6186 3.1, RFC 8314 5.1: _submissions for TLS from the first octet, _submission for STARTTLS or none.
asio::awaitable<SmtpConnector::Opened> SmtpConnector::open_service(std::string domain, std::size_t& addresses_left) {
  const std::string service =
      (config_.tls == UpstreamTls::implicit ? "_submissions._tcp." : "_submission._tcp.") + domain;
  auto ask = [this, &service](Done<net::SrvRecords> done) {
    parts_.resolver.resolve_service(service, std::move(done));
  };
  result<net::SrvRecords> found = co_await net::await_done<net::SrvRecords>(parts_.loop, std::move(ask));
  Opened opened;
  opened.peer = domain;
  if (!found) {
    opened.verdict = judge_finding(Stage::resolve, Cause::route, "", found.error().text);
    co_return opened;
  }
  const auto dice = [this](std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(0, most)(random_);
  };
  const net::SrvRecords records = net::in_order(std::move(*found), dice);
  for (const net::SrvRecord& record : records) {
    Server server{record.target, record.port, certified_name(domain, record.target)};
    opened = co_await open_server(std::move(server), addresses_left);
    if (opened.connection || addresses_left == 0 || !try_next_address(opened.verdict)) break;
  }
  co_return opened;
}

asio::awaitable<SmtpConnector::Opened> SmtpConnector::open_server(Server server, std::size_t& addresses_left) {
  using Addresses = std::vector<asio::ip::address>;
  auto ask = [this, &server](Done<Addresses> done) { parts_.resolver.resolve(server.host, std::move(done)); };
  const result<Addresses> addresses = co_await net::await_done<Addresses>(parts_.loop, std::move(ask));
  Opened opened;
  opened.peer = server.host;
  if (!addresses) {
    opened.verdict = judge_finding(Stage::resolve, Cause::route, "", server.host + ": " + addresses.error().text);
    co_return opened;
  }
  opened.verdict = judge_finding(Stage::resolve, Cause::route, "", server.host + " has no address");
  std::size_t of_this_host = kMaxOfOneHost;
  for (const asio::ip::address& address : *addresses) {
    if (addresses_left == 0 || of_this_host == 0) break;
    --addresses_left;
    --of_this_host;
    const Endpoint endpoint(address, server.port);
    opened = co_await open_endpoint(server, endpoint);
    if (opened.connection || !try_next_address(opened.verdict)) break;
  }
  co_return opened;
}

// Opportunistic TLS that fails costs the connection: the same address is asked once more, in clear.
asio::awaitable<SmtpConnector::Opened> SmtpConnector::open_endpoint(Server server, Endpoint endpoint) {
  Opened opened = co_await open_once(server, endpoint, TlsUse::as_configured);
  if (opened.handshake_failed && config_.tls == UpstreamTls::opportunistic) {
    opened = co_await open_once(server, endpoint, TlsUse::never);
  }
  co_return opened;
}

asio::awaitable<SmtpConnector::Opened> SmtpConnector::open_once(Server server, Endpoint endpoint, TlsUse use) {
  Opened opened;
  opened.peer = describe(server.host, endpoint);
  auto [error, stream] = co_await net::connect(parts_.loop, endpoint, config_.connect_timeout);
  if (error) {
    const Break how = error == asio::error::timed_out           ? Break::timed_out
                      : error == asio::error::operation_aborted ? Break::stopped
                                                                : Break::closed;
    opened.verdict = how == Break::closed ? judge_finding(Stage::connect, Cause::route, "", error.message())
                                          : judge_break(Stage::connect, how, "");
    co_return opened;
  }
  auto connection = std::make_unique<SmtpConnection>(std::move(stream));
  SmtpConnection& c = *connection;
  c.peer = opened.peer;
  c.loopback = is_loopback(endpoint.address());

  if (config_.tls == UpstreamTls::implicit) {
    const bool secured = co_await handshake(c, server.certified_name, opened);
    if (!secured) co_return opened;
  }
  const Answer greeting = co_await c.wire.reply(config_.stage_timeout);
  if (!greeting.positive()) {
    opened.verdict = greeting.judge(Stage::greeting);
    co_return opened;
  }
  bool good = co_await hello(c, opened.verdict);
  const bool may_start =
      config_.tls == UpstreamTls::starttls || (config_.tls == UpstreamTls::opportunistic && use != TlsUse::never);
  if (good && may_start) good = co_await starttls(c, server.certified_name, opened);
  if (good) good = co_await smtp_login(c, config_, opened.verdict);
  if (good) opened.connection = std::move(connection);
  co_return opened;
}

asio::awaitable<bool> SmtpConnector::handshake(SmtpConnection& connection, std::string name, Opened& opened) {
  net::Stream& stream = connection.wire.stream();
  stream.expires_after(config_.stage_timeout);
  const net::IoResult done = co_await stream.handshake_client(parts_.tls, name);
  if (!done.error) {
    connection.tls = stream.tls_info().version;
    co_return true;
  }
  opened.handshake_failed = done.error != asio::error::operation_aborted;
  opened.verdict = opened.handshake_failed ? judge_finding(Stage::tls, Cause::route, "", "TLS: " + stream.tls_error())
                                           : judge_break(Stage::tls, Break::stopped, "");
  co_return false;
}

asio::awaitable<bool> SmtpConnector::hello(SmtpConnection& connection, Verdict& verdict) {
  const std::string& name = config_.helo.empty() ? parts_.hostname : config_.helo;
  connection.capabilities = {};
  const std::string ehlo = "EHLO " + name;
  Answer answer = co_await connection.wire.command(ehlo, config_.stage_timeout);
  if (answer.positive()) {
    connection.capabilities = smtp::parse_ehlo_reply(answer.reply);
    co_return true;
  }
  if (answer.reply.permanent()) {  // RFC 5321 3.2: an old server may know only HELO
    const std::string helo = "HELO " + name;
    const Answer second = co_await connection.wire.command(helo, config_.stage_timeout);
    if (second.positive()) co_return true;
    if (second.answered()) answer = second;
  }
  verdict = answer.judge(Stage::hello);
  co_return false;
}

asio::awaitable<bool> SmtpConnector::starttls(SmtpConnection& connection, std::string name, Opened& opened) {
  const bool required = config_.tls == UpstreamTls::starttls;
  if (!connection.capabilities.starttls) {
    if (required) opened.verdict = judge_finding(Stage::tls, Cause::route, "", "STARTTLS is required but not offered");
    co_return !required;
  }
  const Answer answer = co_await connection.wire.command("STARTTLS", config_.stage_timeout);
  if (!answer.positive()) {
    opened.verdict = answer.judge(Stage::tls);
    co_return !required && answer.answered() && answer.reply.code != 421;
  }
  connection.wire.drop_received();
  bool good = co_await handshake(connection, name, opened);
  if (good) good = co_await hello(connection, opened.verdict);
  co_return good;
}

}  // namespace postrider::relay
