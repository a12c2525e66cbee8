#include "cmd/sendmail_client.h"

#include <boost/asio/ip/address.hpp>
#include <exception>
#include <optional>

#include "cmd/exit_codes.h"
#include "cmd/settings.h"

namespace postrider::cmd {

namespace asio = boost::asio;

namespace {

class SpoolSource final : public relay::BodySource {
 public:
  explicit SpoolSource(const SendmailSpool& text) : text_(text) {}
  asio::awaitable<result<std::shared_ptr<const std::string>>> next() override {
    std::shared_ptr<const std::string> piece;
    if (at_ < text_.size()) piece = std::make_shared<const std::string>(text_.read(at_));
    if (piece) at_ += piece->size();
    co_return piece;
  }

 private:
  const SendmailSpool& text_;
  std::uint64_t at_ = 0;
};

// On this machine nobody listens in; elsewhere TLS is used when it is offered. There is no login: who may relay is the daemon's to say.
UpstreamConfig daemon_as_upstream(const ClientPlaces& places) {
  boost::system::error_code not_literal;
  const auto address = asio::ip::make_address(places.host, not_literal);
  const bool local = places.host == "localhost" || (!not_literal && address.is_loopback());
  UpstreamConfig config;
  config.name = "postrider";
  config.type = UpstreamType::smtp;
  config.hosts = {places.host};
  config.port = places.port;
  config.tls = local ? UpstreamTls::none : UpstreamTls::opportunistic;
  config.helo = hostname_of(Config());
  return config;
}

net::TlsContext tls_for(const UpstreamConfig& config) {
  auto tls = relay::make_upstream_tls(config);
  if (!tls) throw CommandError(EX_OSERR, tls.error().text);
  return std::move(*tls);
}

asio::awaitable<void> run(relay::Transport& transport, relay::Handover handover,
                          std::optional<relay::HandoverReport>& report) {
  relay::HandoverReport got = co_await transport.deliver(std::move(handover));
  report.emplace(std::move(got));
}

}  // namespace

DaemonClient::DaemonClient(const ClientPlaces& places)
    : daemon_(daemon_as_upstream(places), relay::HealthPolicy()),
      transport_(
          relay::make_smtp_transport({loop_, resolver_, daemon_, tls_for(daemon_.config()), daemon_.config().helo})),
      tasks_(loop_, [this](std::string_view, const std::exception& error) { failure_ = error.what(); }) {}

// QUIT leaves with the first write, nobody waits for its answer.
DaemonClient::~DaemonClient() {
  transport_->close_idle();
  loop_.io().poll();
}

Attempt DaemonClient::deliver(std::shared_ptr<const MessageRecord> message, std::vector<std::uint32_t> recipients,
                              const SendmailSpool& text) {
  relay::Handover handover;
  handover.message = std::move(message);
  handover.recipients = std::move(recipients);
  handover.body = std::make_unique<SpoolSource>(text);
  std::optional<relay::HandoverReport> report;
  tasks_.spawn("submit", run(*transport_, std::move(handover), report));
  while (tasks_.size() > 0) loop_.io().run_one();
  if (!report) throw CommandError(EX_TEMPFAIL, failure_);
  return std::move(report->attempt);
}

}  // namespace postrider::cmd
