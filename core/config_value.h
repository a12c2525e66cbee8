// Values of options: from text, to TOML, and whether they are within their bounds. Pure; faults are clauses that follow
// the option's name ("is out of bounds: 1s to 7d") and never repeat a secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/config_options.h"
#include "core/result.h"

namespace postrider {

// "25MiB", "512KiB", "10MB", "0"; a bare number is refused (what unit?), but for "0".
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t octets);          // the largest binary unit that is exact: "25MiB"
std::optional<Rate> parse_rate(std::string_view text);  // "14/s", "500/m", "10000/h", "50000/d"

// As environment variables and the table's defaults write values: lists with commas, tables as a=b,c=d.
result<OptionValue> value_from_text(const Option& option, std::string_view text);
// The parts that both TOML and environment need: a list, a table; each is normalised and checked.
result<OptionValue> value_from_list(const Option& option, std::vector<std::string> items);
result<OptionValue> value_from_pairs(const Option& option, std::vector<std::pair<std::string, std::string>> pairs);

std::vector<std::string_view> split(std::string_view text, char separator);  // trimmed parts; none of a blank text
std::string enumerated(const std::vector<std::string_view>& words);          // "a, b or c"

bool is_list(OptionKind kind);
bool is_table(OptionKind kind);
bool is_number(OptionKind kind);  // a bare number in TOML

std::string bounds_text(const Option& option);  // "1s to 7d", "none, starttls or implicit", or empty
std::string to_toml(const Option& option, const OptionValue& value);  // secrets masked
std::string to_json(const Option& option, const OptionValue& value);  // the same value in JSON
std::string toml_string(std::string_view text);                       // quoted and escaped
std::string toml_key(std::string_view key);                           // quoted only if it must be

}  // namespace postrider
