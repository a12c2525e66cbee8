#include "core/config_draft.h"

#include <algorithm>

#include "core/config_value.h"

namespace postrider {
namespace {

void add_value(DraftSection& section, const Option& option, const TomlValue& value) {
  GivenValue given;
  given.value = value;
  section.given.insert_or_assign(option.name, std::move(given));
}

std::string did_you_mean(const std::string& near) {
  return near.empty() ? "" : "; did you mean " + near + "?";
}

// An upstream of a type that there is not: its own keys cannot be judged, and the type is fault enough.
bool of_unknown_type(const Section& section, const TomlValue& table) {
  if (section.name != "upstream") return false;
  const TomlValue* type = table.field("type");
  if (!type || type->kind != TomlValue::Kind::text) return false;
  return value_from_text(*find_option("upstream", "type"), type->text).has_error();
}

bool is_entries(const TomlValue& value) {
  return value.kind == TomlValue::Kind::list && !value.items.empty() &&
         value.items.front().kind == TomlValue::Kind::table;
}

std::string bracketed(const std::string& name, bool repeated) {
  return repeated ? "[[" + name + "]]" : '[' + name + ']';
}

void unknown_section(Draft& draft, const std::string& name, const TomlValue& value) {
  const std::string near = nearest_section(name);
  fault(draft.faults, value.at, name,
        bracketed(name, is_entries(value)) + " is not a known section" +
            did_you_mean(near.empty() ? "" : bracketed(near, find_section(near)->repeated)));
}

void read_unknown(Draft& draft, const DraftSection& into, const std::string& key, const TomlValue& value) {
  const bool nested = value.kind == TomlValue::Kind::table || is_entries(value);
  if (nested && !into.section->repeated) return unknown_section(draft, into.key(key), value);
  fault(draft.faults, value.at, into.path(key),
        into.key(key) + " is not a known key" + did_you_mean(nearest_option(into.section->name, key)));
}

void read_repeated(Draft& draft, const Section& section, const TomlValue& value);

void read_section(Draft& draft, DraftSection& into, const TomlValue& table) {
  const std::string_view name = into.section->name;
  const bool lenient = of_unknown_type(*into.section, table);
  std::vector<std::pair<const Section*, const TomlValue*>> nested;
  for (const auto& [key, value] : table.fields) {
    if (const Section* inner = find_section(std::string(name) + '.' + key)) {
      nested.emplace_back(inner, &value);
    } else if (const Option* option = find_option(name, key)) {
      add_value(into, *option, value);
    } else if (!lenient) {
      read_unknown(draft, into, key, value);
    }
  }
  // Last: they add to the list of sections and so may move `into`.
  for (const auto& [inner, value] : nested) read_repeated(draft, *inner, *value);
}

void read_repeated(Draft& draft, const Section& section, const TomlValue& value) {
  const std::string name(section.name);
  if (value.kind != TomlValue::Kind::list)
    return fault(draft.faults, value.at, name, name + " may be there several times: write [[" + name + "]]");
  for (const TomlValue& entry : value.items) {
    if (entry.kind != TomlValue::Kind::table) {
      fault(draft.faults, entry.at, name, name + " must be written as [[" + name + "]]");
      continue;
    }
    read_section(draft, draft.find_or_add(name, draft.count(name), entry.at), entry);
  }
}

void read_outside(Draft& draft, const std::string& key, const TomlValue& value) {
  if (value.kind == TomlValue::Kind::table || is_entries(value)) return unknown_section(draft, key, value);
  fault(draft.faults, value.at, key, key + " stands in no section" + did_you_mean(nearest_option("", key)));
}

}  // namespace

const GivenValue* DraftSection::find(std::string_view option) const {
  const auto found = given.find(option);
  return found == given.end() ? nullptr : &found->second;
}

std::string DraftSection::upstream_name() const {
  const GivenValue* name = find("name");
  return name && name->value.kind == TomlValue::Kind::text ? name->value.text.substr(0, 64) : "";
}

std::string DraftSection::key(std::string_view option) const {
  std::string key(section->name);
  const std::string name = upstream_name();
  if (section->name == "upstream" && !name.empty() && option != "name") key += '.' + name;
  key += '.';
  key += option;
  return key;
}

std::string DraftSection::entry() const {
  std::string entry(section->name);
  if (!section->repeated) return entry;
  const std::string name = section->name == "upstream" ? upstream_name() : "";
  return entry + '.' + (name.empty() ? std::to_string(index) : name);
}

std::string DraftSection::path(std::string_view option) const {
  return entry() + '.' + std::string(option);
}

std::size_t Draft::count(std::string_view section) const {
  return static_cast<std::size_t>(std::count_if(
      sections.begin(), sections.end(), [&](const DraftSection& each) { return each.section->name == section; }));
}

const DraftSection* Draft::find(std::string_view section, std::size_t index) const {
  for (const DraftSection& each : sections)
    if (each.section->name == section && each.index == index) return &each;
  return nullptr;
}

DraftSection* Draft::find(std::string_view section, std::size_t index) {
  return const_cast<DraftSection*>(std::as_const(*this).find(section, index));
}

DraftSection& Draft::find_or_add(std::string_view section, std::size_t index, FilePlace at) {
  if (DraftSection* known = find(section, index)) return *known;
  DraftSection& added = sections.emplace_back();
  added.section = find_section(section);
  added.index = index;
  added.at = at;
  return added;
}

void fault(std::vector<ConfigFinding>& into, FilePlace at, std::string key, std::string text) {
  into.push_back({at, {}, std::move(key), std::move(text)});
}

void fault_at(std::vector<ConfigFinding>& into, const DraftSection& section, std::string_view option,
              std::string text) {
  const GivenValue* given = section.find(option);
  if (given && given->origin == ConfigOrigin::environment) {
    into.push_back({{}, given->variable, section.path(option), std::move(text)});
  } else {
    fault(into, given && given->value.at.line > 0 ? given->value.at : section.at, section.path(option),
          std::move(text));
  }
}

void draft_from_toml(Draft& draft, const TomlValue& root) {
  for (const auto& [key, value] : root.fields) {
    const Section* section = find_section(key);
    if (!section) {
      read_outside(draft, key, value);
    } else if (section->repeated) {
      read_repeated(draft, *section, value);
    } else if (value.kind != TomlValue::Kind::table) {
      fault(draft.faults, value.at, key, key + " is a section: write [" + key + ']');
    } else {
      read_section(draft, draft.find_or_add(key, 0, value.at), value);
    }
  }
}

}  // namespace postrider
