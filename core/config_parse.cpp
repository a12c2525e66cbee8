#include <algorithm>
#include <functional>
#include <tuple>

#include "core/config_draft.h"
#include "core/config_value.h"

namespace postrider {
namespace {

// From the draft to the Config: takes each option of the table in turn, from the environment, the file or the table's own
// default, and keeps going after a fault so that all of them are reported.
class Builder {
 public:
  Builder(const ConfigSources& sources, Draft draft) : sources_(sources), draft_(std::move(draft)) {}

  ConfigResult build();

 private:
  void build_section(const Section& section, std::size_t index);
  void build_option(DraftSection& section, const Option& option, std::size_t index);
  std::optional<OptionValue> built_in_value(const Option& option, std::size_t index) const;
  bool applies(const DraftSection& section, const Option& option, std::size_t index) const;
  bool belongs(const DraftSection& section, const Option& option, std::size_t index);
  bool report_bad_items(const DraftSection& section, const Option& option, const GivenValue& given);
  result<OptionValue> value_of(const Option& option, const GivenValue& given) const;
  static result<OptionValue> match_value(const Option& option, const TomlValue& value);
  result<OptionValue> secret_value(const Option& option, const TomlValue& value) const;
  void record(const DraftSection& section, const Option& option, const GivenValue* given, const OptionValue* value);

  const ConfigSources& sources_;
  Draft draft_;
  ConfigResult result_;
};

void add_missing_sections(Draft& draft) {
  const bool no_upstream = draft.count("upstream") == 0;
  for (const Section& section : config_sections())
    if (!section.may_be_empty) draft.find_or_add(section.name, 0, {});
  if (!no_upstream) return;
  for (const std::string_view name : {"name", "type"}) {
    GivenValue capture;
    capture.origin = ConfigOrigin::built_in;
    capture.value.kind = TomlValue::Kind::text;
    capture.value.text = "capture";
    draft.find("upstream", 0)->given.emplace(name, std::move(capture));
  }
}

// The environment wins over the file, also where it says `host` and the file `hosts`.
void let_environment_choose_host(Draft& draft) {
  for (DraftSection& section : draft.sections) {
    const GivenValue* host = section.find("host");
    const GivenValue* hosts = section.find("hosts");
    if (!host || !hosts || host->origin == hosts->origin) continue;
    section.given.erase(host->origin == ConfigOrigin::environment ? "hosts" : "host");
  }
}

// A default that the spool is too small for is shown as what is in force.
void show_history_limit(ConfigResult& result) {
  const std::uint64_t limit = history_limit(result.config);
  if (limit == result.config.retention.history_max_size) return;
  for (EffectiveValue& value : result.values)
    if (value.origin == ConfigOrigin::built_in && value.key() == "retention.history_max_size")
      value.toml = value.json = toml_string(format_size(limit));
}

ConfigResult Builder::build() {
  const bool no_upstream = draft_.count("upstream") == 0;
  add_missing_sections(draft_);
  let_environment_choose_host(draft_);
  for (const Section& section : config_sections()) {
    const std::size_t count = draft_.count(section.name);
    for (std::size_t i = 0; i < count; ++i) build_section(section, i);
  }
  result_.faults.insert(result_.faults.begin(), draft_.faults.begin(), draft_.faults.end());
  result_.warnings.insert(result_.warnings.begin(), draft_.warnings.begin(), draft_.warnings.end());
  if (no_upstream && sources_.file_text)
    fault(result_.warnings, {}, "upstream",
          "there is no [[upstream]]: all mail is captured on this machine and none is sent on");
  show_history_limit(result_);
  check_config(draft_, result_);
  const auto by_line = [](const ConfigFinding& a, const ConfigFinding& b) {
    return std::tuple(a.at.line == 0, a.at.line, a.at.column) < std::tuple(b.at.line == 0, b.at.line, b.at.column);
  };
  std::stable_sort(result_.faults.begin(), result_.faults.end(), by_line);
  std::stable_sort(result_.warnings.begin(), result_.warnings.end(), by_line);
  return std::move(result_);
}

void Builder::build_section(const Section& section, std::size_t index) {
  DraftSection& draft = *draft_.find(section.name, index);
  if (section.grow) section.grow(result_.config);
  for (const Option& option : options_of(section.name)) build_option(draft, option, index);
}

void Builder::build_option(DraftSection& section, const Option& option, std::size_t index) {
  const std::optional<OptionValue> built_in = built_in_value(option, index);
  if (built_in) option.store(result_.config, index, *built_in);
  const GivenValue* given = section.find(option.name);
  if (!given) {
    if (applies(section, option, index)) record(section, option, nullptr, built_in ? &*built_in : nullptr);
    return;
  }
  if (!belongs(section, option, index)) return;
  if (report_bad_items(section, option, *given)) return;
  const result<OptionValue> value = value_of(option, *given);
  if (value.has_error()) {
    fault_at(result_.faults, section, option.name, section.key(option.name) + value.error().text);
    if (section.section->name == "upstream" && option.name == "type") section.unknown_type = true;
    return;
  }
  option.store(result_.config, index, *value);
  record(section, option, given, &*value);
}

std::optional<OptionValue> Builder::built_in_value(const Option& option, std::size_t index) const {
  std::string text(option.built_in);
  if (option.section == "upstream" && option.name == "priority") {
    // The order of the entries; beyond the bound they share the last place.
    text = std::to_string(std::min(static_cast<std::int64_t>(index + 1), option.max));
  }
  if (option.section == "upstream" && option.name == "port" &&
      result_.config.upstreams[index].tls == UpstreamTls::implicit)
    text = "465";  // RFC 8314 7.3; `tls` stands before `port` in the table
  if (option.section == "upstream" && option.name == "final_timeout" && is_http(result_.config.upstreams[index].type))
    text = "1m";  // an API answers when it has queued the message, not when it has looked through it
  if (text.empty()) return std::nullopt;
  return value_from_text(option, text).value();
}

// Whether an upstream of this type has this key; where the type is not known, every one is let through.
bool Builder::applies(const DraftSection& section, const Option& option, std::size_t index) const {
  if (option.only_for.empty() || section.unknown_type || !section.find("type")) return true;
  return is_for(option, result_.config.upstreams[index].type);
}

bool Builder::belongs(const DraftSection& section, const Option& option, std::size_t index) {
  if (applies(section, option, index)) return true;
  fault_at(result_.faults, section, option.name,
           section.key(option.name) + " is for upstreams of " + types_text(option) + "; this one is of type " +
               std::string(to_string(result_.config.upstreams[index].type)));
  return false;
}

// Each bad item of a list or table with its own place; false: there is none.
bool Builder::report_bad_items(const DraftSection& section, const Option& option, const GivenValue& given) {
  const std::size_t before = result_.faults.size();
  const auto check = [&](const TomlValue& item, const result<OptionValue>& value) {
    if (value.has_error())
      fault(result_.faults, item.at, section.path(option.name), section.key(option.name) + value.error().text);
  };
  if (is_list(option.kind) && given.value.kind == TomlValue::Kind::list) {
    for (const TomlValue& item : given.value.items)
      if (item.kind == TomlValue::Kind::text) check(item, value_from_list(option, {item.text}));
  } else if (is_table(option.kind) && given.value.kind == TomlValue::Kind::table) {
    for (const auto& [name, target] : given.value.fields) {
      if (target.kind == TomlValue::Kind::text) check(target, value_from_pairs(option, {{name, target.text}}));
      if (option.kind != OptionKind::match || target.kind != TomlValue::Kind::list) continue;
      for (const TomlValue& item : target.items)
        if (item.kind == TomlValue::Kind::text) check(item, value_from_pairs(option, {{name, item.text}}));
    }
  }
  return result_.faults.size() > before;
}

result<OptionValue> Builder::value_of(const Option& option, const GivenValue& given) const {
  const TomlValue& value = given.value;
  if (given.origin != ConfigOrigin::file) return value_from_text(option, value.text);
  const auto must_be = [&](std::string what) {
    return invalid(" must be " + std::move(what) + ", not " + std::string(kind_name(value)));
  };
  if (option.kind == OptionKind::secret) return secret_value(option, value);
  if (option.kind == OptionKind::boolean) {
    if (value.kind != TomlValue::Kind::boolean) return must_be("true or false");
    return value_from_text(option, value.number ? "true" : "false");
  }
  if (option.kind == OptionKind::count) {
    if (value.kind != TomlValue::Kind::integer) return must_be("a whole number");
    return value_from_text(option, std::to_string(value.number));
  }
  if (is_list(option.kind)) {
    if (value.kind != TomlValue::Kind::list) return must_be("a list of strings");
    std::vector<std::string> items;
    for (const TomlValue& item : value.items) {
      if (item.kind != TomlValue::Kind::text) return invalid(" must be a list of strings");
      items.push_back(item.text);
    }
    return value_from_list(option, std::move(items));
  }
  if (option.kind == OptionKind::match) return match_value(option, value);
  if (is_table(option.kind)) {
    if (value.kind != TomlValue::Kind::table) return must_be("a table such as { \"name\" = \"address\" }");
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [name, target] : value.fields) {
      if (target.kind != TomlValue::Kind::text) return invalid(" must have strings as values");
      pairs.emplace_back(name, target.text);
    }
    return value_from_pairs(option, std::move(pairs));
  }
  if (value.kind != TomlValue::Kind::text) {
    if (option.kind == OptionKind::size) return must_be("a string with a unit, such as \"25MiB\"");
    if (option.kind == OptionKind::duration) return must_be("a string with a unit, such as \"10m\"");
    return must_be("a string");
  }
  return value_from_text(option, value.text);
}

result<OptionValue> Builder::match_value(const Option& option, const TomlValue& value) {
  if (value.kind != TomlValue::Kind::table)
    return invalid(" must be a table such as { recipient_domain = [\"example.com\"] }, not " +
                   std::string(kind_name(value)));
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, wanted] : value.fields) {
    const std::vector<TomlValue> items = wanted.kind == TomlValue::Kind::list ? wanted.items : std::vector{wanted};
    if (items.empty()) return invalid('.' + toml_key(name) + " is empty");
    for (const TomlValue& item : items) {
      if (item.kind != TomlValue::Kind::text) return invalid('.' + toml_key(name) + " must be a list of strings");
      pairs.emplace_back(name, item.text);
    }
  }
  return value_from_pairs(option, std::move(pairs));
}

result<OptionValue> Builder::secret_value(const Option& option, const TomlValue& value) const {
  if (value.kind == TomlValue::Kind::text) return value_from_text(option, value.text);
  const TomlValue* source = value.fields.size() == 1 ? &value.fields.front().value : nullptr;
  if (value.kind != TomlValue::Kind::table || !source || source->kind != TomlValue::Kind::text)
    return invalid(" must be a string, { env = \"NAME\" } or { file = \"path\" }");
  const std::string& how = value.fields.front().name;
  if (how == "env") {
    const auto found = sources_.environment.find(source->text);
    if (found == sources_.environment.end())
      return invalid(": the environment variable " + source->text + " is not set");
    if (found->second.empty()) return invalid(": the environment variable " + source->text + " is empty");
    return value_from_text(option, found->second);
  }
  if (how != "file") return invalid(" knows env and file, not " + how);
  result<std::string> content =
      sources_.read_file ? sources_.read_file(source->text) : result<std::string>(invalid("files are not read here"));
  if (content.has_error()) return invalid(": " + source->text + ": " + content.error().text);
  while (!content->empty() && (content->back() == '\n' || content->back() == '\r')) content->pop_back();
  if (content->empty()) return invalid(": " + source->text + " is empty");
  return value_from_text(option, *content);
}

void Builder::record(const DraftSection& section, const Option& option, const GivenValue* given,
                     const OptionValue* value) {
  EffectiveValue effective;
  effective.section = option.section;
  effective.instance = section.index;
  effective.entry = section.entry();
  effective.name = option.name;
  if (value) {
    effective.toml = to_toml(option, *value);
    effective.json = to_json(option, *value);
    if (option.kind == OptionKind::secret) effective.digest = std::hash<std::string>{}(value->text);
  }
  effective.origin = given ? given->origin : ConfigOrigin::built_in;
  if (given) effective.variable = given->variable;
  if (given && given->origin == ConfigOrigin::file) effective.at = given->value.at;
  result_.values.push_back(std::move(effective));
}

}  // namespace

std::string ConfigFinding::place(std::string_view file) const {
  if (!variable.empty()) return variable;
  std::string out(file);
  if (at.line > 0) out += (out.empty() ? "" : ":") + std::to_string(at.line) + ':' + std::to_string(at.column);
  return out;
}

std::string ConfigFinding::str() const {
  const std::string where = place({});
  return where.empty() ? text : where + ": " + text;
}

ConfigResult parse_config(const ConfigSources& sources) {
  Draft draft;
  if (sources.file_text) {
    const auto root = parse_toml(*sources.file_text);
    if (root.has_error()) {
      // Nothing that follows from half a file would be worth reading.
      ConfigResult result;
      fault(result.faults, root.error().at, {}, "not valid TOML: " + root.error().text);
      return result;
    }
    draft_from_toml(draft, *root);
  }
  draft_from_environment(draft, sources.environment);
  return Builder(sources, std::move(draft)).build();
}

}  // namespace postrider
