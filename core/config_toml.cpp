#include "core/config_toml.h"

#include <toml++/toml.h>
#include <algorithm>
#include <sstream>

namespace postrider {
namespace {

constexpr int kMaxDepth = 8;  // the configuration has three levels

FilePlace place_of(const toml::source_position& position) {
  return {static_cast<int>(position.line), static_cast<int>(position.column)};
}

TomlValue convert(const toml::node& node, int depth) {
  TomlValue value;
  value.at = place_of(node.source().begin);
  if (depth > kMaxDepth) {
    value.text = "a deeply nested value";
  } else if (const auto* text = node.as_string()) {
    value.kind = TomlValue::Kind::text;
    value.text = text->get();
  } else if (const auto* number = node.as_integer()) {
    value.kind = TomlValue::Kind::integer;
    value.number = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    value.kind = TomlValue::Kind::boolean;
    value.number = flag->get();
  } else if (const auto* list = node.as_array()) {
    value.kind = TomlValue::Kind::list;
    for (const auto& item : *list) value.items.push_back(convert(item, depth + 1));
  } else if (const auto* table = node.as_table()) {
    value.kind = TomlValue::Kind::table;
    struct Placed {
      toml::source_position at;
      std::string key;
      const toml::node* node;
    };
    std::vector<Placed> fields;  // the library sorts by key; rules that are tried in turn need the order of the file
    for (const auto& [key, field] : *table) fields.push_back({key.source().begin, std::string(key.str()), &field});
    std::sort(fields.begin(), fields.end(), [](const Placed& a, const Placed& b) { return a.at < b.at; });
    for (Placed& field : fields) {
      TomlValue converted = convert(*field.node, depth + 1);
      if (field.at.line > 0) converted.at = place_of(field.at);
      value.fields.push_back({std::move(field.key), std::move(converted)});
    }
  } else {
    value.text = node.is_floating_point() ? "a number with a fraction" : "a date or time";
  }
  return value;
}

// The slip that people make most, and that the parser takes for a broken number: `level = info`.
std::string_view hint_for(std::string_view text, int line) {
  for (int at = 1; at < line && !text.empty(); ++at) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  text = text.substr(0, text.find('\n'));
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {};
  const std::size_t begin = text.find_first_not_of(" \t", equals + 1);
  if (begin == std::string_view::npos) return {};
  const std::string_view value = text.substr(begin);
  const bool letter = (value[0] >= 'a' && value[0] <= 'z') || (value[0] >= 'A' && value[0] <= 'Z') || value[0] == '/';
  return letter && !value.starts_with("true") && !value.starts_with("false") ? "; a string needs quotes" : "";
}

}  // namespace

const TomlValue* TomlValue::field(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (key == name) return &value;
  return nullptr;
}

std::string_view kind_name(const TomlValue& value) {
  switch (value.kind) {
    case TomlValue::Kind::text:
      return "a string";
    case TomlValue::Kind::integer:
      return "a number";
    case TomlValue::Kind::boolean:
      return "true or false";
    case TomlValue::Kind::list:
      return "a list";
    case TomlValue::Kind::table:
      return "a table";
    case TomlValue::Kind::other:
      return value.text;
  }
  return "something else";
}

boost::system::result<TomlValue, TomlFault> parse_toml(std::string_view text) {
  try {
    const toml::table table = toml::parse(text);
    return convert(table, 0);
  } catch (const toml::parse_error& error) {
    const FilePlace at = place_of(error.source().begin);
    return TomlFault{at, std::string(error.description()) + std::string(hint_for(text, at.line))};
  }
}

}  // namespace postrider
