// States of upstreams and their events, and what is asked about upstreams: who waits for what, which message a provider means.
#include <algorithm>

#include "storage/expiry_rules.h"
#include "storage/lmdb/queries.h"
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"
#include "storage/upstream_rules.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::size_t kMaxUpstreams = 10'000;
constexpr std::size_t kMaxHeads = 10'000;
constexpr std::size_t kMaxSameHash = 1000;       // messages under one hash that are looked at
constexpr std::size_t kEntriesPerStep = 50'000;  // of the due index, counted in one transaction

}  // namespace

// ---- states -------------------------------------------------------------------------------------------------------

PutUpstreamState::PutUpstreamState(UpstreamState state, std::vector<Event> events, Done<Nothing> done)
    : Answering(std::move(done)), state_(std::move(state)), events_(std::move(events)) {}

void PutUpstreamState::run(WriteContext& context) {
  auto events = upstream_events(state_, events_);
  if (!events) return answer_with(events.error());
  context.append_upstream(std::move(*events));
  std::string value;
  encode_upstream({state_, context.meta().next_seq}, value);
  context.txn().put(context.tables().upstreams, state_.name, value);
  answer_with(Nothing{});
}

result<std::vector<UpstreamState>> upstream_states(Snapshot& snapshot) {
  std::vector<UpstreamState> states;
  Cursor cursor(snapshot.txn, snapshot.tables.upstreams);
  for (bool found = cursor.first(); found && states.size() < kMaxUpstreams; found = cursor.next()) {
    auto upstream = decode_upstream(cursor.value());
    if (upstream)
      states.push_back(std::move(upstream->state));
    else
      snapshot.damages.push_back({Origin::upstreams, std::string(cursor.key()), upstream.error().text});
  }
  return states;
}

// ---- what waits ---------------------------------------------------------------------------------------------------

result<std::vector<DueHead>> due_heads(Snapshot& snapshot) {
  std::vector<DueHead> heads;
  Cursor cursor(snapshot.txn, snapshot.tables.due);
  bool found = cursor.first();
  while (found && heads.size() < kMaxHeads) {
    const auto key = parse_due_key(cursor.key());
    if (!key) {
      snapshot.damages.push_back({Origin::due, std::string(cursor.key()), "the entry is malformed"});
      found = cursor.next();
      continue;
    }
    heads.push_back({key->bucket, key->lane, key->due});
    const bool last_lane = key->lane == Lane::low;
    if (last_lane && key->bucket == UINT32_MAX) break;
    const auto next_lane = last_lane ? Lane::high : static_cast<Lane>(static_cast<std::uint8_t>(key->lane) + 1);
    found = cursor.seek(due_lane_key(key->bucket + (last_lane ? 1 : 0), next_lane));
  }
  return heads;
}

void count_due(Snapshot& snapshot, DueCount& count) {
  Cursor cursor(snapshot.txn, snapshot.tables.due);
  bool found = count.after.empty() ? cursor.first() : cursor.seek(count.after + '\0');
  for (std::size_t seen = 0; found; found = cursor.next()) {
    if (seen++ == kEntriesPerStep) return;
    count.after = cursor.key();
    const auto key = parse_due_key(cursor.key());
    if (!key) continue;
    const bool same =
        !count.rows.empty() && count.rows.back().bucket == key->bucket && count.rows.back().lane == key->lane;
    if (!same) count.rows.push_back({key->bucket, key->lane, 0, key->due});
    ++count.rows.back().messages;
  }
  count.more = false;
}

Time oldest_due(const Txn& txn, const Tables& tables) {
  Time oldest = kNever;
  Cursor cursor(txn, tables.due);
  bool found = cursor.first();
  for (std::size_t lanes = 0; found && lanes < kMaxHeads; ++lanes) {
    const auto key = parse_due_key(cursor.key());
    if (!key) {
      found = cursor.next();
      continue;
    }
    oldest = std::min(oldest, key->due);
    if (key->lane != Lane::low)
      found = cursor.seek(due_lane_key(key->bucket, static_cast<Lane>(static_cast<std::uint8_t>(key->lane) + 1)));
    else
      found = key->bucket != UINT32_MAX && cursor.seek(due_lane_key(key->bucket + 1, Lane::high));
  }
  return oldest;
}

// ---- providers' ids -----------------------------------------------------------------------------------------------

// Ids of messages ascend in time, so the last of those under the hash is the newest.
result<MessageId> find_by_provider_id(Snapshot& snapshot, const std::string& upstream, const std::string& provider_id) {
  const Key prefix = Key().be64(provider_id_hash(upstream, provider_id));
  std::string end(std::string_view{prefix});
  end.append(MessageId::kBytes + 1, '\xff');
  Cursor cursor(snapshot.txn, snapshot.tables.provider_ids);
  bool found = cursor.seek_before(end);
  for (std::size_t seen = 0; found && seen < kMaxSameHash; found = cursor.previous(), ++seen) {
    if (!cursor.key().starts_with(std::string_view(prefix))) break;
    const auto id = parse_id(cursor.key().substr(8));
    if (!id) continue;
    const auto stored = load(snapshot, *id);
    if (stored && known_as(stored->record, upstream, provider_id)) return *id;  // hashes may collide
  }
  return Fault{FaultKind::not_found, "no message that " + upstream + " knows as " + provider_id};
}

}  // namespace postrider::storage::lmdb
