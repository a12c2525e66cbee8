#include <algorithm>
#include <array>

#include "storage/expiry_rules.h"
#include "storage/memory_spool.h"
#include "storage/upstream_rules.h"

// What the memory spool knows of upstreams: their states, what waits for them, whose messages they mean.
namespace postrider::storage {

namespace {

// Behind all that wait in that bucket and lane.
DueKey last_key(std::uint32_t bucket, Lane lane) {
  std::array<std::uint8_t, MessageId::kBytes> highest;
  highest.fill(0xff);
  return {bucket, lane, Time::max(), MessageId(highest)};
}

}  // namespace

result<Nothing> MemorySpool::put_upstream_state(UpstreamState state, std::vector<Event> events) {
  auto checked = upstream_events(state, std::move(events));
  if (!checked) return checked.error();
  for (Event& event : *checked) {
    event.seq = ++stats_.last_seq;
    upstream_feed_.insert(event.seq);
    feed_.emplace(event.seq, std::move(event));
  }
  std::string name = state.name;
  upstreams_.insert_or_assign(std::move(name), std::move(state));
  return Nothing{};
}

std::vector<UpstreamState> MemorySpool::upstream_states() const {
  std::vector<UpstreamState> states;
  states.reserve(upstreams_.size());
  for (const auto& [name, state] : upstreams_) states.push_back(state);
  return states;
}

std::vector<Waiting> MemorySpool::waiting() const {
  std::vector<Waiting> rows;
  for (const auto& [key, sender] : due_) {
    const bool same = !rows.empty() && rows.back().bucket == key.bucket && rows.back().lane == key.lane;
    if (!same) rows.push_back({key.bucket, key.lane, 0, key.due});
    ++rows.back().messages;
  }
  return rows;
}

std::vector<DueHead> MemorySpool::due_heads() const {
  std::vector<DueHead> heads;
  for (auto at = due_.begin(); at != due_.end(); at = due_.upper_bound(last_key(at->first.bucket, at->first.lane)))
    heads.push_back({at->first.bucket, at->first.lane, at->first.due});
  return heads;
}

// One step a bucket and lane: it is asked for with every message.
Time MemorySpool::oldest_due() const {
  Time oldest = kNever;
  for (auto at = due_.begin(); at != due_.end(); at = due_.upper_bound(last_key(at->first.bucket, at->first.lane)))
    oldest = std::min(oldest, at->first.due);
  return oldest;
}

result<MessageId> MemorySpool::find_by_provider_id(const std::string& upstream, const std::string& provider_id) const {
  for (auto at = messages_.rbegin(); at != messages_.rend(); ++at)
    if (known_as(at->second.record, upstream, provider_id)) return at->first;
  return Fault{FaultKind::not_found, "no message that " + upstream + " knows as " + provider_id};
}

}  // namespace postrider::storage
