// What was said about the configuration and where, before it is judged: the step between TOML and environment on one side
// and Config on the other. Internal to core's configuration.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/config_options.h"
#include "core/config_toml.h"

namespace postrider {

struct GivenValue {
  ConfigOrigin origin = ConfigOrigin::file;
  std::string variable;  // environment: its name
  TomlValue value;       // environment: text
};

// One section; of a repeated one, one [[entry]].
struct DraftSection {
  const Section* section = nullptr;
  std::size_t index = 0;
  FilePlace at;
  std::map<std::string_view, GivenValue> given;  // by Option::name
  bool unknown_type = false;                     // upstream: its `type` is wrong, which keys it may have is not known

  const GivenValue* find(std::string_view option) const;
  std::string key(std::string_view option) const;   // for people: "server.threads", "smtp.listener.tls"
  std::string entry() const;                        // "server", "upstream.primary", "smtp.listener.0"
  std::string path(std::string_view option) const;  // entry() and option: no two are the same
  std::string upstream_name() const;                // as given; empty if it was not, or is not text
};

struct Draft {
  std::vector<DraftSection> sections;
  std::vector<ConfigFinding> faults, warnings;

  std::size_t count(std::string_view section) const;
  DraftSection* find(std::string_view section, std::size_t index);
  const DraftSection* find(std::string_view section, std::size_t index) const;
  DraftSection& find_or_add(std::string_view section, std::size_t index, FilePlace at);
};

void fault(std::vector<ConfigFinding>& into, FilePlace at, std::string key, std::string text);
// Placed where `option` was given, or else at the head of its section.
void fault_at(std::vector<ConfigFinding>& into, const DraftSection& section, std::string_view option, std::string text);

void draft_from_toml(Draft& draft, const TomlValue& root);
void draft_from_environment(Draft& draft, const std::map<std::string, std::string>& environment);

// How environment variables write an upstream's name: upper case, with `_` for what is neither letter nor digit.
std::string environment_form(std::string_view name);

// Rules over several keys: faults and the warnings about traps.
void check_config(const Draft& draft, ConfigResult& result);
void check_upstreams(const Draft& draft, ConfigResult& result);  // those of [[upstream]], for check_config()

}  // namespace postrider
