// The three texts made from the table of options: docs/configuration.md, config/postrider.toml and `config show`.
#include <algorithm>

#include "core/config_draft.h"
#include "core/config_options.h"
#include "core/config_value.h"

namespace postrider {
namespace {

constexpr std::string_view kReferenceHead = R"(# Configuration

<!-- Made by `postrider config reference` from core/config_options.cpp; a test compares the two. -->

Postrider reads `/etc/postrider/postrider.toml`, or the file that `--config` names. It runs without any: mail is taken on
127.0.0.1:2525, captured under `./postrider-data` and shown on 127.0.0.1:8025. `postrider config check` reports every fault
as file:line:column with the nearest key, and warns of traps; `postrider config show` prints what is in force and where each
value came from (default, file and line, environment), with `--changed` only what is not a default. Both take `--json`.
`postrider import postfix|msmtp|ssmtp|nullmailer` makes a file from that of another program ([import.md](import.md)).

- **Sizes** are strings with a unit: `B`, `KiB`, `MiB`, `GiB`, `TiB`, or the decimal `kB`, `MB`, `GB`, `TB`.
- **Durations** are strings with units in falling order: `"250ms"`, `"90s"`, `"1h30m"`, `"5d"`.
- **Secrets** are a string, `{ env = "NAME" }` or `{ file = "path" }`; they never appear in logs or in `config show`.
- **Environment:** `POSTRIDER_SECTION__KEY` overrides any value, such as `POSTRIDER_SERVER__DATA_DIR`; an upstream goes by its
  name (`POSTRIDER_UPSTREAM__PRIMARY__HOST`, case and `-` do not count, one that the file does not have is added); a listener
  or a lane rule by its place (`POSTRIDER_SMTP__LISTENER__0__ADDRESS`, `POSTRIDER_LANE__1__LANE`, without a number the first).
  Lists are separated by commas, tables written as `name=address,name=address`, a `match` as
  `recipient_domain=a.com,recipient_domain=b.com,lane=high`.
- **Takes effect** says whether SIGHUP is enough (*reload*) or the daemon must be started again (*restart*).

SIGHUP reads the file again, and the certificate. A file with a fault, or a certificate that cannot be used, changes nothing, and
the log says why (`config.fault`, `config.refused`). Otherwise it lists each option that took effect (`config.changed`) and
each that waits for a restart (`config.needs_restart`), and closes with `config.reloaded`. What is set for connections and
messages holds for those that begin after it.

`config check --json` is a list of `{"file","line","column","variable","key","severity","text"}`: `severity` is `error` or
`warning`; `file`, `line` and `column` are null for what an environment variable said, which `variable` names. `config show
--json` is a list of `{"key","value","origin","file","line","column","variable"}`: `origin` is `default`, `file` or
`environment`; sizes, durations and addresses are strings as they are written in the file, secrets are `"********"`, what is not
set is null.
)";

constexpr std::string_view kExampleHead =
    R"(# Postrider's configuration. Every key is here with its default; what is commented out is in force as shown, or not set.
# Made by `postrider config reference --toml`; docs/configuration.md has bounds and environment names.
# `postrider config check --config FILE` reports every fault.
)";

std::string header(const Section& section) {
  const std::string name(section.name);
  return section.repeated ? "[[" + name + "]]" : '[' + name + ']';
}

std::string default_toml(const Option& option) {
  if (option.built_in.empty()) return {};
  return to_toml(option, value_from_text(option, option.built_in).value());
}

// What the example shows where there is no default.
std::string example_toml(const Option& option) {
  if (option.kind == OptionKind::secret)
    return "{ env = " + toml_string(option.name == "password" ? "SMTP_PASSWORD" : environment_form(option.name)) + " }";
  if (option.example.empty() && is_list(option.kind)) return "[]";
  return to_toml(option, value_from_text(option, option.example).value());
}

std::string in_table_cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string sentence_of(const Option& option) {
  std::string sentence(option.sentence);
  if (!option.only_for.empty()) sentence += " For " + types_text(option) + '.';
  if (option.need == Need::required) sentence += " Must be set.";
  return sentence;
}

}  // namespace

std::string render_config_reference() {
  std::string out(kReferenceHead);
  for (const Section& section : config_sections()) {
    out += "\n## " + header(section) + "\n\n" + std::string(section.sentence) + "\n\n";
    out += "| key | type and bounds | default | takes effect | meaning |\n|---|---|---|---|---|\n";
    for (const Option& option : options_of(section.name)) {
      const std::string built_in = default_toml(option);
      out += "| `" + std::string(option.name) + "` | " + in_table_cell(type_text(option)) + " | " +
             (built_in.empty() ? "" : '`' + in_table_cell(built_in) + '`') + " | " +
             (option.effect == Effect::reload ? "reload" : "restart") + " | " + in_table_cell(sentence_of(option)) +
             " |\n";
    }
  }
  return out;
}

std::string render_config_example() {
  std::string out(kExampleHead);
  for (const Section& section : config_sections()) {
    // A repeated section is commented out as a whole: its mere header would add an entry.
    out += "\n# " + std::string(section.sentence) + '\n' + (section.repeated ? "# " : "") + header(section) + '\n';
    for (const Option& option : options_of(section.name)) {
      const std::string built_in = default_toml(option);
      const std::string line =
          "# " + std::string(option.name) + " = " + (built_in.empty() ? example_toml(option) : built_in);
      const std::size_t pad = line.size() < 44 ? 44 - line.size() : 1;
      out += line + std::string(pad, ' ') + "# " + sentence_of(option) + '\n';
    }
  }
  return out;
}

std::string origin_text(const EffectiveValue& value, std::string_view file) {
  switch (value.origin) {
    case ConfigOrigin::built_in:
      return "default";
    case ConfigOrigin::file:
      return std::string(file) + ':' + std::to_string(value.at.line);
    case ConfigOrigin::environment:
      return value.variable;
  }
  return "default";
}

std::string render_effective_config(const ConfigResult& result, std::string_view file, Shown which) {
  std::string out;
  const EffectiveValue* last = nullptr;
  for (const EffectiveValue& value : result.values) {
    if (which == Shown::given && value.origin == ConfigOrigin::built_in) continue;
    if (!last || last->section != value.section || last->instance != value.instance)
      out += (last ? "\n" : "") + header(*find_section(value.section)) + '\n';
    last = &value;
    if (value.toml.empty()) continue;
    const std::string line = value.name + " = " + value.toml;
    const std::size_t pad = line.size() < 44 ? 44 - line.size() : 1;
    out += line + std::string(pad, ' ') + "# " + origin_text(value, file) + '\n';
  }
  return out;
}

}  // namespace postrider
