#include "relay/outbound/smtp_transport.h"

#include <boost/asio/ip/address.hpp>

#include "relay/outbound/smtp_connection.h"
#include "relay/outbound/smtp_pool.h"
#include "relay/outbound/smtp_transaction.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr Duration kQuotaPause = std::chrono::hours(1);  // no midnight renews it: the last 24 hours count

class SmtpTransport final : public Transport {
 public:
  explicit SmtpTransport(SmtpTransportParts parts)
      : parts_(std::move(parts)), connector_(parts_), pool_(parts_.loop, parts_.upstream) {}

  asio::awaitable<HandoverReport> deliver(Handover handover) override;
  asio::awaitable<Attempt> probe() override;
  void close_idle() override { pool_.close_idle(); }
  std::size_t connections() const override { return pool_.connections(); }

 private:
  Attempt begin_attempt() const;
  void finish(Attempt& attempt, Duration began) const;
  asio::awaitable<bool> ensure_connection(SmtpPool::Lease& lease, Attempt& attempt, Verdict& verdict);

  SmtpTransportParts parts_;
  SmtpConnector connector_;
  SmtpPool pool_;
};

Verdict stopped_waiting() {
  return judge_finding(Stage::none, Cause::interrupted, "", "stopped while waiting for a connection");
}

void settle_all(Attempt& attempt, const std::vector<std::uint32_t>& recipients, const Verdict& verdict) {
  for (std::uint32_t index : recipients) {
    RecipientOutcome outcome;
    outcome.recipient = index;
    outcome.kind = verdict.kind;
    outcome.reason = verdict.reason;
    attempt.recipients.push_back(std::move(outcome));
  }
}

void take_result(SmtpTransaction::Result& result, Attempt& attempt) {
  attempt.stage = result.stage;
  attempt.remote_id = std::move(result.remote_id);
  attempt.recipients = std::move(result.outcomes);
  summarise(attempt);
}

asio::awaitable<HandoverReport> SmtpTransport::deliver(Handover handover) {
  const Duration began = parts_.loop.clock().monotonic();
  HandoverReport report;
  Attempt& attempt = report.attempt;
  attempt = begin_attempt();
  SmtpPool::Lease lease = co_await pool_.acquire();
  if (!lease) {
    const Verdict stopped = stopped_waiting();
    settle_all(attempt, handover.recipients, stopped);
    summarise(attempt);
    co_return report;
  }
  while (true) {
    Verdict verdict;
    const bool connected = co_await ensure_connection(lease, attempt, verdict);
    if (!connected) {
      attempt.stage = verdict.reason.stage;
      settle_all(attempt, handover.recipients, verdict);
      summarise(attempt);
      break;
    }
    SmtpTransaction transaction(*lease.connection, parts_.upstream.config(), handover);
    SmtpTransaction::Result result = co_await transaction.run();
    if (!result.reusable) lease.connection.reset();
    if (result.stale) continue;  // once: the next one is new, and a new one is never stale
    if (result.no_more_recipients) report.throttled_until = parts_.loop.clock().now() + kSoon;
    if (result.day_used_up) report.throttled_until = parts_.loop.clock().now() + kQuotaPause;
    take_result(result, attempt);
    break;
  }
  finish(attempt, began);
  if (lease.connection) lease.give_back();
  co_return report;
}

asio::awaitable<Attempt> SmtpTransport::probe() {
  const Duration began = parts_.loop.clock().monotonic();
  Attempt attempt = begin_attempt();
  Verdict verdict = stopped_waiting();
  SmtpPool::Lease lease = co_await pool_.acquire();
  lease.connection.reset();  // what is asked is whether a new one can be had
  bool connected = false;
  if (lease) connected = co_await ensure_connection(lease, attempt, verdict);
  if (connected) {
    verdict.kind = OutcomeKind::sent;
    verdict.reason = {};
    attempt.stage = Stage::auth;
    lease.give_back();
  } else {
    attempt.stage = verdict.reason.stage;
  }
  attempt.outcome = verdict.kind;
  attempt.reason = verdict.reason;
  finish(attempt, began);
  co_return attempt;
}

Attempt SmtpTransport::begin_attempt() const {
  Attempt attempt;
  attempt.upstream = parts_.upstream.config().name;
  attempt.started_at = parts_.loop.clock().now();
  return attempt;
}

void SmtpTransport::finish(Attempt& attempt, Duration began) const {
  attempt.duration_ms = static_cast<std::uint32_t>((parts_.loop.clock().monotonic() - began).count());
}

asio::awaitable<bool> SmtpTransport::ensure_connection(SmtpPool::Lease& lease, Attempt& attempt, Verdict& verdict) {
  if (!lease.connection) {
    SmtpConnector::Opened opened = co_await connector_.open();
    attempt.peer = std::move(opened.peer);
    if (!opened.connection) {
      verdict = std::move(opened.verdict);
      co_return false;
    }
    lease.connection = std::move(opened.connection);
  }
  attempt.peer = lease.connection->peer;
  attempt.tls = lease.connection->tls;
  attempt.hop_notifies = lease.connection->capabilities.dsn;
  co_return true;
}

}  // namespace

result<net::TlsContext> make_upstream_tls(const UpstreamConfig& config) {
  if (config.tls == UpstreamTls::none) return net::TlsContext();
  const bool verify = config.tls == UpstreamTls::starttls || config.tls == UpstreamTls::implicit;
  return net::make_client_tls(verify ? net::Verify::peer : net::Verify::none, config.tls_ca_file,
                              {config.tls_certificate, config.tls_key});
}

std::unique_ptr<Transport> make_smtp_transport(SmtpTransportParts parts) {
  return std::make_unique<SmtpTransport>(std::move(parts));
}

}  // namespace postrider::relay
