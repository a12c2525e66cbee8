// How MemorySpool keeps its indexes and counters in step with a record that changes. For its own files only.
#pragma once

#include <algorithm>
#include <optional>

#include "storage/expiry_rules.h"
#include "storage/memory_spool.h"

namespace postrider::storage {

// What a record and an event would take on disk, near enough: these only feed the limits.
inline std::uint64_t record_bytes(const MessageRecord& record) {
  return stored_bytes(256 + record.headers.size() + 128 * record.recipients.size());
}
inline constexpr std::uint64_t kEventBytes = 160;

inline std::uint64_t message_bytes(const MessageRecord& record) {
  std::uint64_t bytes = record_bytes(record);
  if (record.body == BodyState::present) bytes += stored_body_bytes(record.body_size);
  if (!record.live()) bytes += kEventBytes * record.history.size();
  return bytes;
}

// A record between two states: takes it out of the due index and the counters, and puts it back when it has
// changed.
class MemorySpool::Change {
 public:
  Change(MemorySpool& spool, MessageRecord& record, bool is_new = false) : spool_(spool), record_(record) {
    if (is_new) return;
    if (const auto key = due_key(record_)) spool_.due_.erase(*key);
    expiry_before_ = expiry_time(record_);
    if (expiry_before_) spool_.expiring_.erase({*expiry_before_, record_.id});
    spool_.revivable_.erase(record_.id);
    count(false);
  }
  ~Change() {
    if (const auto key = due_key(record_)) spool_.due_.emplace(*key, sender_hash(record_));
    if (const auto at = expiry_time(record_)) {
      spool_.expiring_.emplace(*at, record_.id);
      if (at != expiry_before_) spool_.expiry_change_ = std::min(*at, spool_.expiry_change_.value_or(kNever));
    }
    if (revivable(record_)) spool_.revivable_.insert(record_.id);
    count(true);
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  static void forget(MemorySpool& spool, MessageRecord& record) {
    spool.revivable_.erase(record.id);
    count(spool, record, false);
  }

 private:
  void count(bool add) { count(spool_, record_, add); }
  static void count(MemorySpool& spool, const MessageRecord& record, bool add) {
    const std::uint64_t sign = add ? 1 : ~0ull;  // adds or, modulo 2^64, subtracts
    SpoolStats& stats = spool.stats_;
    const bool live = record.live();
    stats.messages[static_cast<int>(record.state())] += sign;
    if (live) stats.live_messages += sign;
    (live ? stats.live_bytes : stats.finished_bytes) += sign * message_bytes(record);
  }

  MemorySpool& spool_;
  MessageRecord& record_;
  std::optional<Time> expiry_before_;  // where it stood among those that expire
};

}  // namespace postrider::storage
