// Rules over several keys: what cannot be together, and the traps that an experienced operator would point out.
#include <algorithm>

#include "core/alias_table.h"
#include "core/config_draft.h"
#include "core/config_value.h"

namespace postrider {
namespace {

constexpr std::size_t kMostLaneRules = 64;

class Checker {
 public:
  Checker(const Draft& draft, ConfigResult& result) : draft_(draft), result_(result), config_(result.config) {}

  void check() {
    for (std::size_t i = 0; i < config_.smtp_listeners.size(); ++i) check_smtp_listener(i);
    check_listen_twice();
    check_access();
    check_aliases();
    check_sizes();
    check_lanes();
    check_delivery();
    check_mgmt();
    const DraftSection& tls = section("tls");
    const bool half = config_.tls.certificate.empty() != config_.tls.key.empty();
    if (half && given(tls, "certificate") != given(tls, "key")) {
      const bool certificate = given(tls, "certificate");
      fault(tls, certificate ? "certificate" : "key",
            certificate ? "tls.certificate needs tls.key, which is not set: the file with its key"
                        : "tls.key needs tls.certificate, which is not set: the file with the certificate of that key");
    }
  }

 private:
  void check_smtp_listener(std::size_t index);
  void check_listen_twice();
  void check_access();
  void check_aliases();
  void check_sizes();
  void check_lanes();
  void check_delivery();
  void check_mgmt();

  const DraftSection& section(std::string_view name, std::size_t index = 0) const { return *draft_.find(name, index); }
  // Was what it was given refused? Then its default stands in the Config, which nobody asked for.
  bool refused(const DraftSection& at, std::string_view option) const {
    return std::any_of(result_.faults.begin(), result_.faults.end(),
                       [key = at.path(option)](const ConfigFinding& fault) { return fault.key == key; });
  }
  static bool given(const DraftSection& at, std::string_view option) { return at.find(option) != nullptr; }
  void fault(const DraftSection& at, std::string_view option, std::string text) {
    fault_at(result_.faults, at, option, std::move(text));
  }
  void warn(const DraftSection& at, std::string_view option, std::string text) {
    fault_at(result_.warnings, at, option, std::move(text));
  }

  const Draft& draft_;
  ConfigResult& result_;
  const Config& config_;
};

bool contains_loopback(const std::vector<Network>& networks) {
  return std::any_of(networks.begin(), networks.end(), [](const Network& network) {
    return network.base.is_loopback() || network.contains(*parse_ip_address("127.0.0.1")) ||
           network.contains(*parse_ip_address("::1"));
  });
}

void Checker::check_smtp_listener(std::size_t index) {
  const DraftSection& at = section("smtp.listener", index);
  const SmtpListenerConfig& listener = config_.smtp_listeners[index];
  if (listener.tls == ListenerTls::none && listener.require_tls)
    fault(at, "require_tls", "smtp.listener.require_tls cannot be met with tls = \"none\"");
  const auto listen = parse_listen_address(listener.address);
  if (listen.has_error()) return;
  const bool trusts_loopback = contains_loopback(config_.access.trusted_networks);
  if (trusts_loopback && !listener.proxy_protocol_from.empty())
    warn(at, "proxy_protocol_from",
         "access.trusted_networks holds loopback: a proxy on this machine that sends no PROXY header makes everyone "
         "trusted");
  if (!listen->is_loopback() && trusts_loopback)
    warn(at, "address",
         "access.trusted_networks holds loopback and " + listener.address +
             " is reachable from outside: behind container NAT or a local proxy every client may come "
             "from a trusted address");
  if (!listen->is_loopback() && listener.tls == ListenerTls::none)
    warn(at, "tls",
         "smtp.listener " + listener.address +
             " is reachable from outside without TLS: mail is readable on "
             "the way and nobody can log in");
  if (listener.tls == ListenerTls::none && listener.require_auth && !config_.access.allow_plaintext_auth_from_loopback)
    fault(at, "require_auth",
          "smtp.listener.require_auth cannot be met: logins are taken only under TLS, and tls = \"none\"");
}

void Checker::check_listen_twice() {
  std::vector<std::pair<ListenAddress, std::string>> seen;
  for (const std::string_view name : {"smtp.listener", "mgmt.listener"}) {
    for (std::size_t i = 0; i < draft_.count(name); ++i) {
      const std::string& address =
          name == "smtp.listener" ? config_.smtp_listeners[i].address : config_.mgmt_listeners[i].address;
      const auto listen = parse_listen_address(address);
      if (listen.has_error() || refused(section(name, i), "address")) continue;  // said already
      for (const auto& [other, text] : seen) {
        if (!collide(*listen, other)) continue;
        const std::string which = std::string(name) + ".address = " + toml_string(address);
        fault(section(name, i), "address",
              text == address ? which + " is there twice" : which + " cannot be opened beside " + toml_string(text));
        break;
      }
      seen.emplace_back(*listen, address);
    }
  }
}

void Checker::check_access() {
  const DraftSection& at = section("access");
  for (const Network& network : config_.access.trusted_networks)
    if (network.prefix == 0)
      warn(at, "trusted_networks",
           "access.trusted_networks holds " + network.str() +
               ": an open relay, anyone who reaches it can send mail in your name");
  if (config_.access.allow_plaintext_auth_from_loopback)
    warn(at, "allow_plaintext_auth_from_loopback",
         "access.allow_plaintext_auth_from_loopback lets passwords pass without TLS on this machine");
}

// Each entry is known to be well written; here they are held against each other.
void Checker::check_aliases() {
  const DraftSection& at = section("addresses");
  const GivenValue* given = at.find("aliases");
  const AliasTable table(config_.addresses.aliases, {config_.addresses.origin, config_.server.hostname});
  for (const AliasTable::Trouble& trouble : table.troubles()) {
    const std::string text = at.key("aliases") + trouble.text;
    const TomlValue* entry = given != nullptr ? given->value.field(trouble.name) : nullptr;
    if (entry != nullptr) {
      postrider::fault(result_.faults, entry->at, at.path("aliases"), text);
    } else {
      fault(at, "aliases", text);
    }
  }
}

void Checker::check_sizes() {
  const SpoolConfig& spool = config_.spool;
  if (spool.reserve > spool.max_size / 4)
    fault(section("spool"), given(section("spool"), "max_size") ? "max_size" : "reserve",
          "spool.max_size must be at least four times spool.reserve");
  if (config_.smtp.max_message_size > spool.max_size / 100 * spool.high_water)
    fault(section("smtp"), "max_message_size",
          "smtp.max_message_size does not fit into the spool: raise spool.max_size");
  const DraftSection& retention = section("retention");
  if (!given(retention, "history_max_size")) return;
  if (config_.retention.history_max_size > spool.max_size) {
    fault(retention, "history_max_size", "retention.history_max_size is larger than spool.max_size");
  } else if (const std::uint64_t limit = history_limit(config_); limit < config_.retention.history_max_size) {
    warn(retention, "history_max_size",
         "retention.history_max_size is more than half of what the spool takes before it refuses mail: history is kept "
         "to " +
             format_size(limit) + ", so that live mail has the other half");
  }
}

// Each message is held against all of them.
void Checker::check_lanes() {
  const std::size_t count = config_.lanes.size();
  for (std::size_t i = 0; i < count; ++i) {
    const DraftSection& at = section("lane", i);
    if (!given(at, "lane")) fault(at, "lane", at.path("lane") + " is missing: every [[lane]] says which");
    if (config_.lanes[i].match.empty() && !given(at, "match") && i + 1 < count)
      warn(at, "match", at.entry() + " is for all mail: what follows it is never asked");
  }
  if (count > kMostLaneRules)
    fault(section("lane", kMostLaneRules), "lane",
          "there are " + std::to_string(count) + " lane rules; there can be at most " + std::to_string(kMostLaneRules));
}

void Checker::check_delivery() {
  const DeliveryConfig& delivery = config_.delivery;
  if (delivery.retries > 0 && delivery.max_age < delivery.retry_interval * delivery.retries)
    warn(section("delivery"), "max_age",
         "delivery.max_age = \"" + format_duration(delivery.max_age) +
             "\" ends before the last of the retries would come");
}

void Checker::check_mgmt() {
  const bool trusts_loopback = contains_loopback(config_.mgmt.trusted_networks);
  for (std::size_t i = 0; i < config_.mgmt_listeners.size(); ++i) {
    const MgmtListenerConfig& listener = config_.mgmt_listeners[i];
    const DraftSection& at = section("mgmt.listener", i);
    if (!listener.client_ca.empty() && listener.tls == HttpTls::none)
      fault(at, "client_ca", "mgmt.listener.client_ca needs tls = \"on\": without TLS nobody shows a certificate");
    if (listener.serve.empty()) fault(at, "serve", "mgmt.listener.serve is empty: leave the listener out");
    const auto listen = parse_listen_address(listener.address);
    if (listen.has_value() && !listen->is_loopback() && listener.tls == HttpTls::none)
      warn(
          at, "tls",
          "mgmt.listener " + listener.address + " is reachable from outside without TLS: keys are readable on the way");
    if (listen.has_value() && !listen->is_loopback() && trusts_loopback)
      warn(at, "address",
           "mgmt.trusted_networks holds loopback and " + listener.address +
               " is reachable from outside: behind container NAT or a local proxy every client may come from a trusted "
               "address");
  }
  for (const Network& network : config_.mgmt.trusted_networks)
    if (network.prefix == 0)
      warn(section("mgmt"), "trusted_networks",
           "mgmt.trusted_networks holds " + network.str() + ": anyone who reaches it can read and steer all mail");
}

}  // namespace

void check_config(const Draft& draft, ConfigResult& result) {
  check_upstreams(draft, result);
  Checker(draft, result).check();
}

}  // namespace postrider
