// The table of options: everything that is known of a key, once. Parser, bounds checks, suggestions, `config reference`,
// docs/configuration.md and config/postrider.toml are all made from it. Constant data; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/config.h"

namespace postrider {

enum class OptionKind : std::uint8_t {
  text,
  hostname,
  path,
  address,  // a mail address
  url,      // http:// or https://, without a slash at its end
  origins,  // list of http:// or https:// with a host and perhaps a port, as browsers write them
  listen,   // address:port
  boolean,
  count,
  size,
  duration,
  rate,
  choice,
  choices,  // list of some of the choices
  texts,
  hostnames,
  networks,
  recipients,    // list of user@domain, @domain, *@domain
  aliases,       // table: local name or address -> address
  sender_rules,  // table: pattern -> address
  match,         // table: key of UpstreamMatch (which: `choices`) -> its values; see core/config_match.h
  secret,
};

enum class Effect : std::uint8_t { reload, restart };
enum class Need : std::uint8_t { optional, required };  // by every upstream that has this key

// What an option's text became; which members count depends on the kind.
struct OptionValue {
  std::string text;         // all but the lists: as written, normalised
  std::int64_t number = 0;  // boolean, count, size (octets), duration (ms), rate (count), choice (its position)
  Duration per{};           // rate
  std::vector<std::string> list;
  std::vector<std::pair<std::string, std::string>> pairs;  // match: a key once for each of its values
};

struct Option {
  std::string_view section;
  std::string_view name;
  OptionKind kind;
  std::string_view built_in;  // as in an environment variable; empty: not set
  std::int64_t min, max;      // count, size in octets, duration in ms
  std::string_view choices;   // "none|starttls|implicit", in the order of the enum
  Effect effect;
  std::string_view example;  // for the annotated file when there is no default, written as in the environment
  std::string_view sentence;
  void (*store)(Config& config, std::size_t instance, const OptionValue& value);
  std::string_view only_for = {};  // [[upstream]]: the types that have this key, "smtp|mailgun"; empty: all
  Need need = Need::optional;
};

struct Section {
  std::string_view name;
  bool repeated;  // [[name]]
  std::string_view sentence;
  std::size_t (*grow)(Config& config) = nullptr;  // repeated: adds an instance and gives its index
  Effect effect = Effect::restart;                // repeated: of an entry that comes or goes
  bool may_be_empty = false;                      // repeated: without an entry there is none, not one of defaults
};

std::span<const Section> config_sections();
std::span<const Option> config_options();
std::span<const Option> options_of(std::string_view section);  // contiguous in the table

const Section* find_section(std::string_view name);
const Option* find_option(std::string_view section, std::string_view name);

bool is_for(const Option& option, UpstreamType type);
std::string types_text(const Option& option);  // "type smtp", "any type but capture"
std::string full_name(const Option& option);   // "smtp.listener.address"
std::string type_text(const Option& option);   // "duration, 1s to 7d"
// The known name nearest to a wrong one, in full; empty if none is near.
std::string nearest_option(std::string_view section, std::string_view wrong);
std::string nearest_section(std::string_view wrong);

}  // namespace postrider
