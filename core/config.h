// The whole configuration as plain values, and the pure function that makes it from TOML text and environment. Only cmd
// sees this header's Config; every component gets a small struct of its own. The keys, their defaults, bounds and
// sentences are in one place: core/config_options.cpp. Nothing here reads files, the environment or a clock.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/lane_rules.h"
#include "core/log.h"
#include "core/network.h"
#include "core/result.h"
#include "core/retry.h"
#include "core/time.h"
#include "core/upstream_config.h"

namespace postrider {

enum class HttpTls : std::uint8_t { none, on };
enum class BareLf : std::uint8_t { reject, normalise };
enum class LogFormat : std::uint8_t { text, json };

struct ServerConfig {
  std::string hostname;  // empty: the machine's name
  std::string data_dir;
  std::uint32_t threads = 0;  // 0: cores - 1, at least 1
};

struct SmtpListenerConfig {
  std::string address;
  ListenerTls tls = ListenerTls::starttls;
  bool require_tls = false;
  bool require_auth = false;
  std::vector<Network> proxy_protocol_from;
};

struct SmtpConfig {
  std::uint64_t max_message_size = 0;
  std::uint32_t max_recipients = 0;
  std::uint32_t max_transactions = 0;
  std::uint32_t max_command_line = 0;
  std::uint32_t max_auth_line = 0;
  std::uint32_t max_text_line = 0;
  std::uint32_t max_errors = 0;
  std::uint32_t max_auth_failures = 0;
  std::uint32_t max_unimportant = 0;
  std::uint32_t max_connections = 0;
  std::uint32_t max_connections_per_address = 0;
  Duration idle_timeout{};
  Duration data_timeout{};
  Duration transaction_timeout{};
  Duration handshake_timeout{};
  BareLf bare_lf = BareLf::reject;
  bool hide_client = false;
  std::uint32_t max_received = 0;
};

struct TlsConfig {
  std::string certificate;  // both empty: a self-signed pair under data_dir/certs
  std::string key;
};

struct AccessConfig {
  std::vector<Network> trusted_networks;
  bool allow_plaintext_auth_from_loopback = false;
};

struct AddressesConfig {
  std::string origin;
  std::vector<std::pair<std::string, std::string>> aliases;         // in the order of the file
  std::vector<std::pair<std::string, std::string>> rewrite_sender;  // the first pattern that matches wins
};

struct DeliveryConfig {
  std::uint32_t retries = 0;
  Duration retry_interval{};
  Duration max_age{};
  std::uint32_t open_after = 0;
  std::uint32_t open_rate = 0;    // percent; 0: off
  std::uint32_t open_sample = 0;  // hand-overs
  Duration open_window{};
  Duration stall_after{};
  Duration probe_interval{};
  std::uint32_t recover_after = 0;
  OnUncertain on_uncertain = OnUncertain::retry;
  bool revive_failed = false;
  Rate revive_rate;
  bool dsn = false;
  // Bounds of what a message may ask for itself.
  std::uint32_t max_retries = 0;
  Duration min_retry_interval{};
  Duration max_hold{};
};

struct SpoolConfig {
  std::uint64_t max_size = 0;
  std::uint32_t high_water = 0;  // percent of max_size
  std::uint64_t reserve = 0;
  std::uint64_t body_memory = 0;
  Duration settle_delay{};
};

struct RetentionConfig {
  Duration history{};
  std::uint64_t history_max_size = 0;
  Duration sent_bodies{};
  Duration failed_bodies{};
};

struct MgmtListenerConfig {
  std::string address;
  HttpTls tls = HttpTls::none;
  std::string client_ca;  // empty: no certificate is asked for
  std::vector<std::string> serve;
};

struct MgmtConfig {
  std::string public_url;
  std::vector<Network> trusted_networks;
  std::vector<std::string> cors_origins;
  Duration session_lifetime{};
};

struct SendmailConfig {
  std::string maildrop;  // empty: data_dir/maildrop
};

struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

struct Config {
  ServerConfig server;
  std::vector<SmtpListenerConfig> smtp_listeners;  // at least one
  SmtpConfig smtp;
  TlsConfig tls;
  AccessConfig access;
  AddressesConfig addresses;
  std::vector<UpstreamConfig> upstreams;  // at least one
  std::vector<LaneRule> lanes;            // the first that fits holds
  DeliveryConfig delivery;
  SpoolConfig spool;
  RetentionConfig retention;
  MgmtConfig mgmt;
  std::vector<MgmtListenerConfig> mgmt_listeners;  // at least one
  SendmailConfig sendmail;
  LogConfig log;
};

// The size of finished messages and of history at which the oldest go, whatever was given: half of what the spool takes before it refuses
// mail, so that live mail always has the other half.
inline std::uint64_t history_limit(const Config& config) {
  constexpr std::uint64_t kMiB = 1u << 20;
  const std::uint64_t half = config.spool.max_size / 100 * config.spool.high_water / 2;
  return std::min(config.retention.history_max_size, std::max(half / kMiB * kMiB, kMiB));
}

// ---- making one ---------------------------------------------------------------------------------------------------

struct ConfigSources {
  std::optional<std::string> file_text;            // none: there is no file, the built-in defaults hold
  std::map<std::string, std::string> environment;  // all of it; only POSTRIDER_* and what { env = } names is looked at
  // Reads a file that a secret names; the fault says why not.
  std::function<result<std::string>(const std::string& path)> read_file;
};

// A place in the file, both 1-based; line 0: not in the file.
struct FilePlace {
  int line = 0, column = 0;
};

// A fault or a warning: where it is, and one sentence that begins with the key. Holds no secret.
struct ConfigFinding {
  FilePlace at;
  std::string variable;  // name of the environment variable, if it came from there
  std::string key;       // "upstream.primary.port", "smtp.listener.0.tls"; empty: the file as a whole
  std::string text;
  std::string place(std::string_view file) const;  // "FILE:12:3", "POSTRIDER_...", or FILE
  std::string str() const;                         // "12:3: ...", "POSTRIDER_...: ...", or the text
};

enum class ConfigOrigin : std::uint8_t { built_in, file, environment };

// One value in force, as `config show` prints it; secrets are masked here already.
struct EffectiveValue {
  std::string section;  // "smtp.listener"
  std::size_t instance = 0;
  std::string entry;  // "smtp.listener.0", "upstream.primary", "server": which [section] or [[section]] it stands in
  std::string name;
  std::string toml, json;  // the value as a literal; empty: not set and without default
  std::size_t digest = 0;  // of a secret: equal ones can be told without being shown
  ConfigOrigin origin = ConfigOrigin::built_in;
  FilePlace at;          // with ConfigOrigin::file
  std::string variable;  // with ConfigOrigin::environment
  std::string key() const { return entry + '.' + name; }
};

struct ConfigResult {
  Config config;                      // complete also when there are faults, but then not to be used
  std::vector<ConfigFinding> faults;  // all of them, in the order of the file
  std::vector<ConfigFinding> warnings;
  std::vector<EffectiveValue> values;
  bool ok() const { return faults.empty(); }
};

ConfigResult parse_config(const ConfigSources& sources);

// The effective configuration as TOML with the origin of every value (default, FILE:LINE, or the environment variable),
// secrets masked.
enum class Shown : std::uint8_t { all, given };  // given: only what file or environment say
std::string render_effective_config(const ConfigResult& result, std::string_view file, Shown which = Shown::all);
std::string origin_text(const EffectiveValue& value, std::string_view file);
// docs/configuration.md and config/postrider.toml, both made from the table of options.
std::string render_config_reference();
std::string render_config_example();

}  // namespace postrider
