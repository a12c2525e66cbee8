// Overrides by environment: POSTRIDER_SECTION__KEY, POSTRIDER_UPSTREAM__NAME__KEY, POSTRIDER_SMTP__LISTENER__KEY (the first
// one) or POSTRIDER_SMTP__LISTENER__1__KEY; so, too, for [[lane]]. An entry that the file does not have is added.
#include <algorithm>

#include "core/ascii.h"
#include "core/config_draft.h"
#include "core/nearest.h"

namespace postrider {
namespace {

constexpr std::string_view kPrefix = "POSTRIDER_";

std::vector<std::string> parts_of(std::string_view name) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = name.find("__");
    parts.push_back(lowered(name.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    name.remove_prefix(end + 2);
  }
}

struct Override {
  std::string variable;
  std::vector<std::string> parts;
  std::string value;
};

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ".") + part;
  return out;
}

void wrong(Draft& draft, const Override& given, std::string text) {
  draft.faults.push_back({{}, given.variable, joined(given.parts), std::move(text)});
}

void unused(Draft& draft, const std::string& variable, std::string text) {
  draft.warnings.push_back({{}, variable, {}, "is not used" + std::move(text)});
}

void set(Draft& draft, const Override& given, std::string_view section, std::size_t index) {
  const std::string& name = given.parts.back();
  const Option* option = find_option(section, name);
  if (!option) {
    const std::string near = nearest_option(section, name);
    return wrong(draft, given,
                 std::string(section) + '.' + name + " is not a known key" +
                     (near.empty() ? "" : "; did you mean " + near + "?"));
  }
  GivenValue value;
  value.origin = ConfigOrigin::environment;
  value.variable = given.variable;
  value.value.kind = TomlValue::Kind::text;
  value.value.text = given.value;
  draft.find_or_add(section, index, {}).given.insert_or_assign(option->name, std::move(value));
}

void set_in_upstream(Draft& draft, const Override& given) {
  const std::string wanted = environment_form(given.parts[1]);
  const std::size_t count = draft.count("upstream");
  for (std::size_t i = 0; i < count; ++i)
    if (environment_form(draft.find("upstream", i)->upstream_name()) == wanted) return set(draft, given, "upstream", i);
  if (!find_option("upstream", given.parts.back())) return set(draft, given, "upstream", count);
  GivenValue name;
  name.origin = ConfigOrigin::environment;
  name.variable = given.variable;
  name.value.kind = TomlValue::Kind::text;
  name.value.text = given.parts[1];
  draft.find_or_add("upstream", count, {}).given.emplace("name", std::move(name));
  set(draft, given, "upstream", count);
}

constexpr std::size_t kNoIndex = 1000;  // more entries than that nobody means

// What stands between section and key: POSTRIDER_SMTP__LISTENER__1__TLS, POSTRIDER_LANE__1__MATCH; without a number the first.
std::size_t entry_index(const Override& given) {
  if (given.parts.size() != (given.parts[0] == "lane" ? 3 : 4)) return 0;
  const std::string& digits = given.parts[given.parts.size() - 2];
  const bool number = !digits.empty() && digits.size() <= 3 &&
                      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  return number ? std::stoul(digits) : kNoIndex;
}

void set_in_entry(Draft& draft, const Override& given, const std::string& section, std::size_t index) {
  if (index > draft.count(section))
    return wrong(draft, given, "names an entry of " + section + " that is not there; they are counted from 0");
  set(draft, given, section, index);
}

void apply(Draft& draft, const Override& given) {
  const auto& parts = given.parts;
  const std::string nested = parts.size() > 2 ? parts[0] + '.' + parts[1] : "";
  if (!nested.empty() && find_section(nested) && parts.size() <= 4) {
    set_in_entry(draft, given, nested, entry_index(given));
  } else if (parts[0] == "lane" && parts.size() > 2) {
    if (parts.size() == 3) return set_in_entry(draft, given, "lane", entry_index(given));
    wrong(draft, given, "has more parts than section, number and key");
  } else if (parts[0] == "upstream") {
    if (parts.size() == 3 && !parts[1].empty()) return set_in_upstream(draft, given);
    wrong(draft, given, "must name the upstream: POSTRIDER_UPSTREAM__NAME__KEY");
  } else if (find_section(parts[0])) {
    if (parts.size() == 2) return set(draft, given, parts[0], 0);
    const std::string near = nearest_section(nested);
    wrong(draft, given,
          near.empty() ? "has more parts than section and key"
                       : "there is no section " + nested + "; did you mean " + near + "?");
  } else {
    const std::string near = nearest_section(parts[0]);
    unused(draft, given.variable,
           ": there is no section " + parts[0] + (near.empty() ? "" : "; did you mean " + near + "?"));
  }
}

// POSTRIDER_SMTP__LISTENER__ADDRESS. What belongs to an upstream needs its name, so there is no one variable for it.
std::string variable_of(const Option& option) {
  std::string variable(kPrefix);
  for (const char c : full_name(option)) variable += c == '.' ? "__" : environment_form({&c, 1});
  return variable;
}

// POSTRIDER_SERVER_DATA_DIR: a single underscore where two belong, or one slip more than that.
void warn_of_single_underscore(Draft& draft, const std::string& variable) {
  constexpr std::size_t kSlips = 2;
  std::string best;
  std::size_t best_distance = kSlips + 1;
  for (const Option& option : config_options()) {
    if (option.section == "upstream") continue;
    std::string right = variable_of(option);
    const std::size_t distance = edit_distance(variable, right);
    if (distance >= best_distance) continue;
    best = std::move(right);
    best_distance = distance;
  }
  if (!best.empty()) unused(draft, variable, "; did you mean " + best + "?");
}

}  // namespace

std::string environment_form(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 'A');
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
  });
  return out;
}

void draft_from_environment(Draft& draft, const std::map<std::string, std::string>& environment) {
  std::vector<Override> overrides;
  for (auto each = environment.lower_bound(std::string(kPrefix)); each != environment.end(); ++each) {
    const auto& [variable, value] = *each;
    if (!std::string_view(variable).starts_with(kPrefix)) break;
    overrides.push_back({variable, parts_of(std::string_view(variable).substr(kPrefix.size())), value});
  }
  // Entries are added one after the other, so in the order of their numbers.
  std::stable_sort(overrides.begin(), overrides.end(),
                   [](const Override& a, const Override& b) { return entry_index(a) < entry_index(b); });
  for (const Override& given : overrides) {
    // Without "__" it is not an override: POSTRIDER_URL, POSTRIDER_TOKEN, or what a container system puts there.
    if (given.parts.size() < 2) {
      warn_of_single_underscore(draft, given.variable);
    } else {
      apply(draft, given);
    }
  }
}

}  // namespace postrider
