#include "net/name_cache.h"

namespace postrider::net {

std::optional<result<NameData>> NameCache::find(const std::string& name, Duration now) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.expires <= now) return std::nullopt;
  return found->second.answer;
}

void NameCache::put(const std::string& name, const result<NameData>& answer, Duration expires, Duration now) {
  if (max_entries_ == 0) return;
  if (entries_.size() >= max_entries_ && !entries_.contains(name)) make_room(now);
  entries_.insert_or_assign(name, Entry{answer, expires});
}

// What is over goes first; a cache full of living names loses any one of them.
void NameCache::make_room(Duration now) {
  std::erase_if(entries_, [now](const auto& e) { return e.second.expires <= now; });
  if (entries_.size() >= max_entries_) entries_.erase(entries_.begin());
}

}  // namespace postrider::net
