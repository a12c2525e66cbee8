// One write transaction in the spool's own terms: messages with all that hangs on them, kept in step. The record, its
// due entry, its claim, its rows in the feed, its address keys and the counts change together here and nowhere else.
// Made by the writer for each transaction; operations get it for the length of run().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/lmdb/environment.h"
#include "storage/lmdb/keys.h"
#include "storage/lmdb/meta.h"
#include "storage/lmdb/operation.h"
#include "storage/lmdb/txn.h"
#include "storage/record_codec.h"

namespace postrider::storage::lmdb {

// Tables whose values can be found damaged; the number is on disk, in the quarantine's keys.
enum class Origin : std::uint8_t {
  messages = 1,
  chunks = 2,
  feed = 3,
  due = 4,
  users = 5,
  claims = 6,
  staged = 7,
  upstreams = 8,
  api_keys = 9,
  api_key_usage = 10
};
std::string_view to_string(Origin origin);

// A value that could not be read.
struct Damage {
  Origin origin = Origin::messages;
  std::string key;
  std::string reason;
};

// What a message takes part in, as the tables and counts have it.
struct Footprint {
  bool live = false, sending = false, owes = false;
  RecipientState state = RecipientState::queued;
  bool revivable = false;
  std::uint64_t bytes = 0;
  std::optional<DueKey> due;
  std::optional<Time> expires;
  std::vector<std::uint64_t> provider_ids;  // hashes, ascending
};

struct Loaded {
  StoredMessage stored;
  Footprint before;
  MessageRecord& record() { return stored.record; }
};

struct SpaceRules {
  std::uint64_t high_water = 0;
  bool disk_full = false;
  std::uint64_t used = 0;  // octets, as the last commit left them
};

class WriteContext {
 public:
  enum class Notice { tell, quiet };  // whether a moved due entry is news to the dispatchers

  WriteContext(MDB_env* env, const Tables& tables, const Meta& meta, SpaceRules space, std::string& buffer);

  Txn& txn() { return txn_; }
  const Tables& tables() const { return tables_; }
  Meta& meta() { return meta_; }
  void commit();

  // Grants that many octets to something new, or refuses: over the high-water mark, or the disk is full.
  bool take_room(std::uint64_t bytes);

  // Faults: not_found; damaged (it is in quarantine now, or was before).
  result<Loaded> load(const MessageId& id);
  void save(Loaded& message, Notice notice);
  bool create(StoredMessage& message, Notice notice);  // false: the id is taken, nothing changed
  // Removes the message with its rows, chunks and keys; answers the octets freed.
  std::uint64_t erase(Loaded& message);

  // Numbers the events, writes them as one row and notes it in the record, which the caller saves.
  void append(StoredMessage& message, std::vector<Event> events);
  // Events of no message: their row goes by its age, see upstream_feed.
  void append_upstream(std::vector<Event> events);

  void put_chunk(const MessageId& id, std::uint32_t index, std::string_view payload);
  void erase_chunks(const MessageId& id, std::uint32_t count);
  // Removes the body and keeps its header fields in the record.
  void drop_body(MessageRecord& record);

  // Sets a value aside that cannot be read. Nothing happens if it is gone.
  void quarantine(Damage damage, Time now);

  void touch_due() { due_touched_ = true; }  // due entries changed by other means than save()
  void note_dropped_due(std::size_t entries) {
    dropped_due_ += entries;
    if (entries > 0) due_touched_ = true;
  }
  void forget_due_of(const MessageId& id) { orphans_.push_back(id); }
  void follow_up(std::unique_ptr<WriteOperation> operation) { follow_ups_.push_back(std::move(operation)); }

  // For the writer, after run().
  std::optional<Time> earliest_moved_due() const { return earliest_due_; }
  std::optional<Time> earliest_expiry() const {
    return earliest_expiry_;
  }                                                               // of what waits for it since this transaction
  std::optional<Time> oldest_due() const { return oldest_due_; }  // after commit, if it may have changed; kNever: none
  std::uint64_t used() const { return used_; }                    // octets, after commit
  std::vector<MessageId> take_orphans() { return std::move(orphans_); }
  std::vector<std::unique_ptr<WriteOperation>> take_follow_ups() { return std::move(follow_ups_); }
  const std::vector<Damage>& damages() const { return damages_; }
  std::size_t dropped_due() const { return dropped_due_; }
  Time now = {};  // for repairs met on the way

 private:
  Footprint footprint(const StoredMessage& message, std::size_t encoded) const;
  void count(const Footprint& footprint, int sign);
  void settle_indexes(const MessageRecord& record, const Footprint& before, const Footprint& after, Notice notice);
  void settle_due(const MessageRecord& record, const Footprint& before, const Footprint& after, Notice notice);
  void settle_expiry(const MessageId& id, const Footprint& before, const Footprint& after);
  void settle_provider_ids(const MessageId& id, const Footprint& before, const Footprint& after);
  void settle_mark(MDB_dbi table, const MessageId& id, bool before, bool after);
  std::size_t write_row(const FeedRow& row);

  const Tables& tables_;
  Meta meta_;
  SpaceRules space_;
  std::string& buffer_;  // for encoding; the writer's, reused
  Txn txn_;
  std::uint64_t used_ = 0;
  std::uint64_t granted_ = 0;
  std::optional<Time> earliest_due_, earliest_expiry_;
  std::optional<Time> oldest_due_;
  bool due_touched_ = false;
  std::size_t dropped_due_ = 0;
  std::vector<MessageId> orphans_;
  std::vector<std::unique_ptr<WriteOperation>> follow_ups_;
  std::vector<Damage> damages_;
};

// The earliest due time of all buckets and lanes, one seek for each that holds an entry; kNever: none.
Time oldest_due(const Txn& txn, const Tables& tables);
// The prefixes under which a message is found by address, without duplicates.
std::vector<Key> address_prefixes(const MessageRecord& record);

}  // namespace postrider::storage::lmdb
