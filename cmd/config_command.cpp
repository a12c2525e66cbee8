#include "cmd/config_command.h"

#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <iostream>
#include <string_view>
#include <tuple>

#include "cmd/read_file.h"
#include "net/tls.h"
#include "relay/outbound/calendar.h"

namespace postrider::cmd {
namespace {

namespace json = boost::json;

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables;
  for (char** each = environ; each && *each; ++each) {
    const std::string_view entry = *each;
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return variables;
}

std::string name_of(const LoadedConfig& loaded) {
  return loaded.file.empty() ? "the built-in configuration" : loaded.file;
}

// Compilers say it like this, so editors can jump there: "postrider.toml:3:1: error: ...".
void print(const LoadedConfig& loaded, const char* severity, const ConfigFinding& finding) {
  const std::string place = finding.place(loaded.file);
  std::cerr << place << (place.empty() ? "" : ": ") << severity << ": " << finding.text << '\n';
}

// ---- certificates -----------------------------------------------------------------------------------------------------

struct Key {
  std::string_view section;
  std::size_t instance;
  std::string_view name;
};

// None where what was given has a fault of its own, or the section has no such key.
const EffectiveValue* find_value(const LoadedConfig& loaded, const Key& key) {
  for (const EffectiveValue& value : loaded.result.values)
    if (value.section == key.section && value.instance == key.instance && value.name == key.name) return &value;
  return nullptr;
}

// Into the order of the file, what has no line last.
void add_fault(LoadedConfig& loaded, const EffectiveValue& value, const std::string& text) {
  ConfigFinding fault{value.at, value.variable, value.key(), value.key() + ": " + text};
  const auto before = [](const ConfigFinding& a, const ConfigFinding& b) {
    return std::tuple(a.at.line == 0, a.at.line, a.at.column) < std::tuple(b.at.line == 0, b.at.line, b.at.column);
  };
  std::vector<ConfigFinding>& faults = loaded.result.faults;
  faults.insert(std::upper_bound(faults.begin(), faults.end(), fault, before), std::move(fault));
}

// Also one file of the two: that the other is not named is another fault.
void check_pair(LoadedConfig& loaded, const Key& certificate, const std::string& certificate_file, const Key& key,
                const std::string& key_file) {
  const EffectiveValue* value = find_value(loaded, certificate_file.empty() ? key : certificate);
  const auto checked = net::check_pair(certificate_file, key_file);
  if (value && !checked) add_fault(loaded, *value, checked.error().text);
}

void check_authorities(LoadedConfig& loaded, const Key& key, const std::string& file) {
  const EffectiveValue* value = find_value(loaded, key);
  if (!value || file.empty()) return;
  const auto context = net::make_client_tls(net::Verify::peer, file);
  if (!context) add_fault(loaded, *value, context.error().text);
}

// ---- JSON ---------------------------------------------------------------------------------------------------------------

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

void add_place(json::object& into, const std::string& file, FilePlace at, const std::string& variable) {
  const bool in_file = at.line > 0;
  into["file"] = variable.empty() ? text_or_null(file) : json::value(nullptr);
  into["line"] = in_file ? json::value(at.line) : json::value(nullptr);
  into["column"] = in_file ? json::value(at.column) : json::value(nullptr);
  into["variable"] = text_or_null(variable);
}

json::object finding_json(const LoadedConfig& loaded, std::string_view severity, const ConfigFinding& finding) {
  json::object object;
  add_place(object, loaded.file, finding.at, finding.variable);
  object["key"] = text_or_null(finding.key);
  object["severity"] = severity;
  object["text"] = finding.text;
  return object;
}

json::array findings_json(const LoadedConfig& loaded) {
  json::array list;
  for (const ConfigFinding& fault : loaded.result.faults) list.push_back(finding_json(loaded, "error", fault));
  for (const ConfigFinding& warning : loaded.result.warnings) list.push_back(finding_json(loaded, "warning", warning));
  return list;
}

std::string_view origin_word(ConfigOrigin origin) {
  switch (origin) {
    case ConfigOrigin::built_in:
      return "default";
    case ConfigOrigin::file:
      return "file";
    case ConfigOrigin::environment:
      return "environment";
  }
  return "default";
}

json::array values_json(const LoadedConfig& loaded, Shown which) {
  json::array list;
  for (const EffectiveValue& value : loaded.result.values) {
    if (which == Shown::given && value.origin == ConfigOrigin::built_in) continue;
    json::object object;
    object["key"] = value.key();
    object["value"] = value.json.empty() ? json::value(nullptr) : json::parse(value.json);
    object["origin"] = origin_word(value.origin);
    add_place(object, value.origin == ConfigOrigin::file ? loaded.file : "", value.at, value.variable);
    list.push_back(std::move(object));
  }
  return list;
}

}  // namespace

LoadedConfig load_config(const std::optional<std::string>& file) {
  LoadedConfig loaded;
  std::error_code ignored;
  if (file) {
    loaded.file = *file;
  } else if (std::filesystem::exists(kDefaultConfigFile, ignored)) {
    loaded.file = kDefaultConfigFile;
  }
  ConfigSources sources;
  sources.environment = environment();
  sources.read_file = read_small_file;
  if (!loaded.file.empty()) {
    result<std::string> text = read_small_file(loaded.file);
    if (text.has_error()) {
      loaded.result.faults.push_back({{}, {}, {}, text.error().text});
      return loaded;
    }
    sources.file_text = std::move(*text);
  }
  loaded.result = parse_config(sources);
  return loaded;
}

void check_on_this_machine(LoadedConfig& loaded) {
  const Config& config = loaded.result.config;
  check_pair(loaded, {"tls", 0, "certificate"}, config.tls.certificate, {"tls", 0, "key"}, config.tls.key);
  for (std::size_t i = 0; i < config.mgmt_listeners.size(); ++i)
    check_authorities(loaded, {"mgmt.listener", i, "client_ca"}, config.mgmt_listeners[i].client_ca);
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    const UpstreamConfig& upstream = config.upstreams[i];
    if (const EffectiveValue* value = find_value(loaded, {"upstream", i, "quota_time_zone"})) {
      const auto calendar = relay::Calendar::find(upstream.quota_time_zone);
      if (!calendar) add_fault(loaded, *value, calendar.error().text);
    }
    check_authorities(loaded, {"upstream", i, "tls_ca_file"}, upstream.tls_ca_file);
    check_pair(loaded, {"upstream", i, "tls_certificate"}, upstream.tls_certificate, {"upstream", i, "tls_key"},
               upstream.tls_key);
  }
}

void print_findings(const LoadedConfig& loaded) {
  for (const ConfigFinding& finding : loaded.result.faults) print(loaded, "error", finding);
  for (const ConfigFinding& finding : loaded.result.warnings) print(loaded, "warning", finding);
}

int run_config_check(const std::optional<std::string>& file, bool json) {
  LoadedConfig loaded = load_config(file);
  check_on_this_machine(loaded);
  const std::size_t faults = loaded.result.faults.size();
  if (json) {
    std::cout << json::serialize(findings_json(loaded)) << '\n';
  } else {
    print_findings(loaded);
    if (faults > 0)
      std::cerr << name_of(loaded) << " has " << faults << (faults == 1 ? " fault\n" : " faults\n");
    else
      std::cout << name_of(loaded) << " is valid\n";
  }
  return faults > 0 ? EX_CONFIG : EX_OK;
}

int run_config_show(const std::optional<std::string>& file, ShowOptions options) {
  const LoadedConfig loaded = load_config(file);
  print_findings(loaded);
  if (!loaded.ok()) return EX_CONFIG;
  if (options.json)
    std::cout << json::serialize(values_json(loaded, options.which)) << '\n';
  else
    std::cout << render_effective_config(loaded.result, loaded.file, options.which);
  return EX_OK;
}

int run_config_reference(ReferenceFormat format) {
  std::cout << (format == ReferenceFormat::toml ? render_config_example() : render_config_reference());
  return EX_OK;
}

}  // namespace postrider::cmd
