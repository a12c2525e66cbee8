#include "core/config_options.h"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

#include "core/config_match.h"
#include "core/config_value.h"
#include "core/nearest.h"

namespace postrider {
namespace {

// ---- from an option's value into the member of Config that the table names ------------------------------------------

template <typename Target>
void assign(Target& target, const OptionValue& value) {
  if constexpr (std::is_same_v<Target, std::string>) {
    target = value.text;
  } else if constexpr (std::is_same_v<Target, Rate>) {
    target = {static_cast<std::uint32_t>(value.number), value.per};
  } else if constexpr (std::is_same_v<Target, Duration>) {
    target = Duration(value.number);
  } else if constexpr (std::is_same_v<Target, std::vector<std::string>>) {
    target = value.list;
  } else if constexpr (std::is_same_v<Target, std::vector<Network>>) {
    target.clear();
    for (const std::string& text : value.list) target.push_back(parse_network(text).value());
  } else if constexpr (std::is_same_v<Target, std::vector<std::pair<std::string, std::string>>>) {
    target = value.pairs;
  } else if constexpr (std::is_same_v<Target, UpstreamMatch>) {
    target = upstream_match(value.pairs);
  } else {
    static_assert(std::is_integral_v<Target> || std::is_enum_v<Target>);
    target = static_cast<Target>(value.number);
  }
}

template <typename T>
constexpr bool is_vector = false;
template <typename T>
constexpr bool is_vector<std::vector<T>> = true;

template <auto In, auto Member>
void store(Config& config, std::size_t instance, const OptionValue& value) {
  auto& section = config.*In;
  if constexpr (is_vector<std::remove_reference_t<decltype(section)>>) {
    assign(section.at(instance).*Member, value);
  } else {
    assign(section.*Member, value);
  }
}

template <auto Member>
void store_guard(Config& config, std::size_t instance, const OptionValue& value) {
  assign(config.upstreams.at(instance).guard.*Member, value);
}

template <auto In>
std::size_t grow(Config& config) {
  (config.*In).emplace_back();
  return (config.*In).size() - 1;
}

// ---- the tables -----------------------------------------------------------------------------------------------------

constexpr std::int64_t kKiB = 1 << 10, kMiB = 1 << 20, kGiB = 1 << 30, kTiB = std::int64_t{1} << 40;
constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr std::int64_t kMaxCount = std::numeric_limits<std::uint32_t>::max();
constexpr auto kReload = Effect::reload;
constexpr auto kRestart = Effect::restart;
constexpr auto kRequired = Need::required;
using Kind = OptionKind;

// The types of upstream that share a key.
constexpr std::string_view kHttp = "mailgun|sendgrid|mailjet|ses|postmark|resend";
constexpr std::string_view kRemote = "smtp|mailgun|sendgrid|mailjet|ses|postmark|resend";

constexpr std::array kSections = {
    Section{"server", false, "The relay itself."},
    Section{"smtp.listener", true, "An address on which mail is taken. Without any: 127.0.0.1:2525 with STARTTLS.",
            grow<&Config::smtp_listeners>},
    Section{"smtp", false, "Limits of the SMTP server, for all its listeners."},
    Section{"tls", false, "The certificate that listeners show."},
    Section{"access", false, "Who may relay."},
    Section{"addresses", false, "For machines whose cron and tools send from and to bare local names."},
    Section{"upstream", true, "A next hop. Without any, one of type `capture` keeps all mail on this machine.",
            grow<&Config::upstreams>, kReload},
    Section{"lane", true,
            "The lane of mail whose submitter names none: of the first entry that fits. Without any: normal.",
            grow<&Config::lanes>, kReload, true},
    Section{"delivery", false, "When a message is tried again, and when no more."},
    Section{"spool", false, "The durable store under data_dir."},
    Section{"retention", false, "How long finished messages are remembered. Live messages are never touched."},
    Section{"mgmt", false, "The management interface: API, metrics, health."},
    Section{"mgmt.listener", true, "An address on which the management interface answers. Without any: 127.0.0.1:8025.",
            grow<&Config::mgmt_listeners>},
    Section{"sendmail", false, "The drop-in for the sendmail program."},
    Section{"log", false, "The operator's log, on standard error."},
};

// Rows of one section stand together.
const Option kOptions[] = {
    // section, name, kind, default, min, max, choices, effect, example, sentence, store
    {"server", "hostname", Kind::hostname, "", 0, 0, "", kRestart, "relay.example.com",
     "Name given in EHLO, Received and Message-ID; not set: the machine's name.",
     store<&Config::server, &ServerConfig::hostname>},
    {"server", "data_dir", Kind::path, "./postrider-data", 0, 0, "", kRestart, "/var/lib/postrider",
     "Directory of the spool, of made certificates and of the operator token; not on a network filesystem.",
     store<&Config::server, &ServerConfig::data_dir>},
    {"server", "threads", Kind::count, "0", 0, 256, "", kRestart, "",
     "Relay threads; 0: one less than there are cores, at least one.", store<&Config::server, &ServerConfig::threads>},

    {"smtp.listener", "address", Kind::listen, "127.0.0.1:2525", 0, 0, "", kRestart, "",
     "Address and port; without an address (\":2525\") every address of the machine, port 0 lets the system choose.",
     store<&Config::smtp_listeners, &SmtpListenerConfig::address>},
    {"smtp.listener", "tls", Kind::choice, "starttls", 0, 0, "none|starttls|implicit", kRestart, "",
     "Whether TLS is not offered, offered by STARTTLS, or begins with the connection.",
     store<&Config::smtp_listeners, &SmtpListenerConfig::tls>},
    {"smtp.listener", "require_tls", Kind::boolean, "false", 0, 0, "", kRestart, "",
     "Take no mail before TLS has started.", store<&Config::smtp_listeners, &SmtpListenerConfig::require_tls>},
    {"smtp.listener", "require_auth", Kind::boolean, "false", 0, 0, "", kRestart, "",
     "Take no mail without a login, also from trusted networks.",
     store<&Config::smtp_listeners, &SmtpListenerConfig::require_auth>},
    {"smtp.listener", "proxy_protocol_from", Kind::networks, "", 0, 0, "", kRestart, "10.0.0.1/32",
     "Proxies whose PROXY protocol header (v1, v2) is demanded and believed.",
     store<&Config::smtp_listeners, &SmtpListenerConfig::proxy_protocol_from>},

    {"smtp", "max_message_size", Kind::size, "25MiB", kKiB, 2 * kGiB, "", kReload, "",
     "Largest message taken, announced as SIZE.", store<&Config::smtp, &SmtpConfig::max_message_size>},
    {"smtp", "max_recipients", Kind::count, "1000", 1, 50'000, "", kReload, "",
     "Most recipients of one message; RFC 5321 asks for at least 100.",
     store<&Config::smtp, &SmtpConfig::max_recipients>},
    {"smtp", "max_transactions", Kind::count, "0", 0, kMaxCount, "", kReload, "",
     "Most messages begun on one connection; 0: no limit.", store<&Config::smtp, &SmtpConfig::max_transactions>},
    {"smtp", "max_command_line", Kind::count, "2048", 512, 65'536, "", kReload, "", "Longest command line in octets.",
     store<&Config::smtp, &SmtpConfig::max_command_line>},
    {"smtp", "max_auth_line", Kind::count, "12288", 512, 65'536, "", kReload, "",
     "Longest line of an AUTH exchange in octets.", store<&Config::smtp, &SmtpConfig::max_auth_line>},
    {"smtp", "max_text_line", Kind::count, "0", 0, kMaxCount, "", kReload, "",
     "Longest line of a message in octets, line end included; 0: no limit.",
     store<&Config::smtp, &SmtpConfig::max_text_line>},
    {"smtp", "max_errors", Kind::count, "20", 1, 10'000, "", kReload, "",
     "Refused commands of one connection after which it is closed.", store<&Config::smtp, &SmtpConfig::max_errors>},
    {"smtp", "max_auth_failures", Kind::count, "3", 1, 1000, "", kReload, "",
     "Failed logins of one connection after which it is closed.", store<&Config::smtp, &SmtpConfig::max_auth_failures>},
    {"smtp", "max_unimportant", Kind::count, "100", 1, 100'000, "", kReload, "",
     "NOOP, RSET, VRFY and HELP without a message in between after which a connection is closed.",
     store<&Config::smtp, &SmtpConfig::max_unimportant>},
    {"smtp", "max_connections", Kind::count, "10000", 1, 1'000'000, "", kReload, "",
     "Most connections at once; further ones get 421.", store<&Config::smtp, &SmtpConfig::max_connections>},
    {"smtp", "max_connections_per_address", Kind::count, "0", 0, 1'000'000, "", kReload, "",
     "Most connections at once from one client address; 0: no limit of its own.",
     store<&Config::smtp, &SmtpConfig::max_connections_per_address>},
    {"smtp", "idle_timeout", Kind::duration, "5m", kSecond, kDay, "", kReload, "", "Longest wait for the next command.",
     store<&Config::smtp, &SmtpConfig::idle_timeout>},
    {"smtp", "data_timeout", Kind::duration, "5m", kSecond, kDay, "", kReload, "", "Longest silence within a message.",
     store<&Config::smtp, &SmtpConfig::data_timeout>},
    {"smtp", "transaction_timeout", Kind::duration, "1h", kSecond, kDay, "", kReload, "",
     "Longest time from MAIL to the end of the message.", store<&Config::smtp, &SmtpConfig::transaction_timeout>},
    {"smtp", "handshake_timeout", Kind::duration, "30s", kSecond, kHour, "", kReload, "",
     "Longest time for a TLS handshake or a PROXY header.", store<&Config::smtp, &SmtpConfig::handshake_timeout>},
    {"smtp", "bare_lf", Kind::choice, "reject", 0, 0, "reject|normalise", kReload, "",
     "What becomes of a line feed or carriage return that stands alone: refuse the message, or write a line end.",
     store<&Config::smtp, &SmtpConfig::bare_lf>},
    {"smtp", "hide_client", Kind::boolean, "false", 0, 0, "", kReload, "",
     "Leave the client's name and address out of the Received field.", store<&Config::smtp, &SmtpConfig::hide_client>},
    {"smtp", "max_received", Kind::count, "50", 5, 1000, "", kReload, "",
     "Received fields that mean that a message goes round in a loop.", store<&Config::smtp, &SmtpConfig::max_received>},

    {"tls", "certificate", Kind::path, "", 0, 0, "", kReload, "/etc/postrider/relay.crt",
     "PEM file with the certificate and its chain; not set: a self-signed pair is made under data_dir/certs.",
     store<&Config::tls, &TlsConfig::certificate>},
    {"tls", "key", Kind::path, "", 0, 0, "", kReload, "/etc/postrider/relay.key", "PEM file with its key.",
     store<&Config::tls, &TlsConfig::key>},

    {"access", "trusted_networks", Kind::networks, "127.0.0.0/8, ::1/128", 0, 0, "", kReload, "",
     "Clients that may relay without a login; everyone else must authenticate.",
     store<&Config::access, &AccessConfig::trusted_networks>},
    {"access", "allow_plaintext_auth_from_loopback", Kind::boolean, "false", 0, 0, "", kReload, "",
     "Let clients on this machine log in without TLS.",
     store<&Config::access, &AccessConfig::allow_plaintext_auth_from_loopback>},

    {"addresses", "origin", Kind::hostname, "", 0, 0, "", kReload, "example.com",
     "Domain for addresses without one; not set: server.hostname.",
     store<&Config::addresses, &AddressesConfig::origin>},
    {"addresses", "aliases", Kind::aliases, "", 0, 0, "", kReload, "root=ops@example.com, postmaster=ops@example.com",
     "Recipients that are replaced: local name or address, and the address that gets the mail, or another name of this "
     "table, which is followed to its end.",
     store<&Config::addresses, &AddressesConfig::aliases>},
    {"addresses", "rewrite_sender", Kind::sender_rules, "", 0, 0, "", kReload, "root@*=alerts@example.com",
     "Senders that are replaced: pattern (user@*, *@domain, domain) and address; the first match holds.",
     store<&Config::addresses, &AddressesConfig::rewrite_sender>},

    {"upstream", "name", Kind::text, "", 0, 0, "", kReload, "primary",
     "Its name in history, logs and environment variables: letters, digits, - and _.",
     store<&Config::upstreams, &UpstreamConfig::name>},
    {"upstream", "type", Kind::choice, "", 0, 0, "smtp|mailgun|sendgrid|mailjet|ses|postmark|resend|capture", kReload,
     "smtp", "What it speaks: SMTP, the API of a mail provider, or capture, which keeps mail on this machine.",
     store<&Config::upstreams, &UpstreamConfig::type>},
    {"upstream", "priority", Kind::count, "", 1, 1000, "", kReload, "1",
     "Lower is preferred; not set: the order of the entries.", store<&Config::upstreams, &UpstreamConfig::priority>},
    {"upstream", "weight", Kind::count, "1", 1, 1000, "", kReload, "", "Share among upstreams of equal priority.",
     store<&Config::upstreams, &UpstreamConfig::weight>},
    {"upstream", "match", Kind::match, "", 0, 0, "sender_domain|recipient_domain|lane|tag|credential", kReload,
     "recipient_domain=example.com,lane=high",
     "The mail it takes, by sender_domain, recipient_domain (.example.com: with subdomains), lane, tag and credential "
     "(\"\": clients of trusted networks): each key that is given must fit, and of its values any. Not set: all mail.",
     store<&Config::upstreams, &UpstreamConfig::match>},
    {"upstream", "allow_recipients", Kind::recipients, "", 0, 0, "", kReload, "@example.com, qa@example.net",
     "Guard of a system that is not the production one: the only recipients that get their mail by this upstream. "
     "Others are refused, unless redirect_to or capture_to is set.",
     store_guard<&RecipientGuard::allow_recipients>},
    {"upstream", "redirect_to", Kind::address, "", 0, 0, "", kReload, "staging@example.com",
     "Who gets the mail for recipients that allow_recipients does not name, once for each message.",
     store_guard<&RecipientGuard::redirect_to>},
    {"upstream", "capture_to", Kind::path, "", 0, 0, "", kReload, "/var/lib/postrider/guarded",
     "Maildir that keeps the mail for recipients that allow_recipients does not name.",
     store_guard<&RecipientGuard::capture>},
    {"upstream", "host", Kind::hostname, "", 0, 0, "", kReload, "smtp.example.net", "Its name or address.",
     store<&Config::upstreams, &UpstreamConfig::hosts>, "smtp"},
    {"upstream", "hosts", Kind::hostnames, "", 0, 0, "", kReload, "",
     "Several names or addresses of the same upstream, instead of `host`; asked in this order.",
     store<&Config::upstreams, &UpstreamConfig::hosts>, "smtp"},
    {"upstream", "srv", Kind::boolean, "false", 0, 0, "", kReload, "",
     "Each host is a domain whose SRV records (RFC 6186) name the servers: _submissions._tcp with tls = \"implicit\", "
     "else _submission._tcp. The certificate must name the server where that is in the domain, else the domain.",
     store<&Config::upstreams, &UpstreamConfig::srv>, "smtp"},
    {"upstream", "tls", Kind::choice, "starttls", 0, 0, "none|opportunistic|starttls|implicit", kReload, "",
     "No TLS, TLS where offered without verification, or demanded; the last two verify the certificate.",
     store<&Config::upstreams, &UpstreamConfig::tls>, "smtp"},
    {"upstream", "port", Kind::count, "587", 1, 65'535, "", kReload, "",
     "Its port; not set: 587, or 465 with tls = \"implicit\".", store<&Config::upstreams, &UpstreamConfig::port>,
     "smtp"},
    {"upstream", "tls_ca_file", Kind::path, "", 0, 0, "", kReload, "/etc/postrider/upstream-ca.pem",
     "PEM file of the authorities to believe; not set: the system's.",
     store<&Config::upstreams, &UpstreamConfig::tls_ca_file>, kRemote},
    {"upstream", "tls_certificate", Kind::path, "", 0, 0, "", kReload, "/etc/postrider/client.crt",
     "PEM file with the certificate, and its chain, that this relay shows.",
     store<&Config::upstreams, &UpstreamConfig::tls_certificate>, "smtp"},
    {"upstream", "tls_key", Kind::path, "", 0, 0, "", kReload, "/etc/postrider/client.key", "PEM file with its key.",
     store<&Config::upstreams, &UpstreamConfig::tls_key>, "smtp"},
    {"upstream", "auth", Kind::choice, "automatic", 0, 0, "automatic|plain|login|cram_md5|xoauth2", kReload, "",
     "How to log in; automatic: the best that it offers.", store<&Config::upstreams, &UpstreamConfig::auth>, "smtp"},
    {"upstream", "username", Kind::text, "", 0, 0, "", kReload, "app", "Login name; not set: no login.",
     store<&Config::upstreams, &UpstreamConfig::username>, "smtp"},
    {"upstream", "password", Kind::secret, "", 0, 0, "", kReload, "",
     "Its password: a string, { env = \"NAME\" } or { file = \"path\" }.",
     store<&Config::upstreams, &UpstreamConfig::password>, "smtp"},
    {"upstream", "token_file", Kind::path, "", 0, 0, "", kReload, "/run/postrider/oauth-token",
     "With auth = \"xoauth2\": file with the access token, read anew for each login.",
     store<&Config::upstreams, &UpstreamConfig::token_file>, "smtp"},
    {"upstream", "helo", Kind::hostname, "", 0, 0, "", kReload, "relay.example.com",
     "Name given in EHLO; not set: server.hostname.", store<&Config::upstreams, &UpstreamConfig::helo>, "smtp"},
    {"upstream", "pipelining", Kind::boolean, "true", 0, 0, "", kReload, "", "Use PIPELINING where it is announced.",
     store<&Config::upstreams, &UpstreamConfig::pipelining>, "smtp"},
    {"upstream", "directory", Kind::path, "", 0, 0, "", kReload, "/var/lib/postrider/capture",
     "Maildir of a capture upstream; not set: a directory under data_dir.",
     store<&Config::upstreams, &UpstreamConfig::directory>, "capture"},
    {"upstream", "api_base", Kind::url, "", 0, 0, "", kReload, "https://api.eu.mailgun.net",
     "Another address of the provider's API: a region, a test.", store<&Config::upstreams, &UpstreamConfig::api_base>,
     kHttp},
    {"upstream", "api_key", Kind::secret, "", 0, 0, "", kReload, "", "Its API key.",
     store<&Config::upstreams, &UpstreamConfig::api_key>, "mailgun|sendgrid|mailjet|resend", kRequired},
    {"upstream", "api_secret", Kind::secret, "", 0, 0, "", kReload, "", "The secret that goes with it.",
     store<&Config::upstreams, &UpstreamConfig::api_secret>, "mailjet", kRequired},
    {"upstream", "domain", Kind::hostname, "", 0, 0, "", kReload, "mg.example.com", "The sending domain.",
     store<&Config::upstreams, &UpstreamConfig::domain>, "mailgun", kRequired},
    {"upstream", "access_key", Kind::secret, "", 0, 0, "", kReload, "",
     "Id of the access key of a user that may send mail by SES.",
     store<&Config::upstreams, &UpstreamConfig::access_key>, "ses", kRequired},
    {"upstream", "secret_key", Kind::secret, "", 0, 0, "", kReload, "", "The secret of that access key.",
     store<&Config::upstreams, &UpstreamConfig::secret_key>, "ses", kRequired},
    {"upstream", "session_token", Kind::secret, "", 0, 0, "", kReload, "",
     "With temporary credentials: their session token.", store<&Config::upstreams, &UpstreamConfig::session_token>,
     "ses"},
    {"upstream", "region", Kind::text, "", 0, 0, "", kReload, "eu-central-1", "The AWS region.",
     store<&Config::upstreams, &UpstreamConfig::region>, "ses", kRequired},
    {"upstream", "configuration_set", Kind::text, "", 0, 0, "", kReload, "transactional",
     "The configuration set to send with.", store<&Config::upstreams, &UpstreamConfig::configuration_set>, "ses"},
    {"upstream", "server_token", Kind::secret, "", 0, 0, "", kReload, "", "Its server token.",
     store<&Config::upstreams, &UpstreamConfig::server_token>, "postmark", kRequired},
    {"upstream", "message_stream", Kind::text, "", 0, 0, "", kReload, "outbound",
     "The message stream to send by; not set: the server's default transactional one.",
     store<&Config::upstreams, &UpstreamConfig::message_stream>, "postmark"},
    {"upstream", "sandbox", Kind::boolean, "false", 0, 0, "", kReload, "",
     "The provider checks each message and delivers none.", store<&Config::upstreams, &UpstreamConfig::sandbox>,
     "mailgun|sendgrid|mailjet"},
    {"upstream", "webhook_key", Kind::secret, "", 0, 0, "", kReload, "",
     "What its event callbacks are signed with; not set: none is believed.",
     store<&Config::upstreams, &UpstreamConfig::webhook_key>, "mailgun"},
    {"upstream", "webhook_public_key", Kind::text, "", 0, 0, "", kReload, "MFkwEwYHKoZIzj0CAQ...",
     "What the signature of its event callbacks is verified with; not set: none is believed.",
     store<&Config::upstreams, &UpstreamConfig::webhook_public_key>, "sendgrid"},
    {"upstream", "webhook_username", Kind::text, "", 0, 0, "", kReload, "hooks",
     "User name that its event callbacks log in with; without both none is believed.",
     store<&Config::upstreams, &UpstreamConfig::webhook_username>, "mailjet|postmark"},
    {"upstream", "webhook_password", Kind::secret, "", 0, 0, "", kReload, "",
     "Password that its event callbacks log in with.", store<&Config::upstreams, &UpstreamConfig::webhook_password>,
     "mailjet|postmark"},
    {"upstream", "webhook_secret", Kind::secret, "", 0, 0, "", kReload, "",
     "What its event callbacks are signed with; not set: none is believed.",
     store<&Config::upstreams, &UpstreamConfig::webhook_secret>, "resend"},
    {"upstream", "topic_arns", Kind::texts, "", 0, 0, "", kReload, "arn:aws:sns:eu-central-1:123456789012:mail",
     "SNS topics whose event callbacks are believed; not set: none is.",
     store<&Config::upstreams, &UpstreamConfig::topic_arns>, "ses"},
    {"upstream", "rate", Kind::rate, "", 0, 0, "", kReload, "14/s",
     "Most recipients handed over in a time, evenly spaced; further mail waits.",
     store<&Config::upstreams, &UpstreamConfig::rate>},
    {"upstream", "daily_quota", Kind::count, "0", 0, kMaxCount, "", kReload, "",
     "Most recipients handed over in a day, counted over restarts; 0: no limit. Once it is used up, mail goes to the "
     "next upstream.",
     store<&Config::upstreams, &UpstreamConfig::daily_quota>},
    {"upstream", "monthly_quota", Kind::count, "0", 0, kMaxCount, "", kReload, "", "The same in a calendar month.",
     store<&Config::upstreams, &UpstreamConfig::monthly_quota>},
    {"upstream", "quota_time_zone", Kind::text, "UTC", 0, 0, "", kReload, "",
     "Time zone (IANA name) whose midnight begins the day and the month of a quota.",
     store<&Config::upstreams, &UpstreamConfig::quota_time_zone>},
    {"upstream", "spill_after", Kind::duration, "0", 0, 7 * kDay, "", kReload, "",
     "How long mail waits for rate, connections or a short pause before it may go to the next upstream; 0: it waits on "
     "for rate and connections, and goes at once for a pause.",
     store<&Config::upstreams, &UpstreamConfig::spill_after>},
    {"upstream", "max_connections", Kind::count, "20", 1, 10'000, "", kReload, "",
     "Most connections at once, over all threads.", store<&Config::upstreams, &UpstreamConfig::max_connections>},
    {"upstream", "messages_per_connection", Kind::count, "100", 1, 1'000'000, "", kReload, "",
     "Messages after which a connection is closed.",
     store<&Config::upstreams, &UpstreamConfig::messages_per_connection>, "smtp"},
    {"upstream", "connect_timeout", Kind::duration, "15s", 100, kHour, "", kReload, "",
     "Longest time for a connection to be made.", store<&Config::upstreams, &UpstreamConfig::connect_timeout>, kRemote},
    {"upstream", "stage_timeout", Kind::duration, "1m", 100, kHour, "", kReload, "",
     "Longest time for each reply and write before the hand-over.",
     store<&Config::upstreams, &UpstreamConfig::stage_timeout>, kRemote},
    {"upstream", "final_timeout", Kind::duration, "10m", 100, kHour, "", kReload, "",
     "Longest wait for the answer to the final dot (RFC 5321 asks for 10 minutes), or to the whole request of an API; "
     "not set: 10m for type smtp, else 1m.",
     store<&Config::upstreams, &UpstreamConfig::final_timeout>, kRemote},
    {"upstream", "idle_timeout", Kind::duration, "10s", 100, kHour, "", kReload, "",
     "Time after which an unused connection is closed.", store<&Config::upstreams, &UpstreamConfig::idle_timeout>,
     "smtp"},

    {"lane", "lane", Kind::choice, "", 0, 0, "high|normal|low", kReload, "low",
     "The lane of mail that fits. What a message asks for itself (lane in the API, X-Postrider-Lane, MT-PRIORITY) goes "
     "before it.",
     store<&Config::lanes, &LaneRule::lane>},
    {"lane", "match", Kind::match, "", 0, 0, "sender_domain|recipient_domain|tag|credential", kReload,
     "credential=newsletter",
     "The mail it is for, as in [[upstream]]; one recipient that fits is enough. Not set: all mail.",
     store<&Config::lanes, &LaneRule::match>},

    {"delivery", "retries", Kind::count, "3", 0, 1000, "", kReload, "",
     "Tries after the first, then the message is `failed` and kept.",
     store<&Config::delivery, &DeliveryConfig::retries>},
    {"delivery", "retry_interval", Kind::duration, "10m", kSecond, 7 * kDay, "", kReload, "",
     "Time between two tries; up to 5% is added at random.", store<&Config::delivery, &DeliveryConfig::retry_interval>},
    {"delivery", "max_age", Kind::duration, "5d", kSecond, 365 * kDay, "", kReload, "",
     "Longest time from the first due time, whatever a message waits for; then it is `failed`.",
     store<&Config::delivery, &DeliveryConfig::max_age>},
    {"delivery", "max_retries", Kind::count, "100", 0, 1000, "", kReload, "",
     "Most retries that a message may ask for itself.", store<&Config::delivery, &DeliveryConfig::max_retries>},
    {"delivery", "min_retry_interval", Kind::duration, "10s", kSecond, 7 * kDay, "", kReload, "",
     "Shortest retry interval that a message may ask for itself.",
     store<&Config::delivery, &DeliveryConfig::min_retry_interval>},
    {"delivery", "max_hold", Kind::duration, "7d", 0, 365 * kDay, "", kReload, "",
     "How far ahead a message may be scheduled by its submitter (FUTURERELEASE, Send-At).",
     store<&Config::delivery, &DeliveryConfig::max_hold>},
    {"delivery", "open_after", Kind::count, "5", 1, 1000, "", kReload, "",
     "Route failures in a row that take an upstream out of service; also so many attempts that stall at a time.",
     store<&Config::delivery, &DeliveryConfig::open_after>},
    {"delivery", "open_rate", Kind::count, "50", 0, 100, "", kReload, "",
     "Percentage of the hand-overs within open_window whose failure by the route takes an upstream out of service; 0: "
     "off.",
     store<&Config::delivery, &DeliveryConfig::open_rate>},
    {"delivery", "open_sample", Kind::count, "20", 1, 100'000, "", kReload, "",
     "Fewest hand-overs within open_window that open_rate judges by.",
     store<&Config::delivery, &DeliveryConfig::open_sample>},
    {"delivery", "open_window", Kind::duration, "1m", kSecond, kDay, "", kReload, "",
     "The time that open_rate looks back.", store<&Config::delivery, &DeliveryConfig::open_window>},
    {"delivery", "stall_after", Kind::duration, "1m", kSecond, kDay, "", kReload, "",
     "An attempt that takes longer is stalled; open_after of them at a time take an upstream out of service before "
     "their timeouts do.",
     store<&Config::delivery, &DeliveryConfig::stall_after>},
    {"delivery", "probe_interval", Kind::duration, "30s", 100, kDay, "", kReload, "",
     "Time between two probes of an upstream that is out of service.",
     store<&Config::delivery, &DeliveryConfig::probe_interval>},
    {"delivery", "recover_after", Kind::count, "1", 1, 1000, "", kReload, "",
     "Hand-overs that bring an upstream back into service.", store<&Config::delivery, &DeliveryConfig::recover_after>},
    {"delivery", "on_uncertain", Kind::choice, "retry", 0, 0, "retry|hold", kReload, "",
     "After a hand-over whose answer from the upstream was lost: try again (a second copy may result) or hold for an "
     "operator. A message whose hand-over a crash of this relay interrupted is due at once either way, and held after "
     "three.",
     store<&Config::delivery, &DeliveryConfig::on_uncertain>},
    {"delivery", "revive_failed", Kind::boolean, "true", 0, 0, "", kRestart, "",
     "Try messages again that failed because of the route, once an upstream works again.",
     store<&Config::delivery, &DeliveryConfig::revive_failed>},
    {"delivery", "revive_rate", Kind::rate, "100/s", 0, 0, "", kReload, "", "Most messages that are revived in a time.",
     store<&Config::delivery, &DeliveryConfig::revive_rate>},
    {"delivery", "dsn", Kind::boolean, "true", 0, 0, "", kRestart, "",
     "Send bounces (RFC 3464) to the senders of messages that came by SMTP or sendmail.",
     store<&Config::delivery, &DeliveryConfig::dsn>},

    {"spool", "max_size", Kind::size, "16GiB", 16 * kMiB, 64 * kTiB, "", kRestart, "",
     "Largest size of the spool on disk.", store<&Config::spool, &SpoolConfig::max_size>},
    {"spool", "high_water", Kind::count, "90", 10, 99, "", kRestart, "",
     "Percentage of max_size over which no new mail is taken (452).", store<&Config::spool, &SpoolConfig::high_water>},
    {"spool", "reserve", Kind::size, "16MiB", kMiB, kGiB, "", kRestart, "",
     "Disk space kept back so that what is under way can be recorded when the disk is full.",
     store<&Config::spool, &SpoolConfig::reserve>},
    {"spool", "body_memory", Kind::size, "256MiB", kMiB, kTiB, "", kRestart, "",
     "Memory for bodies on their way in or out; beyond it they go through the disk.",
     store<&Config::spool, &SpoolConfig::body_memory>},
    {"spool", "settle_delay", Kind::duration, "20ms", 0, kSecond, "", kRestart, "",
     "How long the record of an outcome may wait for company before it is written.",
     store<&Config::spool, &SpoolConfig::settle_delay>},

    {"retention", "history", Kind::duration, "30d", kSecond, 3650 * kDay, "", kReload, "",
     "How long events and statuses of finished messages are kept.",
     store<&Config::retention, &RetentionConfig::history>},
    {"retention", "history_max_size", Kind::size, "2GiB", kMiB, kTiB, "", kReload, "",
     "Size of that history, kept bodies included, at which its oldest part goes sooner; at most half of what the spool "
     "takes before it refuses mail.",
     store<&Config::retention, &RetentionConfig::history_max_size>},
    {"retention", "sent_bodies", Kind::duration, "0", 0, 3650 * kDay, "", kRestart, "",
     "How long bodies of sent messages are kept; 0: not at all (headers stay with the history).",
     store<&Config::retention, &RetentionConfig::sent_bodies>},
    {"retention", "failed_bodies", Kind::duration, "7d", 0, 3650 * kDay, "", kReload, "",
     "How long bodies of failed messages are kept, and with them the chance to release these.",
     store<&Config::retention, &RetentionConfig::failed_bodies>},

    {"mgmt", "public_url", Kind::url, "", 0, 0, "", kRestart, "https://mail-hooks.example.com",
     "Address under which the management interface is reached from outside: what providers are told to send their "
     "event "
     "callbacks to.",
     store<&Config::mgmt, &MgmtConfig::public_url>},
    {"mgmt", "trusted_networks", Kind::networks, "", 0, 0, "", kReload, "",
     "Clients that need no key; they may send JSON only, and neither from a browser's page nor through a proxy.",
     store<&Config::mgmt, &MgmtConfig::trusted_networks>},
    {"mgmt", "session_lifetime", Kind::duration, "1h", kMinute, 7 * kDay, "", kReload, "",
     "How long a session of POST /tokens holds.", store<&Config::mgmt, &MgmtConfig::session_lifetime>},
    {"mgmt", "cors_origins", Kind::origins, "", 0, 0, "", kReload, "https://app.example.com",
     "Web pages that may call the API from a browser, by their origin; without any, none may.",
     store<&Config::mgmt, &MgmtConfig::cors_origins>},

    {"mgmt.listener", "address", Kind::listen, "127.0.0.1:8025", 0, 0, "", kRestart, "", "Address and port.",
     store<&Config::mgmt_listeners, &MgmtListenerConfig::address>},
    {"mgmt.listener", "tls", Kind::choice, "none", 0, 0, "none|on", kRestart, "", "Whether it speaks HTTPS.",
     store<&Config::mgmt_listeners, &MgmtListenerConfig::tls>},
    {"mgmt.listener", "client_ca", Kind::path, "", 0, 0, "", kRestart, "/etc/postrider/clients.pem",
     "With tls = \"on\": only clients with a certificate that a CA of this PEM file signed may connect.",
     store<&Config::mgmt_listeners, &MgmtListenerConfig::client_ca>},
    {"mgmt.listener", "serve", Kind::choices, "api, console, metrics, hooks, unsubscribe", 0, 0,
     "api|console|metrics|hooks|unsubscribe", kRestart, "", "What this address answers.",
     store<&Config::mgmt_listeners, &MgmtListenerConfig::serve>},

    {"sendmail", "maildrop", Kind::path, "", 0, 0, "", kRestart, "/var/lib/postrider/maildrop",
     "Where the drop-in leaves mail while the daemon is down; not set: data_dir/maildrop.",
     store<&Config::sendmail, &SendmailConfig::maildrop>},

    {"log", "level", Kind::choice, "info", 0, 0, "trace|debug|info|warn|error", kReload, "",
     "The least important lines that are written.", store<&Config::log, &LogConfig::level>},
    {"log", "format", Kind::choice, "text", 0, 0, "text|json", kRestart, "",
     "Lines of name=value, or one JSON object a line.", store<&Config::log, &LogConfig::format>},
};

}  // namespace

std::span<const Section> config_sections() {
  return kSections;
}
std::span<const Option> config_options() {
  return kOptions;
}

std::span<const Option> options_of(std::string_view section) {
  const auto in_section = [&](const Option& option) { return option.section == section; };
  const Option* const first = std::find_if(std::begin(kOptions), std::end(kOptions), in_section);
  return {first, std::find_if_not(first, std::end(kOptions), in_section)};
}

const Section* find_section(std::string_view name) {
  for (const Section& section : kSections)
    if (section.name == name) return &section;
  return nullptr;
}

const Option* find_option(std::string_view section, std::string_view name) {
  for (const Option& option : options_of(section))
    if (option.name == name) return &option;
  return nullptr;
}

bool is_for(const Option& option, UpstreamType type) {
  if (option.only_for.empty()) return true;
  const auto types = split(option.only_for, '|');
  return std::find(types.begin(), types.end(), to_string(type)) != types.end();
}

std::string types_text(const Option& option) {
  const auto having = split(option.only_for, '|');
  std::vector<std::string_view> others = split(find_option("upstream", "type")->choices, '|');
  std::erase_if(others,
                [&](std::string_view type) { return std::find(having.begin(), having.end(), type) != having.end(); });
  return others.size() > 2 ? "type " + enumerated(having) : "any type but " + enumerated(others);
}

std::string full_name(const Option& option) {
  std::string name(option.section);
  name += '.';
  name += option.name;
  return name;
}

std::string nearest_option(std::string_view section, std::string_view wrong) {
  std::vector<std::string_view> names;
  for (const Option& option : options_of(section)) names.push_back(option.name);
  const std::string_view near = nearest(wrong, names);
  if (!near.empty()) return std::string(section) + '.' + std::string(near);
  // The right key in the wrong section.
  for (const Option& option : kOptions)
    if (option.name == wrong) return full_name(option);
  return {};
}

std::string nearest_section(std::string_view wrong) {
  std::vector<std::string_view> names;
  names.reserve(kSections.size());
  for (const Section& section : kSections) names.push_back(section.name);
  return std::string(nearest(wrong, names));
}

}  // namespace postrider
