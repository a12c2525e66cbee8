// What differs between two configurations, option by option: for the report of a reload. Pure; secrets are told apart and
// never shown.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/config_options.h"

namespace postrider {

struct ConfigChange {
  enum class Kind : std::uint8_t {
    changed,
    added,    // a whole [[entry]]; key is its name, before and after are empty
    removed,  // the same
  };
  Kind kind = Kind::changed;
  std::string key;            // "smtp.max_errors", "upstream.primary.port"; "upstream.backup"
  std::string before, after;  // literals; empty: not set
  Effect effect = Effect::restart;
};

// Upstreams are matched by name, listeners by place. In the order of `after`, what was removed at the end.
std::vector<ConfigChange> changes_between(const ConfigResult& before, const ConfigResult& after);

}  // namespace postrider
