#include "cmd/settings.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <filesystem>

namespace postrider::cmd {

std::string hostname_of(const Config& config) {
  if (!config.server.hostname.empty()) return config.server.hostname;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

std::uint32_t relay_threads(const Config& config, unsigned cores) {
  if (config.server.threads > 0) return config.server.threads;
  return std::max(1u, cores > 1 ? cores - 1 : 1);
}

storage::SpoolOptions spool_options(const Config& config) {
  storage::SpoolOptions options;
  options.data_dir = config.server.data_dir;
  options.max_size = config.spool.max_size;
  options.high_water_percent = config.spool.high_water;
  options.reserve_bytes = config.spool.reserve;
  options.settle_delay = config.spool.settle_delay;
  return options;
}

storage::RetirePolicy retire_policy(const Config& config) {
  return {config.retention.history, history_limit(config), config.retention.sent_bodies,
          config.retention.failed_bodies};
}

relay::SessionLimits session_limits(const Config& config) {
  const SmtpConfig& smtp = config.smtp;
  relay::SessionLimits limits;
  limits.max_message_size = smtp.max_message_size;
  limits.max_recipients = smtp.max_recipients;
  limits.max_transactions = smtp.max_transactions;
  limits.max_command_line = smtp.max_command_line;
  limits.max_auth_line = smtp.max_auth_line;
  limits.max_text_line = smtp.max_text_line;
  limits.max_errors = smtp.max_errors;
  limits.max_auth_failures = smtp.max_auth_failures;
  limits.max_unimportant = smtp.max_unimportant;
  limits.max_connections = smtp.max_connections;
  limits.max_connections_per_address = smtp.max_connections_per_address;
  limits.idle_timeout = smtp.idle_timeout;
  limits.data_timeout = smtp.data_timeout;
  limits.transaction_timeout = smtp.transaction_timeout;
  limits.handshake_timeout = smtp.handshake_timeout;
  limits.bare_newline = smtp.bare_lf == BareLf::normalise ? relay::BareNewline::normalise : relay::BareNewline::reject;
  return limits;
}

mgmt::HttpLimits http_limits(const Config& config) {
  constexpr std::uint64_t kAround = 1u << 20;  // addresses, fields, JSON around a message
  mgmt::HttpLimits limits;
  // In base64 with its line breaks a message takes up to 37% more.
  limits.max_message_body = config.smtp.max_message_size / 5 * 7 + kAround;
  limits.body_memory = std::max(limits.body_memory, 2 * limits.max_message_body);
  return limits;
}

std::vector<std::string> own_hosts(const Config& config) {
  std::vector<std::string> hosts{hostname_of(config)};
  if (const auto url = boost::urls::parse_uri(config.mgmt.public_url)) hosts.push_back(url->host());
  return hosts;
}

bool serves(const MgmtListenerConfig& listener, std::string_view what) {
  return listener.serve.empty() ||
         std::find(listener.serve.begin(), listener.serve.end(), what) != listener.serve.end();
}

relay::AccessPolicy access_policy(const Config& config) {
  return {config.access.trusted_networks, config.access.allow_plaintext_auth_from_loopback};
}

relay::ListenerPolicy listener_policy(const SmtpListenerConfig& listener) {
  return {listener.tls, listener.require_tls, listener.require_auth, listener.proxy_protocol_from};
}

relay::SubmissionOptions submission_options(const Config& config, const std::string& hostname) {
  relay::SubmissionOptions options;
  options.hostname = hostname;
  options.addresses.origin = config.addresses.origin.empty() ? hostname : config.addresses.origin;
  options.addresses.aliases = config.addresses.aliases;
  options.addresses.rewrite_sender = config.addresses.rewrite_sender;
  options.max_message_size = config.smtp.max_message_size;
  options.max_received = config.smtp.max_received;
  options.hide_client = config.smtp.hide_client;
  options.steering.max_hold = config.delivery.max_hold;
  options.steering.max_retries = config.delivery.max_retries;
  options.steering.min_retry_interval = config.delivery.min_retry_interval;
  options.lanes = config.lanes;
  return options;
}

relay::HealthPolicy health_policy(const Config& config) {
  const DeliveryConfig& delivery = config.delivery;
  relay::HealthPolicy policy;
  policy.open_after = delivery.open_after;
  policy.probe_interval = delivery.probe_interval;
  policy.recover_after = delivery.recover_after;
  policy.open_rate = delivery.open_rate;
  policy.open_sample = delivery.open_sample;
  policy.open_window = delivery.open_window;
  policy.stall_after = delivery.stall_after;
  return policy;
}

relay::ReviverOptions reviver_options(const Config& config) {
  return {config.delivery.revive_rate, config.delivery.max_age};
}

relay::DispatchOptions dispatch_options(const Config& config, std::uint32_t shard, std::uint32_t shards) {
  relay::DispatchOptions options;
  options.retry.retries = config.delivery.retries;
  options.retry.retry_interval = config.delivery.retry_interval;
  options.retry.max_age = config.delivery.max_age;
  options.retry.on_uncertain = config.delivery.on_uncertain;
  options.remove_sent_body = config.retention.sent_bodies == Duration::zero();
  options.notify_sender = config.delivery.dsn;
  options.shard = shard;
  options.shards = shards;
  return options;
}

relay::NoticeOptions notice_options(const Config& config, const std::string& hostname) {
  relay::NoticeOptions options;
  options.hostname = hostname;
  options.remove_sent_body = config.retention.sent_bodies == Duration::zero();
  options.max_age = config.delivery.max_age;
  options.max_returned = std::min<std::uint64_t>(options.max_returned, config.smtp.max_message_size / 2);
  return options;
}

std::vector<UpstreamConfig> upstreams(const Config& config, const std::string& hostname) {
  std::vector<UpstreamConfig> out = config.upstreams;
  const std::filesystem::path captures = std::filesystem::path(config.server.data_dir) / "capture";
  std::size_t without_directory = 0;
  for (UpstreamConfig& upstream : out) {
    if (upstream.helo.empty()) upstream.helo = hostname;
    if (upstream.type != UpstreamType::capture || !upstream.directory.empty()) continue;
    // The first has the directory for itself; each further one gets its own below it.
    upstream.directory = (without_directory++ == 0 ? captures : captures / upstream.name).string();
  }
  return out;
}

}  // namespace postrider::cmd
