// From main.cf to the sections of a postrider.toml: who may send in, on which addresses, to which smarthost, how patiently.
// What is read of each parameter is in the function of its section; what has no equivalent in import_postfix_notes.cpp.
#include <algorithm>
#include <set>

#include "core/config_value.h"
#include "core/import_page.h"
#include "core/import_postfix_files.h"
#include "core/import_postfix_notes.h"
#include "core/network.h"

namespace postrider {
namespace {

constexpr std::string_view kBlanks = ", \t\r\n";

// ---- the whole ----------------------------------------------------------------------------------------------------------

class PostfixImport {
 public:
  PostfixImport(const PostfixFiles& files, const ImportOptions& options)
      : files_(files), main_(files.main_cf.text), page_("Postfix", files.main_cf.name, options) {}

  ImportResult run() {
    server();
    listeners();
    smtp();
    certificate();
    access();
    addresses();
    upstreams();
    delivery();
    rest();
    return page_.finish();
  }

 private:
  struct Login {
    std::string user, password, what;
  };

  void server();
  void listeners();
  void listen(const PostfixService& service);
  bool wants_login(const PostfixService& service) const;
  bool is_free(const std::string& endpoint);
  std::vector<std::string> addresses_of(const std::string& name) const;
  void smtp();
  void certificate();
  void access();
  void addresses();
  void add_aliases(ImportBlock& block);
  void add_rewrites(ImportBlock& block);
  void upstreams();
  void upstream(const std::string& relayhost, std::size_t place);
  void upstream_tls(ImportBlock& block);
  void upstream_login(ImportBlock& block, const std::string& relayhost, const std::string& name);
  std::optional<Login> login_for(const std::string& relayhost);
  void delivery();
  void rest();

  // The value of a parameter, which counts as looked at; empty when it is not there.
  std::string take(std::string_view name) {
    seen_.emplace(name);
    return main_.get(name);
  }
  std::string take(const PostfixService& service, std::string_view name) {
    const auto found = service.overrides.find(std::string(name));
    return found == service.overrides.end() ? take(name) : main_.expanded(found->second);
  }
  std::string where(std::string_view name) const { return main_.where(name); }
  void copy(std::string_view parameter, std::string_view section, std::string_view key) {
    if (const std::string value = take(parameter); !value.empty())
      page_.section(section).set(key, value, where(parameter));
  }
  void copy_time(std::string_view parameter, char unit, ImportBlock& block, std::string_view key);

  const PostfixFiles& files_;
  const PostfixParameters main_;
  ImportPage page_;
  std::set<std::string, std::less<>> seen_;
  std::vector<ListenAddress> listening_ = {parse_listen_address("127.0.0.1:8025").value()};  // the management's
};

std::string duration_text(std::int64_t ms) {
  return format_duration(Duration(ms));
}

void PostfixImport::copy_time(std::string_view parameter, char unit, ImportBlock& block, std::string_view key) {
  const std::string text = take(parameter);
  if (text.empty()) return;
  if (const auto time = postfix_time(text, unit))
    block.set(key, duration_text(*time), where(parameter));
  else
    page_.note(where(parameter), "left out: \"" + text + "\" is no time.");
}

void PostfixImport::server() {
  copy("myhostname", "server", "hostname");
  if (!main_.has("myhostname")) {
    page_.note("myhostname", "not in the file: Postfix takes the machine's name, and so does Postrider.");
  }
}

// ---- coming in ----------------------------------------------------------------------------------------------------------

// The addresses to listen on for a name of inet_interfaces: as they stand before ":port".
std::vector<std::string> PostfixImport::addresses_of(const std::string& name) const {
  const std::string protocols = main_.get("inet_protocols");
  const bool v4 =
      protocols.empty() || protocols.find("all") != std::string::npos || protocols.find("ipv4") != std::string::npos;
  const bool v6 =
      protocols.empty() || protocols.find("all") != std::string::npos || protocols.find("ipv6") != std::string::npos;
  if (name == "all" && v4 && v6) return {""};
  if (name == "all") return {v4 ? "0.0.0.0" : "[::]"};
  if (name == "loopback-only" || name == "localhost") {
    std::vector<std::string> out;
    if (v4) out.push_back("127.0.0.1");
    if (v6) out.push_back("[::1]");
    return out;
  }
  const std::string bare = name.starts_with('[') && name.ends_with(']') ? name.substr(1, name.size() - 2) : name;
  const auto address = parse_ip_address(bare);
  if (!address) return {};
  return {address->v6 ? '[' + bare + ']' : bare};
}

void PostfixImport::listeners() {
  std::vector<PostfixService> services;
  if (files_.master_cf) {
    services = postfix_smtp_services(files_.master_cf->text);
    if (services.empty())
      page_.note(
          files_.master_cf->name,
          "has no smtpd service: this machine takes no mail by SMTP. Postrider needs a listener and has its default.");
  } else {
    services.push_back({0, "smtp", {}});
    page_.note("master.cf", "was not there: port 25 is assumed.");
  }
  for (const PostfixService& service : services) listen(service);
  if (!services.empty())
    page_.note("listeners",
               "stop Postfix before Postrider is started with them: two programs cannot have one port. A port below "
               "1024 needs the capability CAP_NET_BIND_SERVICE.");
}

// What makes a submission service: restrictions of its own that let nobody past but who has logged in.
bool PostfixImport::wants_login(const PostfixService& service) const {
  for (const char* name : {"smtpd_client_restrictions", "smtpd_relay_restrictions", "smtpd_recipient_restrictions"}) {
    const auto own = service.overrides.find(name);
    if (own == service.overrides.end()) continue;
    const std::string rules = main_.expanded(own->second);
    if (rules.find("permit_sasl_authenticated") != std::string::npos && rules.find("reject") != std::string::npos &&
        rules.find("permit_mynetworks") == std::string::npos)
      return true;
  }
  return false;
}

// Two services, or two names of an interface, may mean the same address; Postfix opens it once, or fails.
bool PostfixImport::is_free(const std::string& endpoint) {
  const ListenAddress address = parse_listen_address(endpoint).value();
  for (const ListenAddress& other : listening_) {
    if (!collide(address, other)) continue;
    if (&other == &listening_.front())
      page_.note("listeners",
                 endpoint + " is left out: the management interface has that port; [[mgmt.listener]] can move it.");
    return false;
  }
  listening_.push_back(address);
  return true;
}

void PostfixImport::listen(const PostfixService& service) {
  const std::string from = service.line > 0 ? files_.master_cf->name + ", line " + std::to_string(service.line) : "";
  // "submission", "127.0.0.1:2525", "[::1]:smtp"
  const std::size_t colon = service.name.rfind(':');
  const auto port = postfix_port(colon == std::string::npos ? service.name : service.name.substr(colon + 1));
  if (!port) return page_.note(from, "left out: " + service.name + " is no port that is known here.");
  std::vector<std::string> names = {colon == std::string::npos ? "" : service.name.substr(0, colon)};
  if (names.front().empty()) names = split_words(take("inet_interfaces"), kBlanks);
  if (names.empty()) names = {"all"};

  std::string level = lower_ascii(take(service, "smtpd_tls_security_level"));
  if (level.empty() && lower_ascii(take(service, "smtpd_enforce_tls")) == "yes") level = "encrypt";
  if (level.empty() && lower_ascii(take(service, "smtpd_use_tls")) == "yes") level = "may";
  const bool implicit = lower_ascii(take(service, "smtpd_tls_wrappermode")) == "yes";
  const bool require_auth = wants_login(service);
  const bool starttls = level == "may" || level == "encrypt" || require_auth;
  for (const std::string& name : names) {
    const std::vector<std::string> addresses = addresses_of(name);
    if (addresses.empty())
      page_.note(where("inet_interfaces"), name + " is left out: a listener needs an address, not a name.");
    for (const std::string& address : addresses) {
      const std::string endpoint = address + ':' + std::to_string(*port);
      if (!is_free(endpoint)) continue;
      ImportBlock& block = page_.add("smtp.listener");
      block.set("address", endpoint, from.empty() ? "inet_interfaces" : from);
      block.set("tls", implicit ? "implicit" : starttls ? "starttls" : "none", "smtpd_tls_security_level");
      if (level == "encrypt" && !implicit) block.set("require_tls", "true", "smtpd_tls_security_level = encrypt");
      if (require_auth) block.set("require_auth", "true", "only permit_sasl_authenticated");
    }
  }
  if (require_auth && level != "may" && level != "encrypt" && !implicit)
    page_.note(from, "took logins without TLS; Postrider takes them under TLS only.");
}

void PostfixImport::smtp() {
  if (const std::string size = take("message_size_limit"); size == "0")
    page_.section("smtp").set("max_message_size", "2GiB", where("message_size_limit") + ": no limit there");
  else if (!size.empty())
    page_.section("smtp").set("max_message_size", parse_size(size + "B") ? format_size(*parse_size(size + "B")) : size,
                              where("message_size_limit"));
  copy("smtpd_recipient_limit", "smtp", "max_recipients");
  copy("smtpd_hard_error_limit", "smtp", "max_errors");
  copy("smtpd_client_connection_count_limit", "smtp", "max_connections_per_address");
  copy("hopcount_limit", "smtp", "max_received");
  if (main_.has("smtpd_timeout")) copy_time("smtpd_timeout", 's', page_.section("smtp"), "idle_timeout");
  if (take("smtpd_forbid_bare_newline") == "normalize")
    page_.section("smtp").set("bare_lf", "normalise", where("smtpd_forbid_bare_newline"));
}

void PostfixImport::certificate() {
  std::string certificate = take("smtpd_tls_cert_file"), key = take("smtpd_tls_key_file");
  const std::string parameter = certificate.empty() ? "smtpd_tls_chain_files" : "smtpd_tls_cert_file";
  if (key.empty() || key == certificate) key = certificate;  // Postfix's default: the key is in the certificate's file
  if (const auto chain = split_words(take("smtpd_tls_chain_files"), kBlanks); certificate.empty() && !chain.empty()) {
    certificate = key = chain.front();
    if (chain.size() > 1)
      page_.note(where("smtpd_tls_chain_files"), "only the first file is used: Postrider shows one certificate.");
  }
  if (certificate.empty() || certificate == "none") return;
  ImportBlock& block = page_.section("tls");
  if (!block.set("certificate", certificate, where(parameter))) return;
  if (!block.set("key", key, where(main_.has("smtpd_tls_key_file") ? "smtpd_tls_key_file" : parameter)))
    return block.drop("certificate");
  page_.note("tls.key", "the daemon's user must be able to read it; Postfix reads it as root.");
}

// Debian's "[::ffff:127.0.0.0]/104" is 127.0.0.0/8 in the form of IPv6; here IPv4 is IPv4 however it comes.
std::string without_mapping(const std::string& network) {
  constexpr std::string_view kMapped = "::ffff:";
  const std::size_t slash = network.find('/');
  if (!network.starts_with(kMapped) || slash == std::string::npos) return network;
  const auto bits = parse_size(network.substr(slash + 1) + 'B');
  if (!bits || *bits < 96 || *bits > 128) return network;
  return network.substr(kMapped.size(), slash - kMapped.size()) + '/' + std::to_string(*bits - 96);
}

void PostfixImport::access() {
  const std::string value = take("mynetworks");
  if (value.empty()) {
    page_.note("mynetworks",
               "not in the file: Postfix then trusts by mynetworks_style (this machine, or its subnets); Postrider "
               "trusts loopback. Add networks to access.trusted_networks where others send through this machine.");
    return;
  }
  std::vector<std::string> networks;
  for (const std::string& word : split_words(value, kBlanks)) {
    if (word.starts_with('!') || word.starts_with('/') ||
        (word.find(':') != std::string::npos && !word.starts_with('[') && !parse_network(word))) {
      page_.note(where("mynetworks"),
                 word + " is left out: only networks and addresses can be said, no exceptions, files or tables.");
      continue;
    }
    std::string network = word;  // "[::1]/128"
    std::erase_if(network, [](char c) { return c == '[' || c == ']'; });
    network = without_mapping(network);
    if (std::find(networks.begin(), networks.end(), network) == networks.end()) networks.push_back(std::move(network));
  }
  page_.section("access").set("trusted_networks", std::move(networks), where("mynetworks"));
}

// ---- addresses ------------------------------------------------------------------------------------------------------------

void PostfixImport::addresses() {
  const std::string origin = take("myorigin");
  if (origin.starts_with('/'))
    page_.note(where("myorigin"), "is the file " + origin + ": put its one line into addresses.origin.");
  else if (!origin.empty() && main_.has("myorigin") && origin != main_.get("myhostname"))
    page_.section("addresses").set("origin", origin, where("myorigin"));
  if (files_.aliases)
    add_aliases(page_.section("addresses"));
  else if (const std::string maps = take("alias_maps"); !maps.empty())
    page_.note(where("alias_maps"), "not read: give its text with --aliases (most often /etc/aliases).");
  seen_.emplace("alias_maps");
  add_rewrites(page_.section("addresses"));
}

// Follows names to the address they end at: "postmaster: root", "root: ops@example.com".
std::optional<std::string> resolve(const std::map<std::string, std::string>& aliases, std::string name) {
  for (int hops = 0; hops < 10; ++hops) {
    if (name.find('@') != std::string::npos) return name;
    const auto found = aliases.find(lower_ascii(name));
    if (found == aliases.end()) return std::nullopt;
    name = found->second;
  }
  return std::nullopt;
}

void PostfixImport::add_aliases(ImportBlock& block) {
  const std::vector<PostfixEntry> entries = postfix_table(files_.aliases->text, PostfixTable::colon);
  std::map<std::string, std::string> single;
  std::string skipped;
  const auto skip = [&](const PostfixEntry& entry) { skipped += (skipped.empty() ? "" : ", ") + entry.key; };
  for (const PostfixEntry& entry : entries) {
    const auto targets = split_words(entry.value, kBlanks);
    const bool plain = targets.size() == 1 && entry.value.find_first_of("|/:\"") == std::string::npos;
    if (plain) single.emplace(lower_ascii(entry.key), targets.front());
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const PostfixEntry& entry : entries) {
    const auto target = single.contains(lower_ascii(entry.key)) ? resolve(single, entry.key) : std::nullopt;
    if (target)
      pairs.emplace_back(entry.key, *target);
    else
      skip(entry);
  }
  if (!pairs.empty()) block.set("aliases", std::move(pairs), files_.aliases->name);
  if (!skipped.empty())
    page_.note(files_.aliases->name, "left out: " + skipped +
                                         ". An alias of Postrider has one address as its target, with a domain; no "
                                         "local mailbox, list, command or file.");
}

// "static:addr", or the text of the table: "user@domain new", "@domain new", "user new" (generic(5), canonical(5)).
void PostfixImport::add_rewrites(ImportBlock& block) {
  std::vector<std::pair<std::string, std::string>> pairs;
  std::string from;
  if (files_.generic) {
    from = files_.generic->name;
    for (const PostfixEntry& entry : postfix_table(files_.generic->text, PostfixTable::blank)) {
      const bool whole_domain = entry.key.starts_with('@');
      const bool bare = entry.key.find('@') == std::string::npos;
      const std::string target = entry.value.find('@') == std::string::npos && !main_.get("myorigin").empty()
                                     ? entry.value + '@' + main_.get("myorigin")
                                     : entry.value;
      if (target.starts_with('@')) {
        page_.note(from + ", line " + std::to_string(entry.line), "left out: the domain alone cannot be replaced.");
        continue;
      }
      pairs.emplace_back(whole_domain ? '*' + entry.key : bare ? entry.key + "@*" : entry.key, target);
    }
  }
  // The first match holds: whole addresses before patterns, as Postfix looks them up.
  std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
    const auto rank = [](const std::string& pattern) {
      return pattern.find('*') == std::string::npos ? 0 : pattern.back() == '*' ? 1 : 2;
    };
    return rank(a.first) < rank(b.first);
  });
  for (const char* name : {"smtp_generic_maps", "sender_canonical_maps", "canonical_maps"}) {
    const std::string maps = take(name);
    if (maps.starts_with("static:")) {
      pairs.emplace_back("*", trim_blanks(maps.substr(7)));
      from += (from.empty() ? "" : " and ") + where(name);
    } else if (!maps.empty() && !files_.generic) {
      page_.note(where(name),
                 "not read: give its text with --generic. Envelope senders can be rewritten, header fields are left as "
                 "they are.");
    }
  }
  if (pairs.empty()) return;
  block.set("rewrite_sender", std::move(pairs), from);
  page_.note("addresses.rewrite_sender",
             "rewrites envelope senders; Postfix's tables also rewrite header fields, which Postrider leaves alone.");
}

// ---- going out ------------------------------------------------------------------------------------------------------------

void PostfixImport::upstreams() {
  const std::vector<std::string> hosts = split_words(take("relayhost"), kBlanks);
  for (std::size_t i = 0; i < hosts.size(); ++i) upstream(hosts[i], i);
  if (!hosts.empty()) return;
  page_.note("relayhost",
             "is empty: Postfix delivers to the mail servers of each domain by itself. Postrider hands all mail to an "
             "upstream and needs one: until the [[upstream]] is filled in, mail is captured on this machine and none "
             "is sent on.");
  ImportBlock& block = page_.add("upstream", ImportPage::Active::no);
  block.set("name", "primary", "");
  block.set("type", "smtp", "");
  block.set("host", "smtp.example.net", "your provider's");
  block.set_login("app", "", std::nullopt, "primary.password", "its password");
}

void PostfixImport::upstream(const std::string& relayhost, std::size_t place) {
  const PostfixDestination to = postfix_destination(relayhost);
  ImportBlock& block = page_.add("upstream");
  const std::string name = place == 0 ? "primary" : place == 1 ? "backup" : "backup-" + std::to_string(place);
  block.set("name", name, "");
  block.set("type", "smtp", "");
  if (!block.set("host", to.host, where("relayhost"))) block.comment_out();
  const auto port = postfix_port(to.port.empty() ? "smtp" : to.port);
  block.set("port", port ? std::to_string(*port) : to.port, to.port.empty() ? "Postfix's default" : "");
  upstream_tls(block);
  upstream_login(block, relayhost, name);
  const bool own = main_.has("smtp_destination_concurrency_limit");
  const std::string limit_of = own ? "smtp_destination_concurrency_limit" : "default_destination_concurrency_limit";
  take("smtp_destination_concurrency_limit");
  take("default_destination_concurrency_limit");
  if (const std::string limit = main_.get(limit_of); !limit.empty())
    block.set("max_connections", limit == "0" ? "10000" : limit, where(limit_of));
  if (const std::string helo = take("smtp_helo_name"); !helo.empty()) block.set("helo", helo, where("smtp_helo_name"));
  copy_time("smtp_connect_timeout", 's', block, "connect_timeout");
  copy_time("smtp_data_done_timeout", 's', block, "final_timeout");
  if (to.mail_exchanger && !parse_ip_address(to.host))
    page_.note(where("relayhost"), "\"" + to.host +
                                       "\" has no brackets: Postfix asks DNS for its mail servers (MX). Postrider "
                                       "connects to the host itself: write the name of its mail server (`host -t mx " +
                                       to.host + "`).");
}

void PostfixImport::upstream_tls(ImportBlock& block) {
  std::string level = lower_ascii(take("smtp_tls_security_level")), parameter = "smtp_tls_security_level";
  if (level.empty() && main_.yes("smtp_enforce_tls", false)) level = "verify", parameter = "smtp_enforce_tls";
  if (level.empty() && main_.yes("smtp_use_tls", false)) level = "may", parameter = "smtp_use_tls";
  for (const char* old : {"smtp_enforce_tls", "smtp_use_tls", "smtp_tls_enforce_peername"}) seen_.emplace(old);
  const bool implicit = lower_ascii(take("smtp_tls_wrappermode")) == "yes";
  const bool none = level.empty() || level == "none";
  if (implicit)
    block.set("tls", "implicit", where("smtp_tls_wrappermode"));
  else if (none)
    block.set("tls", "none", level.empty() ? "Postfix's default" : where(parameter));
  else
    block.set("tls", level == "may" ? "opportunistic" : "starttls", where(parameter) + " (" + level + ")");
  if (level == "encrypt" || (implicit && level != "verify" && level != "secure"))
    page_.note(where(parameter),
               "Postfix encrypts here without looking at the certificate; Postrider verifies it. With a certificate of "
               "your own, name its authority in tls_ca_file.");
  if (level == "dane" || level == "dane-only" || level == "fingerprint")
    page_.note(where(parameter),
               "\"" + level + "\" has no equivalent: the certificate is verified by its authority instead.");
  const std::string authorities = take("smtp_tls_CAfile");
  if (!authorities.empty() && (implicit || (!none && level != "may")) &&
      authorities != "/etc/ssl/certs/ca-certificates.crt")
    block.set("tls_ca_file", authorities, where("smtp_tls_CAfile"));
}

std::optional<PostfixImport::Login> PostfixImport::login_for(const std::string& relayhost) {
  const std::string maps = take("smtp_sasl_password_maps");
  if (maps.starts_with("static:")) {
    const std::string pair = maps.substr(7);
    const std::size_t colon = pair.find(':');
    if (colon != std::string::npos)
      return Login{pair.substr(0, colon), pair.substr(colon + 1),
                   "the password in " + where("smtp_sasl_password_maps")};
  }
  if (!files_.sasl_passwd) return std::nullopt;
  const std::vector<PostfixEntry> entries = postfix_table(files_.sasl_passwd->text, PostfixTable::blank);
  // As Postfix: the host's name alone, and the destination as it is written.
  for (const std::string& key : {relayhost, postfix_destination(relayhost).host}) {
    for (const PostfixEntry& entry : entries) {
      if (lower_ascii(entry.key) != lower_ascii(key)) continue;
      const std::size_t colon = entry.value.find(':');
      return Login{entry.value.substr(0, colon), colon == std::string::npos ? "" : entry.value.substr(colon + 1),
                   "the password in " + files_.sasl_passwd->name + ", line " + std::to_string(entry.line)};
    }
  }
  return std::nullopt;
}

void PostfixImport::upstream_login(ImportBlock& block, const std::string& relayhost, const std::string& name) {
  if (!main_.yes("smtp_sasl_auth_enable", false)) {
    if (main_.has("smtp_sasl_password_maps"))
      page_.note(where("smtp_sasl_password_maps"), "not used: smtp_sasl_auth_enable is not yes.");
    seen_.insert({"smtp_sasl_auth_enable", "smtp_sasl_password_maps", "smtp_sasl_mechanism_filter"});
    return;
  }
  seen_.emplace("smtp_sasl_auth_enable");
  const std::optional<Login> login = login_for(relayhost);
  if (!login) {
    page_.note(where("smtp_sasl_password_maps"),
               files_.sasl_passwd
                   ? "has no entry for " + relayhost + ": no login is written."
                   : "not read: give its text as the second argument (most often sasl_passwd). No login is written.");
    return;
  }
  const std::string from = login->what.substr(std::string_view("the password in ").size());
  if (!block.set_login(login->user, from, login->password, name + ".password", login->what)) return;
  const std::string filter = lower_ascii(take("smtp_sasl_mechanism_filter"));
  if (filter == "plain" || filter == "login")
    block.set("auth", filter, where("smtp_sasl_mechanism_filter"));
  else if (filter == "cram-md5")
    block.set("auth", "cram_md5", where("smtp_sasl_mechanism_filter"));
  else if (!filter.empty())
    page_.note(where("smtp_sasl_mechanism_filter"),
               "has no equivalent: one mechanism can be named (upstream.auth), or the best that is offered is taken.");
}

// Postfix doubles its waits from the minimal to the maximal and ends with the age; Postrider's waits are equal and counted.
void PostfixImport::delivery() {
  constexpr std::int64_t kLifetime = 5 * 86'400'000, kMaximal = 4'000'000;  // Postfix's defaults
  const std::string lifetime = take("maximal_queue_lifetime"), minimal = take("minimal_backoff_time"),
                    maximal = take("maximal_backoff_time");
  const std::int64_t age = postfix_time(lifetime, 'd').value_or(kLifetime);
  const std::int64_t interval = std::max<std::int64_t>(postfix_time(maximal, 's').value_or(kMaximal), 1000);
  const std::string retries = std::to_string(std::clamp<std::int64_t>(age / interval, 0, 1000));
  ImportBlock& block = page_.section("delivery");
  if (age == 0) {
    block.set("retries", "0", where("maximal_queue_lifetime"));
    return page_.note(where("maximal_queue_lifetime"), "0: one try and no more.");
  }
  if (!lifetime.empty()) block.set("max_age", duration_text(age), where("maximal_queue_lifetime"));
  if (lifetime.empty() && maximal.empty() && minimal.empty()) {
    block.suggest("retry_interval", duration_text(interval), "Postfix's patience: up to this between two tries,");
    block.suggest("retries", retries, "for 5 days");
    return page_.note("delivery",
                      "Postfix tries for 5 days and then bounces. Postrider by default tries three times more at "
                      "intervals of 10 minutes and then keeps the message as failed, to be retried or released; the "
                      "lines that are commented out are Postfix's patience.");
  }
  block.set("retry_interval", duration_text(interval),
            maximal.empty() ? "maximal_backoff_time, Postfix's default" : where("maximal_backoff_time"));
  block.set("retries", retries, "as many as fit into max_age");
  page_.note("delivery",
             "Postfix waits " +
                 (minimal.empty() ? std::string("5 minutes")
                                  : minimal + (postfix_time(minimal, 's') && minimal.back() <= '9' ? " seconds" : "")) +
                 " first and doubles that up to maximal_backoff_time. Postrider waits equally long each time; a "
                 "smaller retry_interval with more retries is quicker to recover.");
}

// ---- what is left ---------------------------------------------------------------------------------------------------------

void PostfixImport::rest() {
  std::vector<std::pair<std::string_view, std::string>> by_text;  // parameters that one sentence answers
  std::string unknown;
  for (const std::string& name : main_.names()) {
    const PostfixNote* note = find_postfix_note(name);
    if (!note && !seen_.contains(name)) unknown += (unknown.empty() ? "" : ", ") + where(name);
    if (!note || note->text.empty() || main_.get(name).empty()) continue;
    const auto same =
        std::find_if(by_text.begin(), by_text.end(), [&](const auto& each) { return each.first == note->text; });
    if (same == by_text.end())
      by_text.emplace_back(note->text, where(name));
    else
      same->second += "; " + where(name);
  }
  for (const auto& [text, names] : by_text) page_.note(names, text);
  for (const std::string& name : main_.overridden())
    page_.note(where(name), "stands there more than once; the last one holds, as in Postfix.");
  if (!unknown.empty()) page_.note("not known to this import", unknown + ".");
}

}  // namespace

ImportResult import_postfix(const PostfixFiles& files, const ImportOptions& options) {
  return PostfixImport(files, options).run();
}

}  // namespace postrider
