#include "cmd/transports.h"

#include "cmd/exit_codes.h"
#include "relay/outbound/capture_transport.h"
#include "relay/outbound/guarded_transport.h"
#include "relay/outbound/http_transport.h"
#include "relay/outbound/smtp_transport.h"

namespace postrider::cmd {

namespace {

std::unique_ptr<relay::Transport> make_transport(net::Loop& loop, relay::Upstream& upstream, net::TlsContext tls,
                                                 const TransportParts& parts) {
  const UpstreamConfig& config = upstream.config();
  switch (config.type) {
    case UpstreamType::smtp:
      return relay::make_smtp_transport({loop, parts.resolver, upstream, std::move(tls), parts.hostname});
    case UpstreamType::capture:
      return relay::make_capture_transport(loop, config, parts.hostname);
    case UpstreamType::mailgun:
    case UpstreamType::sendgrid:
    case UpstreamType::mailjet:
    case UpstreamType::ses:
    case UpstreamType::postmark:
    case UpstreamType::resend:
      break;
  }
  return relay::make_http_transport({loop, parts.http, upstream, *providers::provider_for(config.type),
                                     config.tls_ca_file, parts.body_memory, parts.requests});
}

std::unique_ptr<relay::Transport> guarded(net::Loop& loop, const UpstreamConfig& config,
                                          std::unique_ptr<relay::Transport> inner, const TransportParts& parts) {
  if (config.guard.empty()) return inner;
  std::unique_ptr<relay::Transport> capture;
  if (!config.guard.capture.empty()) {
    UpstreamConfig maildir;
    maildir.name = config.name;
    maildir.directory = config.guard.capture;
    capture = relay::make_capture_transport(loop, std::move(maildir), parts.hostname);
  }
  return relay::make_guarded_transport({loop, config.name, config.guard, std::move(inner), std::move(capture)});
}

}  // namespace

std::vector<net::TlsContext> load_upstream_tls(const std::vector<UpstreamConfig>& upstreams) {
  std::vector<net::TlsContext> contexts;
  for (const UpstreamConfig& config : upstreams) {
    auto context = config.type == UpstreamType::smtp ? relay::make_upstream_tls(config) : net::TlsContext();
    if (!context) throw CommandError(EX_CONFIG, "[[upstream]] \"" + config.name + "\": " + context.error().text);
    contexts.push_back(std::move(*context));
  }
  return contexts;
}

std::vector<std::unique_ptr<relay::Transport>> make_transports(net::Loop& loop, relay::Routes& routes,
                                                               const TransportParts& parts) {
  std::vector<std::unique_ptr<relay::Transport>> transports;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    auto transport = make_transport(loop, routes.at(i), parts.tls.at(i), parts);
    transports.push_back(guarded(loop, routes.at(i).config(), std::move(transport), parts));
  }
  return transports;
}

}  // namespace postrider::cmd
