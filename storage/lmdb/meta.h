// The one row of table `meta`: format, epoch, the next event number, counts that must be known without a scan, and how
// far retention has walked. The writer changes a copy with each transaction and writes it once per commit.
//
//   meta := magic "PRspool" version:u8 epoch:u32 next_seq:u64 live_messages:u64 live_bytes:u64 finished_bytes:u64
//           quarantined:u64 history_cursor:u64 sent_cursor:u64 failed_cursor:u64 passed_over:u64
//           messages:u64*11 checksum:u64
//           all little-endian; the checksum is XXH3-64 of what is before it
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/delivery.h"
#include "core/result.h"
#include "storage/store.h"

namespace postrider::storage::lmdb {

inline constexpr std::string_view kMetaKey = "spool";

struct Meta {
  std::uint32_t epoch = 0;
  std::uint64_t next_seq = 1;
  std::uint64_t live_messages = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t finished_bytes = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t history_cursor = 0, sent_cursor = 0, failed_cursor = 0;  // the first event row not yet walked
  std::uint64_t passed_over = 0;  // the first row of a finished message that the history walk left behind; 0: none
  std::array<std::uint64_t, kRecipientStates> messages{};  // by derived state
};

void encode_meta(const Meta& meta, std::string& out);
result<Meta> decode_meta(std::string_view value);
// The format that the row names, whatever else it holds; nothing: it is no row of a spool.
std::optional<std::uint8_t> format_of_meta(std::string_view value);
void fill_stats(const Meta& meta, SpoolStats& stats);  // the fields that are kept here

}  // namespace postrider::storage::lmdb
