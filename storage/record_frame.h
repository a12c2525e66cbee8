// The 32-octet header that every value of the spool starts with, and its checks. For the codecs only.
//
//   value    := checksum magic version aux id payload
//   checksum := u64        XXH3-64 of everything after it
//   magic    := 3 octets   "PRm" message, "PRc" chunk, "PRe" row of events, "PRu" user, "PRs" upstream (its state),
//                          "PRk" API key, "PRg" usage of an API key, "PRp" entry of the suppression list
//   version  := u8         the format it was written in: kOldestFormat to kSpoolFormat
//   aux      := u32        chunk: its index; row: number of events; else 0
//   id       := 16 octets  of the message; zeros where a value is of none
//
// All integers are little-endian. A scan of raw pages finds values by their magic (docs/spool.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/id.h"
#include "core/result.h"

namespace postrider::storage {

// Of all layouts together: the spool's own row has it, and so has each value, for who meets one alone.
//   1 had no time to live, tags and guards in its records; 2 no metadata and batches, and other numbers of some events;
//   3 nothing that providers report, and no suppression list.
inline constexpr std::uint8_t kSpoolFormat = 4;
// What has no reports reads the same in both. A daemon writes its own format over the spool's when it opens it.
inline constexpr std::uint8_t kOldestFormat = 3;
constexpr bool is_known_format(std::uint8_t format) {
  return format >= kOldestFormat && format <= kSpoolFormat;
}

enum class Magic : char {
  message = 'm',
  chunk = 'c',
  events = 'e',
  user = 'u',
  upstream = 's',
  api_key = 'k',
  api_key_usage = 'g',
  suppression = 'p'
};

struct Frame {
  Magic magic;
  std::uint32_t aux = 0;
  MessageId id;
};

void write_frame(const Frame& frame, char* header);  // all but the checksum
void seal_frame(char* value, std::size_t size);      // the checksum, once the payload is in place
// The payload and the frame's aux; a fault names what is wrong.
struct Opened {
  std::string_view payload;
  std::uint32_t aux = 0;
};
result<Opened> open_frame(std::string_view value, Magic magic, const MessageId& id);

// ---- for salvage, which meets values without knowing what they are or where they end ------------------------------

// What the bytes say they begin with; nothing when that is no value of a known format. The checksum is not looked at.
std::optional<Frame> peek_frame(std::string_view bytes);
bool is_whole_frame(std::string_view value);
// The format of a whole value that this program does not know; nothing when it is none of ours, or of one that it knows.
std::optional<std::uint8_t> other_format(std::string_view value);
// How long the value is that `bytes` begins with: the size that its checksum fits. Tries one after the other.
std::optional<std::size_t> find_frame_size(std::string_view bytes);

inline Fault damaged(std::string text) {
  return {FaultKind::damaged, std::move(text)};
}

}  // namespace postrider::storage
