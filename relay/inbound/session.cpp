#include "relay/inbound/session.h"

#include "relay/inbound/replies.h"
#include "relay/smtp/proxy_protocol.h"

namespace postrider::relay {
namespace {

IpAddress to_ip_address(const boost::asio::ip::address& address) {
  auto parsed = parse_ip_address(address.to_string());
  return parsed ? *parsed : IpAddress{};
}

// How much may be read without taking octets that belong to a TLS handshake behind the header.
std::size_t next_proxy_octets(std::string_view got) {
  constexpr std::size_t kSignature = 12, kFixed = 16;  // of version 2
  if (got.size() < kSignature) return kSignature - got.size();
  if (got.starts_with("PROXY")) return 1;
  if (got.size() < kFixed) return kFixed - got.size();
  std::size_t length = static_cast<unsigned char>(got[14]) * 256u + static_cast<unsigned char>(got[15]);
  return got.size() < kFixed + length ? kFixed + length - got.size() : 1;
}

}  // namespace

Session::Session(const SessionParts& parts, std::shared_ptr<const SmtpOptions> options,
                 std::shared_ptr<const ListenerPolicy> listener, std::unique_ptr<net::Stream> stream)
    : context_(parts, std::move(options), std::move(listener), std::move(stream)) {}

boost::asio::awaitable<void> Session::run() {
  const bool open_now = co_await open();
  if (open_now) {
    co_await serve();
    log_loss();
  }
  co_await context_.connection.close();
}

boost::asio::awaitable<bool> Session::open() {
  Connection& connection = context_.connection;
  IpAddress peer = to_ip_address(connection.stream().remote().address());
  meet(peer);
  if (any_contains(context_.listener->proxy_protocol_from, peer)) {
    bool read = co_await read_proxy_header();
    if (!read) co_return false;
  }
  const SessionLimits& limits = context_.options->limits;
  if (context_.listener->tls == ListenerTls::implicit) {
    if (!context_.options->tls) co_return false;
    bool secure = co_await connection.start_tls(context_.options->tls, limits.handshake_timeout);
    if (!secure) co_return false;
    context_.standing.tls = true;
  }
  auto ticket = context_.parts.counts.enter(context_.client, limits.max_connections_per_address);
  if (!ticket) {
    context_.parts.metrics.refused_connections.add();
    connection.queue(replies::kTooManyFromYou);
    co_return false;
  }
  address_ticket_ = std::move(*ticket);
  connection.queue(greeting(context_.options->hostname));
  co_return true;
}

boost::asio::awaitable<bool> Session::read_proxy_header() {
  Connection& connection = context_.connection;
  bool exactly = context_.listener->tls == ListenerTls::implicit;
  for (;;) {
    smtp::ProxyResult got = smtp::parse_proxy_header(connection.pending());
    if (got.status == smtp::ProxyStatus::complete) {
      connection.consume(got.consumed);
      if (got.header.local) co_return true;
      if (auto source = parse_ip_address(got.header.source)) {
        meet(*source);
        co_return true;
      }
    }
    if (got.status != smtp::ProxyStatus::need_more) {
      refuse_proxy_header();
      co_return false;
    }
    std::size_t at_most = exactly ? next_proxy_octets(connection.pending()) : std::string_view::npos;
    bool more = co_await connection.fill(Connection::Wait::idle, context_.options->limits.handshake_timeout, at_most);
    if (!more) co_return false;
  }
}

void Session::refuse_proxy_header() {
  context_.parts.log.warn("smtp.bad_proxy_header", {{"peer", context_.client.str()}});
  context_.connection.queue(replies::kBadProxyHeader);
}

void Session::meet(const IpAddress& client) {
  context_.client = client;
  context_.standing.loopback = client.is_loopback();
  context_.standing.trusted = any_contains(context_.options->access.trusted_networks, client);
}

boost::asio::awaitable<void> Session::serve() {
  Connection& connection = context_.connection;
  for (Then then = Then::proceed; then == Then::proceed;) {
    smtp::LineResult got = context_.lines.next(connection.pending());
    connection.consume(got.consumed);  // the octets stay where they are until the next fill()
    if (got.status == smtp::LineStatus::line) {
      then = co_await execute(got.line);
    } else if (got.status != smtp::LineStatus::need_more) {
      then = refuse_line(got.status);
    } else {
      auto what = context_.transaction ? Connection::Wait::command : Connection::Wait::idle;
      bool more = co_await connection.fill(what, context_.wait_limit(context_.options->limits.idle_timeout));
      if (!more) {
        part();
        then = Then::close;
      }
    }
  }
}

// Idle too long, or the service stops: said to the client, but nothing an operator must read of. A peer that goes away
// without a word is a health check, as long as it had no mail for us.
void Session::part() {
  Reply reply = context_.parting_reply();
  if (reply.code != 0) context_.connection.queue(reply);
}

boost::asio::awaitable<Then> Session::execute(std::string_view line) {
  smtp::Command command = smtp::parse_command(line);
  const CommandRow& row = command_row(command.verb);
  if (row.preconditions & kUnimportant) ++context_.unimportant;
  Reply reply;
  if (auto refused = check_preconditions(row, context_, command.argument)) {
    reply = std::move(*refused);
  } else if (row.at_once) {
    reply = row.at_once(context_, command.argument);
  } else {
    reply = co_await row.with_wait(context_, command.argument);
  }
  co_return answer(command.verb, std::move(reply));
}

Then Session::refuse_line(smtp::LineStatus status) {
  switch (status) {
    case smtp::LineStatus::too_long:
      return answer(smtp::Verb::unknown, replies::kLineTooLong);
    case smtp::LineStatus::bare_newline:
      return answer(smtp::Verb::unknown, replies::kBareNewline);
    case smtp::LineStatus::nul:
      return answer(smtp::Verb::unknown, replies::kNulInCommand);
    case smtp::LineStatus::line:
    case smtp::LineStatus::need_more:
      break;
  }
  return Then::proceed;
}

// The one place that answers.
Then Session::answer(smtp::Verb verb, Reply reply) {
  if (reply.code == 0) return reply.then;
  if (reply.permanent()) ++context_.errors;
  if (reply.code >= 400) log_refusal(verb, reply);
  if (reply.then == Then::proceed) {
    if (auto over = enough()) {
      if (reply.permanent()) context_.connection.queue(reply);
      reply = std::move(*over);
    }
  }
  context_.connection.queue(reply);
  return reply.then;
}

std::optional<Reply> Session::enough() const {
  const SessionLimits& limits = context_.options->limits;
  if (context_.errors >= limits.max_errors) return replies::kTooManyErrors;
  if (context_.unimportant > limits.max_unimportant) return replies::kTooIdle;
  return std::nullopt;
}

// A client that goes away in the middle of a message.
void Session::log_loss() const {
  if (context_.transaction) context_.parts.log.info("smtp.lost", {{"client", context_.client.str()}});
}

void Session::log_refusal(smtp::Verb verb, const Reply& reply) const {
  SmtpMetrics& metrics = context_.parts.metrics;
  (reply.permanent() ? metrics.refused_permanent : metrics.refused_transient).add();
  Log& log = context_.parts.log;
  if (!log.enabled(LogLevel::info)) return;
  log.write(LogLevel::info, "smtp.refused", nullptr,
            {{"client", context_.client.str()},
             {"command", std::string(smtp::to_string(verb))},
             {"code", std::to_string(reply.code)},
             {"text", reply.text()}});
}

}  // namespace postrider::relay
