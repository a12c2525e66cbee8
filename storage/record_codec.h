// The byte layouts of the spool's values: message records, body chunks, rows of the event feed, users, API keys, states of
// upstreams, the suppression list. Pure functions, any thread. Decoders take any bytes, check magic, version, id and checksum, and answer a Fault of kind `damaged` that
// says what was wrong; they never read past the value. The grammar is at the top of the .cpp files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/message.h"
#include "core/result.h"
#include "storage/store.h"

namespace postrider::storage {

// A message as the spool keeps it.
struct StoredMessage {
  MessageRecord record;
  std::uint64_t history_bytes =
      0;  // of its rows in the event feed, so that the space it takes is known without reading them
};

// One row of the event feed: what one operation did to one message, numbered first_seq, first_seq + 1, ...
struct FeedRow {
  std::uint64_t first_seq = 0;
  MessageId message;
  std::vector<Event> events;  // seq and message filled in by the decoder
};

struct StoredUpstream {
  UpstreamState state;
  std::uint64_t written_at = 0;  // the next event number then: which of two versions is newer
};

struct StoredApiKey {
  ApiKeyRecord key;
  std::uint64_t written_at = 0;  // as StoredUpstream's; of two records of one key the later has the higher
};

inline constexpr std::size_t kRecordHeader = 32;
static_assert(kRecordHeader == kChunkRecordHeader);

// Each encoder replaces `out`; callers reuse one buffer.
void encode_message(const StoredMessage& message, std::string& out);
result<StoredMessage> decode_message(std::string_view value, const MessageId& id);

void encode_feed_row(const FeedRow& row, std::string& out);
result<FeedRow> decode_feed_row(std::string_view value, std::uint64_t first_seq);

// Writes header and payload to `out`, which has room for kChunkRecordHeader + payload.size() octets: the database's page
// itself, so that a body is copied once.
void encode_chunk(const MessageId& id, std::uint32_t index, std::string_view payload, char* out);
// The payload, a view into `value`.
result<std::string_view> decode_chunk(std::string_view value, const MessageId& id, std::uint32_t index);

void encode_user(const UserRecord& user, std::string& out);
result<UserRecord> decode_user(std::string_view value);

void encode_api_key(const StoredApiKey& key, std::string& out);
result<StoredApiKey> decode_api_key(std::string_view value);

void encode_api_key_usage(const ApiKeyUsage& usage, std::string& out);
result<ApiKeyUsage> decode_api_key_usage(std::string_view value);

void encode_upstream(const StoredUpstream& upstream, std::string& out);
result<StoredUpstream> decode_upstream(std::string_view value);

void encode_suppression(const Suppression& entry, std::string& out);
result<Suppression> decode_suppression(std::string_view value);

}  // namespace postrider::storage
