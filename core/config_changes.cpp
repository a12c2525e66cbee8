#include "core/config_changes.h"

#include <map>
#include <set>

namespace postrider {
namespace {

std::map<std::string, const EffectiveValue*> by_key(const ConfigResult& result) {
  std::map<std::string, const EffectiveValue*> values;
  for (const EffectiveValue& value : result.values) values.emplace(value.key(), &value);
  return values;
}

std::set<std::string> entries_of(const ConfigResult& result) {
  std::set<std::string> entries;
  for (const EffectiveValue& value : result.values) entries.insert(value.entry);
  return entries;
}

// The entries that only `here` has, each once, in its order.
void add_entries(std::vector<ConfigChange>& into, const ConfigResult& here, const std::set<std::string>& there,
                 ConfigChange::Kind kind) {
  std::set<std::string> said = there;
  for (const EffectiveValue& value : here.values)
    if (said.insert(value.entry).second)
      into.push_back({kind, value.entry, {}, {}, find_section(value.section)->effect});
}

Effect effect_of(const EffectiveValue& value) {
  const Option* option = find_option(value.section, value.name);
  return option ? option->effect : Effect::restart;
}

}  // namespace

std::vector<ConfigChange> changes_between(const ConfigResult& before, const ConfigResult& after) {
  std::vector<ConfigChange> changes;
  const auto old_values = by_key(before), new_values = by_key(after);
  const auto old_entries = entries_of(before), new_entries = entries_of(after);
  for (const EffectiveValue& value : after.values) {
    if (!old_entries.contains(value.entry)) continue;
    const auto old = old_values.find(value.key());
    const bool known = old != old_values.end();
    if (known && old->second->toml == value.toml && old->second->digest == value.digest) continue;
    changes.push_back(
        {ConfigChange::Kind::changed, value.key(), known ? old->second->toml : "", value.toml, effect_of(value)});
  }
  // An option that the new type of an upstream does not have.
  for (const EffectiveValue& value : before.values)
    if (new_entries.contains(value.entry) && !new_values.contains(value.key()) && !value.toml.empty())
      changes.push_back({ConfigChange::Kind::changed, value.key(), value.toml, {}, effect_of(value)});
  add_entries(changes, after, old_entries, ConfigChange::Kind::added);
  add_entries(changes, before, new_entries, ConfigChange::Kind::removed);
  return changes;
}

}  // namespace postrider
