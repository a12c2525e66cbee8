// A spool that is filled from another one, for backup and salvage: whole messages in, a data_dir out that a daemon can start
// on. The indexes, counts and records are written by WriteContext, as the daemon's are; only the syncs are saved up for
// the end. One thread. Throws SpoolError; an unfinished one is removed, or after a kill lies in OUTPUT.partial.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/lmdb/environment.h"
#include "storage/lmdb/meta.h"
#include "storage/lmdb/write_context.h"
#include "storage/partial_directory.h"

namespace postrider::storage::lmdb {

// One message with all that belongs to it. The views need to live no longer than the call that gets them.
struct WholeMessage {
  StoredMessage stored;
  // Payloads of all chunks; empty although the record says the body is present: it could not be read whole.
  std::vector<std::string_view> chunks;
  std::vector<std::pair<std::uint64_t, std::string_view>> rows;  // number and value of each row of events, ascending
};

class NewSpool {
 public:
  NewSpool(const std::string& output_dir, std::uint64_t max_size);
  ~NewSpool();

  // History and body are taken down in the record as they are given here.
  void add(WholeMessage message);
  void add_user(const UserRecord& user);
  void add_api_key(const StoredApiKey& key);
  void add_upstream(const StoredUpstream& upstream);
  void add_suppression(const Suppression& entry);
  // False: the number is taken by a row that is here already.
  bool add_upstream_row(const FeedRow& row, std::string_view value);
  bool has(const MessageId& id);
  // A value that belongs to no message, as it is.
  void put(MDB_dbi Tables::*table, std::string_view key, std::string_view value);
  // Makes what was added so far one commit. Cheap: call it after each page of the source, with no transaction open there.
  void commit();

  Meta& meta();
  // Bodies that were not whole are an event in their messages' history. This and the next: when all rows are in and
  // meta().next_seq is behind them.
  void note_lost_bodies(Time now);
  // What is queued, deferred or was being sent is held, and its history says why; what failed by its route as well, or a daemon
  // that finds the route in service would send it. Answers how many messages that were.
  std::uint64_t hold_live(const std::string& why, Time now, const OnProgress& on_progress);

  // Synced and under its name; the files belong to the owner of `model`. Answers the size of data.mdb.
  std::uint64_t finish(const std::string& model);

 private:
  WriteContext& context();
  const Tables& tables() const { return environment_->tables(); }
  std::vector<MessageId> some_to_hold(std::optional<MessageId>& failed_seen);
  template <typename Change>
  void change(const MessageId& id, Change apply);  // apply(record) answers the events

  PartialDirectory directory_;
  std::unique_ptr<Environment> environment_;
  Meta meta_;
  std::string buffer_;
  std::optional<WriteContext> context_;
  std::vector<MessageId> lost_bodies_;
};

}  // namespace postrider::storage::lmdb
