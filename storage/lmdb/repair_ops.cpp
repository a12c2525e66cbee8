#include "storage/lmdb/repair_ops.h"

#include <algorithm>

#include "storage/record_rules.h"
#include "storage/wire.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::size_t kClaimsPerStep = 256;
constexpr std::size_t kDuePerStep = 50'000;
constexpr std::uint32_t kChunksPerStep = 500;

}  // namespace

void NewEpoch::run(WriteContext& context) {
  ++context.meta().epoch;
  context.touch_due();
}

void RecoverClaims::run(WriteContext& context) {
  std::vector<std::string> keys;
  {
    Cursor cursor(context.txn(), context.tables().claims);
    for (bool found = cursor.seek(after_ + '\0'); found && keys.size() < kClaimsPerStep; found = cursor.next()) {
      keys.emplace_back(cursor.key());
    }
  }
  for (const std::string& key : keys) {
    const auto id = parse_id(key);
    if (!id) {
      context.quarantine({Origin::claims, key, "the key is not an id"}, context.now);
      continue;
    }
    auto message = context.load(*id);
    if (!message) {
      context.txn().erase(context.tables().claims, key);  // its record is in quarantine now, or was never there
      continue;
    }
    context.append(message->stored, recover_record(message->record(), context.now, max_interruptions_));
    context.save(*message, WriteContext::Notice::tell);
  }
  if (keys.size() == kClaimsPerStep)
    context.follow_up(std::make_unique<RecoverClaims>(max_interruptions_, keys.back()));
}

std::optional<StagedRow> staged_row(WriteContext& context, const MessageId& id) {
  const auto value = context.txn().get(context.tables().staged, id_key(id));
  if (!value) return std::nullopt;
  wire::Take in(*value);
  StagedRow row;
  row.chunks = in.u32();
  row.bytes = in.u64();
  return row;
}

void put_staged_row(WriteContext& context, const MessageId& id, const StagedRow& row) {
  std::string value;
  wire::Put to(value);
  to.u32(row.chunks);
  to.u64(row.bytes);
  context.txn().put(context.tables().staged, id_key(id), value);
}

bool drop_staged(WriteContext& context, const MessageId& id, std::uint32_t max_chunks) {
  const Key staged = id_key(id);
  const auto row = staged_row(context, id);
  if (!row) return false;
  std::uint32_t dropped = 0;
  {
    Cursor cursor(context.txn(), context.tables().chunks);
    const std::string_view prefix = staged;
    for (bool found = cursor.seek(prefix); found && cursor.key().substr(0, prefix.size()) == prefix;
         found = cursor.seek(prefix)) {
      if (dropped++ == max_chunks) return true;
      cursor.erase();
    }
  }
  context.txn().erase(context.tables().staged, staged);
  context.meta().live_bytes -= std::min(context.meta().live_bytes, row->bytes);
  return false;
}

void CollectStaged::run(WriteContext& context) {
  std::string first;
  {
    Cursor cursor(context.txn(), context.tables().staged);
    if (!cursor.first()) return;
    first = cursor.key();
  }
  const auto id = parse_id(first);
  if (!id) {
    context.quarantine({Origin::staged, first, "the key is not an id"}, context.now);
  } else {
    drop_staged(context, *id, kChunksPerStep);
  }
  context.follow_up(std::make_unique<CollectStaged>());
}

void Quarantine::run(WriteContext& context) {
  // The reader saw an older state: the writer's own reading decides.
  if (damage_.origin == Origin::messages) {
    if (const auto id = parse_id(damage_.key)) {
      context.load(*id);  // sets it aside if it is damaged
      return;
    }
  }
  context.quarantine(damage_, context.now);
}

void ForgetDue::run(WriteContext& context) {
  std::vector<std::string> dead;
  std::string last;
  std::size_t seen = 0;
  {
    Cursor cursor(context.txn(), context.tables().due);
    bool found = after_ ? cursor.seek(*after_) : cursor.first();
    for (; found && seen < kDuePerStep; found = cursor.next(), ++seen) {
      const auto key = parse_due_key(cursor.key());
      if (key && std::find(ids_.begin(), ids_.end(), key->id) != ids_.end()) dead.emplace_back(cursor.key());
      if (seen + 1 == kDuePerStep) last = cursor.key();
    }
  }
  for (const std::string& key : dead) context.txn().erase(context.tables().due, key);
  context.note_dropped_due(dead.size());
  if (!last.empty()) context.follow_up(std::make_unique<ForgetDue>(ids_, last));
}

}  // namespace postrider::storage::lmdb
