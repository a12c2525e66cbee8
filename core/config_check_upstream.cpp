// Rules over the keys of [[upstream]] entries, of one and of all together: what cannot be, and the traps that an experienced operator
// would point out.
#include <algorithm>

#include "core/config_draft.h"
#include "core/config_value.h"
#include "core/nearest.h"

namespace postrider {
namespace {

constexpr std::size_t kMostUpstreams = 64;  // what a route holds: relay::kMaxUpstreams

class UpstreamChecker {
 public:
  UpstreamChecker(const Draft& draft, ConfigResult& result) : draft_(draft), result_(result), config_(result.config) {}

  void check() {
    for (std::size_t i = 0; i < config_.upstreams.size(); ++i) check_upstream(section(i), config_.upstreams[i]);
    check_count();
    check_names();
    check_matches();
    check_way_around_guards();
  }

 private:
  void check_upstream(const DraftSection& at, const UpstreamConfig& upstream);
  void check_smtp(const DraftSection& at, const UpstreamConfig& upstream);
  void check_login(const DraftSection& at, const UpstreamConfig& upstream);
  void check_tls(const DraftSection& at, const UpstreamConfig& upstream);
  void check_port(const DraftSection& at, const UpstreamConfig& upstream);
  void check_srv(const DraftSection& at, const UpstreamConfig& upstream);
  void check_loop(const DraftSection& at, const UpstreamConfig& upstream);
  void check_required(const DraftSection& at, const UpstreamConfig& upstream);
  void check_http(const DraftSection& at, const UpstreamConfig& upstream);
  void check_guard(const DraftSection& at, const UpstreamConfig& upstream);
  void check_count();
  void check_names();
  void check_matches();
  void check_way_around_guards();

  const DraftSection& section(std::size_t index) const { return *draft_.find("upstream", index); }
  static bool given(const DraftSection& at, std::string_view option) { return at.find(option) != nullptr; }
  void fault(const DraftSection& at, std::string_view option, std::string text) {
    fault_at(result_.faults, at, option, std::move(text));
  }
  void warn(const DraftSection& at, std::string_view option, std::string text) {
    fault_at(result_.warnings, at, option, std::move(text));
  }
  // With the option's name before the clause.
  void fault_in(const DraftSection& at, std::string_view option, const std::string& clause) {
    fault(at, option, at.key(option) + clause);
  }
  void warn_in(const DraftSection& at, std::string_view option, const std::string& clause) {
    warn(at, option, at.key(option) + clause);
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

// It becomes a label of the host that is asked, and a part of what is signed.
bool is_region(std::string_view region) {
  return !region.empty() && region.size() <= 63 && std::all_of(region.begin(), region.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool is_loopback_url(std::string_view url) {
  std::string_view host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find('/'));
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  const auto address = parse_ip_address(host);
  return address ? address->is_loopback() : host == "localhost" || host.ends_with(".localhost");  // RFC 6761 6.3
}

void UpstreamChecker::check_upstream(const DraftSection& at, const UpstreamConfig& upstream) {
  if (!given(at, "name")) fault(at, "name", "upstream.name is missing: every [[upstream]] has a name");
  if (!given(at, "type")) {
    std::vector<std::string_view> others;
    for (std::size_t i = 0; i < config_.upstreams.size(); ++i)
      if (&config_.upstreams[i] != &upstream && given(section(i), "type")) others.push_back(config_.upstreams[i].name);
    const std::string_view near = nearest(upstream.name, others);
    return fault(at, "name",
                 at.key("type") + " is missing" +
                     (near.empty() ? "" : "; did you mean the upstream " + std::string(near) + "?"));
  }
  if (at.unknown_type) return;
  if (upstream.type == UpstreamType::smtp) check_smtp(at, upstream);
  if (is_http(upstream.type)) check_http(at, upstream);
  check_required(at, upstream);
  check_guard(at, upstream);
}

void UpstreamChecker::check_smtp(const DraftSection& at, const UpstreamConfig& upstream) {
  if (given(at, "host") && given(at, "hosts")) fault_in(at, "hosts", " and host exclude each other");
  if (!given(at, "host") && !given(at, "hosts")) fault(at, "name", at.key("host") + " is missing");
  if (given(at, "hosts") && !given(at, "host") && upstream.hosts.empty() && at.find("hosts")->value.items.empty())
    fault_in(at, "hosts", " is empty");
  check_login(at, upstream);
  check_tls(at, upstream);
  if (upstream.srv) return check_srv(at, upstream);
  check_port(at, upstream);
  check_loop(at, upstream);
}

void UpstreamChecker::check_login(const DraftSection& at, const UpstreamConfig& upstream) {
  const bool xoauth2 = upstream.auth == UpstreamAuth::xoauth2;
  if (xoauth2 && !given(at, "token_file")) fault_in(at, "auth", " = \"xoauth2\" needs token_file");
  if (given(at, "token_file") && !xoauth2) fault_in(at, "token_file", " is for auth = \"xoauth2\"");
  if (given(at, "username") && !xoauth2 && !given(at, "password")) fault_in(at, "username", " needs a password");
  if (!given(at, "username") && (given(at, "password") || xoauth2))
    fault(at, given(at, "password") ? "password" : "auth",
          at.key("username") + " is missing: there is a secret for it");
  if (upstream.password.empty()) return;
  if (upstream.tls == UpstreamTls::none) warn_in(at, "tls", " = \"none\" sends the password readable over the network");
  if (upstream.tls == UpstreamTls::opportunistic)
    warn_in(at, "tls",
            " = \"opportunistic\" verifies no certificate and falls back to plain text: "
            "who stands in between can read the password");
}

void UpstreamChecker::check_tls(const DraftSection& at, const UpstreamConfig& upstream) {
  if (given(at, "tls_certificate") != given(at, "tls_key"))
    fault(at, given(at, "tls_certificate") ? "tls_certificate" : "tls_key",
          at.entry() + " needs both tls_certificate and tls_key, or neither");
  if (given(at, "tls_certificate") && upstream.tls == UpstreamTls::none)
    fault_in(at, "tls_certificate", " cannot be shown with tls = \"none\"");
}

// RFC 8314: TLS begins with the connection on 465, and by STARTTLS on 587 and 25. The other way round both sides wait.
void UpstreamChecker::check_port(const DraftSection& at, const UpstreamConfig& upstream) {
  const bool implicit = upstream.tls == UpstreamTls::implicit;
  if (upstream.port == 465 && !implicit)
    warn_in(at, "port", " = 465 is for TLS from the first octet: tls = \"implicit\" is most likely meant");
  if ((upstream.port == 587 || upstream.port == 25) && implicit)
    warn_in(at, "port",
            " = " + std::to_string(upstream.port) + " is for STARTTLS: tls = \"starttls\" is most likely meant");
}

void UpstreamChecker::check_srv(const DraftSection& at, const UpstreamConfig& upstream) {
  if (given(at, "port")) warn_in(at, "port", " has no effect with srv = true: the SRV record names the port");
  for (const std::string& host : upstream.hosts)
    if (parse_ip_address(host))
      fault_in(at, "srv", " = true asks for the SRV records of a domain, and " + host + " is an address");
}

void UpstreamChecker::check_loop(const DraftSection& at, const UpstreamConfig& upstream) {
  for (const SmtpListenerConfig& listener : config_.smtp_listeners) {
    const auto listen = parse_listen_address(listener.address);
    if (listen.has_error() || listen->port != upstream.port) continue;
    const bool everywhere = !listen->address || listen->address->is_unspecified();
    for (const std::string& host : upstream.hosts) {
      const auto address = host == "localhost" ? parse_ip_address("127.0.0.1") : parse_ip_address(host);
      if (!address || !(everywhere ? address->is_loopback() : *address == *listen->address)) continue;
      return warn_in(at, "host",
                     " is this relay's own listener " + listener.address + ": mail would go round in a loop");
    }
  }
}

void UpstreamChecker::check_required(const DraftSection& at, const UpstreamConfig& upstream) {
  for (const Option& option : options_of("upstream"))
    if (option.need == Need::required && is_for(option, upstream.type) && !given(at, option.name))
      fault(at, "type",
            at.key(option.name) + " is missing: type \"" + std::string(to_string(upstream.type)) + "\" needs it");
}

void UpstreamChecker::check_http(const DraftSection& at, const UpstreamConfig& upstream) {
  if (is_lossy(upstream.type))
    warn_in(at, "type",
            " = \"" + std::string(to_string(upstream.type)) +
                "\" is lossy: it builds each message anew from its texts, attachments and some header fields; MIME "
                "structure, signatures and repeated fields are lost");
  if (upstream.api_base.starts_with("http://") && !is_loopback_url(upstream.api_base))
    warn_in(at, "api_base", " sends keys and mail readable over the network");
  if (given(at, "webhook_username") != given(at, "webhook_password"))
    fault(at, given(at, "webhook_username") ? "webhook_username" : "webhook_password",
          at.entry() + " needs both webhook_username and webhook_password, or neither");
  if (upstream.sandbox) warn_in(at, "sandbox", " = true: the provider delivers no mail");
  if (!upstream.region.empty() && !is_region(upstream.region))
    fault_in(at, "region",
             " = " + toml_string(upstream.region.substr(0, 64)) + " is not a region such as eu-central-1");
}

void UpstreamChecker::check_guard(const DraftSection& at, const UpstreamConfig& upstream) {
  if (given(at, "redirect_to") && given(at, "capture_to"))
    fault_in(at, "capture_to", " and redirect_to exclude each other");
  if (given(at, "allow_recipients") && upstream.guard.empty() && at.find("allow_recipients")->value.items.empty())
    fault_in(at, "allow_recipients", " is empty and guards nothing: name a recipient, redirect_to or capture_to");
  if (!upstream.guard.empty() && upstream.type == UpstreamType::capture)
    warn(at, "type", at.entry() + " needs no guard: its mail does not leave this machine");
}

void UpstreamChecker::check_count() {
  if (config_.upstreams.size() <= kMostUpstreams) return;
  fault(section(kMostUpstreams), "name",
        "there are " + std::to_string(config_.upstreams.size()) + " upstreams; there can be at most " +
            std::to_string(kMostUpstreams));
}

void UpstreamChecker::check_names() {
  for (std::size_t i = 0; i < config_.upstreams.size(); ++i) {
    const std::string& name = config_.upstreams[i].name;
    const DraftSection& at = section(i);
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

void UpstreamChecker::check_matches() {
  const auto& all = config_.upstreams;
  if (std::any_of(all.begin(), all.end(), [](const UpstreamConfig& each) { return each.match.empty(); })) return;
  const auto last = all.size() - 1;
  warn_in(section(last), "match", ": every upstream has one, and mail that fits none has no route and waits");
}

// Failover passes mail on to whoever comes next, guarded or not.
void UpstreamChecker::check_way_around_guards() {
  const auto& all = config_.upstreams;
  const auto guarded = std::find_if(all.begin(), all.end(), [](const UpstreamConfig& each) {
    return !each.guard.empty() && each.type != UpstreamType::capture;
  });
  if (guarded == all.end()) return;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].guard.empty() && all[i].type != UpstreamType::capture && !section(i).unknown_type &&
        given(section(i), "type"))
      warn(section(i), "name",
           section(i).entry() + " has no guard: mail may leave by it without the one of " + guarded->name);
}

}  // namespace

void check_upstreams(const Draft& draft, ConfigResult& result) {
  UpstreamChecker(draft, result).check();
}

}  // namespace postrider
