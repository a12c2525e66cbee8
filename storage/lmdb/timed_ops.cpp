// What time and routes do to messages that wait or are parked: expire, revive. Each call is one bounded step along its index;
// a row that leads to nothing is removed, so that a step always comes further.
#include <algorithm>

#include "storage/expiry_rules.h"
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::size_t kMaxRowsPerStep = 1000;
constexpr std::uint64_t kTimedRowWeight = 1024;  // record and event row

std::uint64_t weight_of(std::size_t rows) {
  return kTimedRowWeight * (1 + std::min(rows, kMaxRowsPerStep));
}

}  // namespace

// ---- expire -------------------------------------------------------------------------------------------------------

Expire::Expire(ExpireRequest request, Done<Expired> done)
    : Answering(std::move(done), Haste::lazy, Need::nothing_new, weight_of(request.limit)), request_(request) {}

void Expire::run(WriteContext& context) {
  const MDB_dbi table = context.tables().expiring;
  std::vector<std::string> keys;
  {
    const std::size_t limit = std::clamp<std::size_t>(request_.limit, 1, kMaxRowsPerStep);
    Cursor cursor(context.txn(), table);
    for (bool found = cursor.first(); found && keys.size() < limit; found = cursor.next()) {
      const auto row = parse_expiring_key(cursor.key());
      if (row && row->at > request_.now) break;
      keys.emplace_back(cursor.key());
    }
  }
  Expired expired;
  for (const std::string& key : keys) {
    context.txn().erase(table, key);
    const auto row = parse_expiring_key(key);
    if (!row) continue;
    auto message = context.load(row->id);
    if (!message) continue;
    ExpireResult result = expire_record(message->record(), request_);
    if (result.events.empty()) continue;
    if (result.body_may_go) context.drop_body(message->record());
    context.append(message->stored, std::move(result.events));
    context.save(*message, WriteContext::Notice::quiet);
    ++expired.messages;
    expired.owes_notice = expired.owes_notice || message->record().owes_notice();
  }
  Cursor cursor(context.txn(), table);
  const auto first = cursor.first() ? parse_expiring_key(cursor.key()) : std::nullopt;
  if (first) expired.next = first->at;
  expired.more = expired.next <= request_.now;
  answer_with(expired);
}

// ---- revive -------------------------------------------------------------------------------------------------------

Revive::Revive(ReviveRequest request, Done<Revived> done)
    : Answering(std::move(done), Haste::lazy, Need::nothing_new, weight_of(request.limit)),
      request_(std::move(request)) {}

void Revive::run(WriteContext& context) {
  const MDB_dbi table = context.tables().revivable;
  std::vector<MessageId> ids;
  Revived revived;
  {
    const std::size_t limit = std::clamp<std::size_t>(request_.limit, 1, kMaxRowsPerStep);
    Cursor cursor(context.txn(), table);
    bool found = request_.after ? cursor.seek(id_key(*request_.after)) : cursor.first();
    for (; found; found = cursor.next()) {
      const auto id = parse_id(cursor.key());
      if (!id || (request_.after && *id == *request_.after)) continue;
      if (ids.size() == limit) {
        revived.next = ids.back();
        break;
      }
      ids.push_back(*id);
    }
  }
  for (const MessageId& id : ids) {
    auto message = context.load(id);
    if (!message) {
      context.txn().erase(table, id_key(id));  // its record is in quarantine
      continue;
    }
    auto events = revive_record(message->record(), request_);
    if (events.empty()) continue;  // too old
    context.append(message->stored, std::move(events));
    context.save(*message, WriteContext::Notice::tell);
    ++revived.messages;
  }
  answer_with(revived);
}

}  // namespace postrider::storage::lmdb
