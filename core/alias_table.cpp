#include "core/alias_table.h"

#include <algorithm>

namespace postrider {
namespace {

constexpr std::size_t kLongestChain = 100;  // aliases that one name may lead through; nobody's table comes near it

}  // namespace

AliasTable::AliasTable(const Pairs& pairs, std::vector<std::string> own_domains)
    : own_domains_(std::move(own_domains)) {
  for (const auto& [name, text] : pairs) {
    const auto source = parse_address(name);
    const auto target = parse_address(text);
    if (!source || !target || source->is_null() || target->is_null()) continue;
    if (index_.emplace(address_search_key(*source), entries_.size()).second) entries_.push_back({name, *target, {}});
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i].end = entries_[walk(i).back()].target;
}

const Address* AliasTable::find(const Address& recipient) const {
  if (entries_.empty()) return nullptr;
  const auto entry = entry_of(recipient);
  return entry ? &entries_[*entry].end : nullptr;
}

std::vector<AliasTable::Trouble> AliasTable::troubles() const {
  std::vector<Trouble> all;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (auto trouble = trouble_at(i)) all.push_back(std::move(*trouble));
  return all;
}

// A circle is told once, at the entry of it that stands first.
std::optional<AliasTable::Trouble> AliasTable::trouble_at(std::size_t index) const {
  const Entry& entry = entries_[index];
  const Walk way = walk(index);
  const auto next = entry_of(entries_[way.back()].target);
  if (!next && entries_[way.back()].target.domain.empty()) {
    if (way.size() > 1) return std::nullopt;  // told where it stands
    return Trouble{entry.name,
                   " = \"" + entry.target.str() + "\" is neither a whole mail address nor a name in this table"};
  }
  if (!next || *next == way.back()) return std::nullopt;
  if (std::find(way.begin(), way.end(), *next) == way.end())
    return Trouble{entry.name,
                   " leads \"" + entry.name + "\" through more than " + std::to_string(kLongestChain) + " names"};
  if (*next != index || *std::min_element(way.begin(), way.end()) != index) return std::nullopt;
  std::string circle;
  for (const std::size_t i : way) circle += entries_[i].name + " -> ";
  return Trouble{entry.name, " goes round in a circle: " + circle + entry.name};
}

// The whole address first, then, at a domain of ours, the name alone.
std::optional<std::size_t> AliasTable::entry_of(const Address& address) const {
  auto found = index_.find(address_search_key(address));
  if (found == index_.end() && is_ours(address.domain)) found = index_.find(address_search_key({address.local, ""}));
  return found == index_.end() ? std::nullopt : std::optional(found->second);
}

AliasTable::Walk AliasTable::walk(std::size_t from) const {
  Walk way{from};
  while (way.size() < kLongestChain) {
    const auto next = entry_of(entries_[way.back()].target);
    if (!next || std::find(way.begin(), way.end(), *next) != way.end()) break;
    way.push_back(*next);
  }
  return way;
}

bool AliasTable::is_ours(const std::string& domain) const {
  const auto same = [&domain](const std::string& own) {
    return !own.empty() && Address{"x", domain} == Address{"x", own};
  };
  return domain.empty() || same("localhost") || std::any_of(own_domains_.begin(), own_domains_.end(), same);
}

}  // namespace postrider
