// What retention would do next, read only: the walks of retire_op.cpp without their hands.
#include <algorithm>

#include "storage/lmdb/keys.h"
#include "storage/lmdb/meta.h"
#include "storage/lmdb/queries.h"
#include "storage/record_codec.h"
#include "storage/record_rules.h"
#include "storage/retention_rules.h"

namespace postrider::storage::lmdb {

namespace {

class Preview {
 public:
  Preview(Snapshot& snapshot, const RetireRequest& request, const Meta& meta)
      : snapshot_(snapshot), request_(request), finished_bytes_(meta.finished_bytes) {}

  template <typename Look>
  void along(std::uint64_t from, Look look) {
    Cursor rows(snapshot_.txn, snapshot_.tables.feed);
    std::size_t seen = 0;
    for (bool found = rows.seek(seq_key(from)); found; found = rows.next()) {
      if (seen++ >= request_.max_rows) {
        retired_.more = true;
        return;
      }
      if (rows.key().size() != 8) continue;
      const auto row = decode_feed_row(rows.value(), load_be(rows.key()));
      if (!row || !may_end(row->events.back())) continue;
      const auto stored = load(snapshot_, row->message);
      if (stored && look(*stored, row->first_seq) == Fate::stop) return;
    }
  }

  Fate history(const StoredMessage& stored, std::uint64_t row) {
    const bool crowded = finished_bytes_ > request_.policy.history_max_bytes;
    const Fate fate = history_fate(stored.record, row, request_, crowded);
    if (fate == Fate::take) {
      ++retired_.messages;
      const std::uint64_t bytes = bytes_of(stored);
      retired_.bytes += bytes;
      finished_bytes_ -= std::min(finished_bytes_, bytes);
    }
    if (fate == Fate::body_first) count_body(stored);
    return fate;
  }

  Fate body(const StoredMessage& stored, std::uint64_t row, bool wanted) {
    const Fate fate = body_fate(stored.record, row, wanted, request_);
    const bool with_its_message =
        history_expired(stored.record, request_.policy, request_.now) && !will_owe(stored.record, request_);
    if (fate == Fate::take && !with_its_message) count_body(stored);
    return fate;
  }

  Retired answer() const { return retired_; }

 private:
  void count_body(const StoredMessage& stored) {
    ++retired_.bodies;
    retired_.bytes += stored_body_bytes(stored.record.body_size);
    if (will_owe(stored.record, request_)) ++retired_.owing;
  }
  static std::uint64_t bytes_of(const StoredMessage& stored) {
    const MessageRecord& record = stored.record;
    const std::uint64_t body = record.body == BodyState::present ? stored_body_bytes(record.body_size) : 0;
    return stored.history_bytes + body;
  }

  Snapshot& snapshot_;
  const RetireRequest& request_;
  std::uint64_t finished_bytes_;
  Retired retired_;
};

}  // namespace

result<Retired> preview_retire(Snapshot& snapshot, const RetireRequest& request) {
  const auto value = snapshot.txn.get(snapshot.tables.meta, kMetaKey);
  if (!value) return Retired{};
  const auto meta = decode_meta(*value);
  if (!meta) return meta.error();
  Preview preview(snapshot, request, *meta);
  preview.along(meta->history_cursor,
                [&](const StoredMessage& m, std::uint64_t row) { return preview.history(m, row); });
  preview.along(meta->failed_cursor,
                [&](const StoredMessage& m, std::uint64_t row) { return preview.body(m, row, true); });
  preview.along(meta->sent_cursor,
                [&](const StoredMessage& m, std::uint64_t row) { return preview.body(m, row, false); });
  return preview.answer();
}

}  // namespace postrider::storage::lmdb
