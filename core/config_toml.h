// TOML text as a neutral tree, so that only one file knows the TOML library. Pure.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/result.h"

namespace postrider {

struct TomlField;

struct TomlValue {
  enum class Kind : std::uint8_t { text, integer, boolean, list, table, other };
  Kind kind = Kind::other;
  FilePlace at;
  std::string text;         // text; other: its name ("floating-point number")
  std::int64_t number = 0;  // integer, boolean
  std::vector<TomlValue> items;
  std::vector<TomlField> fields;  // table, in the order of the file

  const TomlValue* field(std::string_view name) const;
};
struct TomlField {
  std::string name;
  TomlValue value;
};
std::string_view kind_name(const TomlValue& value);  // "a whole number"

// A fault carries the parser's own sentence and where.
struct TomlFault {
  FilePlace at;
  std::string text;
};
boost::system::result<TomlValue, TomlFault> parse_toml(std::string_view text);
[[noreturn]] inline void throw_exception_from_error(const TomlFault& fault, const boost::source_location&) {
  throw std::logic_error("value() on a TOML fault: " + fault.text);
}

}  // namespace postrider
