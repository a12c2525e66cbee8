#include "storage/record_frame.h"

#include <xxhash.h>

#include <cstring>

#include "storage/record_codec.h"
#include "storage/wire.h"

namespace postrider::storage {

namespace {

constexpr std::size_t kMagicAt = 8, kVersionAt = 11, kAuxAt = 12, kIdAt = 16;
constexpr char kVersion = 1;
static_assert(kIdAt + MessageId::kBytes == kRecordHeader);

std::uint64_t checksum(const char* value, std::size_t size) {
  return XXH3_64bits(value + kMagicAt, size - kMagicAt);
}

}  // namespace

void write_frame(const Frame& frame, char* header) {
  header[kMagicAt] = 'P';
  header[kMagicAt + 1] = 'R';
  header[kMagicAt + 2] = static_cast<char>(frame.magic);
  header[kVersionAt] = kVersion;
  wire::store_le(header + kAuxAt, frame.aux);
  std::memcpy(header + kIdAt, frame.id.bytes().data(), MessageId::kBytes);
}

void seal_frame(char* value, std::size_t size) {
  wire::store_le(value, checksum(value, size));
}

result<Opened> open_frame(std::string_view value, Magic magic, const MessageId& id) {
  if (value.size() < kRecordHeader) return damaged("the value is shorter than its header");
  const char expected[3] = {'P', 'R', static_cast<char>(magic)};
  if (std::memcmp(value.data() + kMagicAt, expected, sizeof expected) != 0) return damaged("the magic is wrong");
  if (value[kVersionAt] != kVersion) return damaged("the format version is not one this program knows");
  if (wire::load_le<std::uint64_t>(value.data()) != checksum(value.data(), value.size())) {
    return damaged("the checksum does not match");
  }
  if (std::memcmp(value.data() + kIdAt, id.bytes().data(), MessageId::kBytes) != 0) {
    return damaged("the value names another message than its key");
  }
  return Opened{value.substr(kRecordHeader), wire::load_le<std::uint32_t>(value.data() + kAuxAt)};
}

}  // namespace postrider::storage
