// `postrider config check|show|reference`, and the loading of the configuration that `serve` shares with them: finds the
// file, reads it and the environment, and lets core judge. Findings for people go to stderr; exit codes are those of
// sysexits.h.
#pragma once

#include <optional>
#include <string>

#include "core/config.h"

namespace postrider::cmd {

inline constexpr const char* kDefaultConfigFile = "/etc/postrider/postrider.toml";

struct LoadedConfig {
  std::string file;  // which file was read; empty: there is none, the built-in defaults hold
  ConfigResult result;
  bool ok() const { return result.ok(); }
};

// `file` given: that one, and it is a fault if it cannot be read. Else /etc/postrider/postrider.toml if it exists.
LoadedConfig load_config(const std::optional<std::string>& file);
// Adds as faults what is wrong with the certificate, the authorities and the time zones that the configuration names.
void check_on_this_machine(LoadedConfig& loaded);
// All faults and warnings, one a line, to stderr: "postrider.toml:3:1: error: ...".
void print_findings(const LoadedConfig& loaded);

// Each gives the exit code: EX_OK, or EX_CONFIG (78) when the configuration has faults. `json`: see docs/configuration.md.
int run_config_check(const std::optional<std::string>& file, bool json = false);
struct ShowOptions {
  Shown which = Shown::all;
  bool json = false;
};
int run_config_show(const std::optional<std::string>& file, ShowOptions options = {});
enum class ReferenceFormat : unsigned char { markdown, toml };  // docs/configuration.md, config/postrider.toml
int run_config_reference(ReferenceFormat format);

}  // namespace postrider::cmd
