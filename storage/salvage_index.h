// What a scan found, put in order: of each message the newest record, its chunks and its rows of events. Keeps places in the file,
// not values: about 48 octets a value. Filled by one thread, then sorted, then asked. Pure.
//
// Freed pages keep old versions of records until they are used again. Which version is the newest is said by the record itself:
// every verb but a claim adds a row of events, numbered in commit order, and the record lists the numbers of its rows. Among
// versions with the same last row the later `changed_at` wins; they differ in being claimed or not, which are both live.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/record_codec.h"
#include "storage/salvage_scan.h"

namespace postrider::storage {

struct Place {
  std::uint64_t offset = 0;
  std::uint32_t size = 0;
};
struct RecordPlace {
  MessageId id;
  std::uint64_t last_row = 0;
  std::int64_t changed_ms = 0;
  Place place;
};
struct ChunkPlace {
  MessageId id;
  std::uint32_t index = 0;
  Place place;
};
struct RowPlace {
  MessageId id;
  std::uint64_t seq = 0;
  std::uint32_t events = 0;
  std::optional<RecipientState> left;  // where its last event left a recipient; none: where it was
  Place place;
};

class SalvageIndex {
 public:
  void add(const FoundValue& found, std::string_view value);
  void sort();

  const std::vector<RecordPlace>& records() const { return records_; }  // one a message, by id
  std::vector<ChunkPlace> chunks_of(const MessageId& id) const;         // by index, each once
  std::vector<RowPlace> rows_of(const MessageId& id) const;             // by number, each once
  const std::map<std::string, UserRecord>& users() const { return users_; }
  const std::map<std::string, StoredApiKey>& api_keys() const { return api_keys_; }
  const std::map<std::string, StoredUpstream>& upstreams() const { return upstreams_; }
  const std::map<std::string, Suppression>& suppressions() const { return suppressions_; }
  const std::map<std::uint64_t, Place>& upstream_rows() const { return upstream_rows_; }  // of events, by number
  std::uint64_t old_versions() const { return old_versions_; }
  std::uint64_t next_seq() const { return next_seq_; }  // above all event numbers that were found
  // Messages of which there are rows and no record, and which no event says is at rest.
  std::vector<MessageId> ids_without_record() const;

 private:
  std::vector<RecordPlace> records_;
  std::vector<ChunkPlace> chunks_;
  std::vector<RowPlace> rows_;
  std::map<std::string, UserRecord> users_;
  std::map<std::string, StoredApiKey> api_keys_;
  std::map<std::string, StoredUpstream> upstreams_;
  std::map<std::string, Suppression> suppressions_;
  std::map<std::uint64_t, Place> upstream_rows_;
  std::uint64_t old_versions_ = 0;
  std::uint64_t next_seq_ = 1;
};

// What events say that are newer than the record: a page with an older version of it may be all that is left. Body and
// states of the recipients follow them.
void catch_up(MessageRecord& record, const std::vector<Event>& later);
// Where an event leaves a recipient; nothing where it does not move it, or where that depends on its state: what a provider reports
// moves only what is handed over, which is at rest before and after.
std::optional<RecipientState> state_after(const Event& event);

}  // namespace postrider::storage
