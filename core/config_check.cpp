// Rules over several keys: what cannot be together, and the traps that an experienced operator would point out.
#include <algorithm>

#include "core/address.h"
#include "core/config_draft.h"
#include "core/config_value.h"
#include "core/nearest.h"

namespace postrider {
namespace {

class Checker {
 public:
  Checker(const Draft& draft, ConfigResult& result) : draft_(draft), result_(result), config_(result.config) {}

  void check() {
    for (std::size_t i = 0; i < config_.upstreams.size(); ++i) check_upstream(i);
    check_upstream_names();
    for (std::size_t i = 0; i < config_.smtp_listeners.size(); ++i) check_smtp_listener(i);
    check_listen_twice();
    check_access();
    check_sizes();
    check_delivery();
    check_mgmt();
    const DraftSection& tls = section("tls");
    if (config_.tls.certificate.empty() != config_.tls.key.empty() && given(tls, "certificate") != given(tls, "key"))
      fault(tls, given(tls, "certificate") ? "certificate" : "key", "tls needs both certificate and key, or neither");
  }

 private:
  void check_upstream(std::size_t index);
  void check_smtp_upstream(const DraftSection& at, const UpstreamConfig& upstream);
  void check_login(const DraftSection& at, const UpstreamConfig& upstream);
  void check_port(const DraftSection& at, const UpstreamConfig& upstream);
  void check_loop(const DraftSection& at, const UpstreamConfig& upstream);
  void check_upstream_names();
  void check_smtp_listener(std::size_t index);
  void check_listen_twice();
  void check_access();
  void check_sizes();
  void check_delivery();
  void check_mgmt();

  const DraftSection& section(std::string_view name, std::size_t index = 0) const { return *draft_.find(name, index); }
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

bool is_upstream_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool contains_loopback(const std::vector<Network>& networks) {
  return std::any_of(networks.begin(), networks.end(), [](const Network& network) {
    return network.base.is_loopback() || network.contains(*parse_ip_address("127.0.0.1")) ||
           network.contains(*parse_ip_address("::1"));
  });
}

void Checker::check_upstream(std::size_t index) {
  const DraftSection& at = section("upstream", index);
  const UpstreamConfig& upstream = config_.upstreams[index];
  if (!given(at, "name")) fault(at, "name", "upstream.name is missing: every [[upstream]] has a name");
  if (!given(at, "type")) {
    std::vector<std::string_view> others;
    for (const UpstreamConfig& other : config_.upstreams)
      if (&other != &upstream &&
          given(section("upstream", static_cast<std::size_t>(&other - config_.upstreams.data())), "type"))
        others.push_back(other.name);
    const std::string_view near = nearest(upstream.name, others);
    return fault(at, "name",
                 at.key("type") + " is missing" +
                     (near.empty() ? "" : "; did you mean the upstream " + std::string(near) + "?"));
  }
  if (at.unknown_type) return;
  if (!is_supported(upstream.type))
    return fault(at, "type",
                 at.key("type") + ": type \"" + std::string(to_string(upstream.type)) +
                     "\" is not supported by this version; smtp and capture are");
  if (upstream.type == UpstreamType::smtp) check_smtp_upstream(at, upstream);
}

void Checker::check_smtp_upstream(const DraftSection& at, const UpstreamConfig& upstream) {
  if (given(at, "host") && given(at, "hosts")) fault(at, "hosts", at.key("hosts") + " and host exclude each other");
  if (!given(at, "host") && !given(at, "hosts")) fault(at, "name", at.key("host") + " is missing");
  if (given(at, "hosts") && !given(at, "host") && upstream.hosts.empty() && at.find("hosts")->value.items.empty())
    fault(at, "hosts", at.key("hosts") + " is empty");
  check_login(at, upstream);
  check_port(at, upstream);
  check_loop(at, upstream);
  if (!upstream.password.empty() && upstream.tls == UpstreamTls::none)
    warn(at, "tls", at.key("tls") + " = \"none\" sends the password readable over the network");
  if (!upstream.password.empty() && upstream.tls == UpstreamTls::opportunistic)
    warn(at, "tls",
         at.key("tls") +
             " = \"opportunistic\" verifies no certificate and falls back to plain text: "
             "who stands in between can read the password");
}

void Checker::check_login(const DraftSection& at, const UpstreamConfig& upstream) {
  const bool xoauth2 = upstream.auth == UpstreamAuth::xoauth2;
  if (xoauth2 && !given(at, "token_file")) fault(at, "auth", at.key("auth") + " = \"xoauth2\" needs token_file");
  if (given(at, "token_file") && !xoauth2) fault(at, "token_file", at.key("token_file") + " is for auth = \"xoauth2\"");
  if (given(at, "username") && !xoauth2 && !given(at, "password"))
    fault(at, "username", at.key("username") + " needs a password");
  if (!given(at, "username") && (given(at, "password") || xoauth2))
    fault(at, given(at, "password") ? "password" : "auth",
          at.key("username") + " is missing: there is a secret for it");
}

// RFC 8314: TLS begins with the connection on 465, and by STARTTLS on 587 and 25. The other way round both sides wait.
void Checker::check_port(const DraftSection& at, const UpstreamConfig& upstream) {
  const bool implicit = upstream.tls == UpstreamTls::implicit;
  if (upstream.port == 465 && !implicit)
    warn(at, "port",
         at.key("port") + " = 465 is for TLS from the first octet: tls = \"implicit\" is most likely meant");
  if ((upstream.port == 587 || upstream.port == 25) && implicit)
    warn(at, "port",
         at.key("port") + " = " + std::to_string(upstream.port) +
             " is for STARTTLS: tls = \"starttls\" is most likely meant");
}

void Checker::check_loop(const DraftSection& at, const UpstreamConfig& upstream) {
  for (const SmtpListenerConfig& listener : config_.smtp_listeners) {
    const auto listen = parse_listen_address(listener.address);
    if (listen.has_error() || listen->port != upstream.port) continue;
    const bool everywhere = !listen->address || listen->address->is_unspecified();
    for (const std::string& host : upstream.hosts) {
      const auto address = host == "localhost" ? parse_ip_address("127.0.0.1") : parse_ip_address(host);
      if (!address || !(everywhere ? address->is_loopback() : *address == *listen->address)) continue;
      return warn(
          at, "host",
          at.key("host") + " is this relay's own listener " + listener.address + ": mail would go round in a loop");
    }
  }
}

void Checker::check_upstream_names() {
  for (std::size_t i = 0; i < config_.upstreams.size(); ++i) {
    const std::string& name = config_.upstreams[i].name;
    const DraftSection& at = section("upstream", i);
    const GivenValue* as_given = at.find("name");
    if (!as_given || as_given->value.kind != TomlValue::Kind::text) continue;  // said already
    if (!is_upstream_name(name)) {
      fault(at, "name",
            "upstream.name = " + toml_string(name.substr(0, 64)) + " must be 1 to 64 letters, digits, - or _");
      continue;
    }
    for (std::size_t j = 0; j < i; ++j)
      if (environment_form(config_.upstreams[j].name) == environment_form(name)) {
        fault(at, "name", "upstream.name = " + toml_string(name) + " is there twice (case, - and _ do not count)");
        break;
      }
  }
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
      if (listen.has_error()) continue;  // said already
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

void Checker::check_sizes() {
  const SpoolConfig& spool = config_.spool;
  if (spool.reserve > spool.max_size / 4)
    fault(section("spool"), given(section("spool"), "max_size") ? "max_size" : "reserve",
          "spool.max_size must be at least four times spool.reserve");
  if (config_.smtp.max_message_size > spool.max_size / 100 * spool.high_water)
    fault(section("smtp"), "max_message_size",
          "smtp.max_message_size does not fit into the spool: raise spool.max_size");
  if (config_.retention.history_max_size > spool.max_size && given(section("retention"), "history_max_size"))
    fault(section("retention"), "history_max_size", "retention.history_max_size is larger than spool.max_size");
}

void Checker::check_delivery() {
  const DeliveryConfig& delivery = config_.delivery;
  if (delivery.retries > 0 && delivery.max_age < delivery.retry_interval * delivery.retries)
    warn(section("delivery"), "max_age",
         "delivery.max_age = \"" + format_duration(delivery.max_age) +
             "\" ends before the last of the retries would come");
}

void Checker::check_mgmt() {
  for (std::size_t i = 0; i < config_.mgmt_listeners.size(); ++i) {
    const MgmtListenerConfig& listener = config_.mgmt_listeners[i];
    const DraftSection& at = section("mgmt.listener", i);
    if (listener.serve.empty()) fault(at, "serve", "mgmt.listener.serve is empty: leave the listener out");
    const auto listen = parse_listen_address(listener.address);
    if (listen.has_value() && !listen->is_loopback() && listener.tls == HttpTls::none)
      warn(
          at, "tls",
          "mgmt.listener " + listener.address + " is reachable from outside without TLS: keys are readable on the way");
  }
  for (const Network& network : config_.mgmt.trusted_networks)
    if (network.prefix == 0)
      warn(section("mgmt"), "trusted_networks",
           "mgmt.trusted_networks holds " + network.str() + ": anyone who reaches it can read and steer all mail");
}

}  // namespace

bool is_supported(UpstreamType type) {
  return type == UpstreamType::smtp || type == UpstreamType::capture;
}

void check_config(const Draft& draft, ConfigResult& result) {
  Checker(draft, result).check();
}

}  // namespace postrider
