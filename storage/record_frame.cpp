#include "storage/record_frame.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>

#include "storage/record_codec.h"
#include "storage/wire.h"

namespace postrider::storage {

namespace {

constexpr std::size_t kMagicAt = 8, kVersionAt = 11, kAuxAt = 12, kIdAt = 16;
static_assert(kIdAt + MessageId::kBytes == kRecordHeader);

std::uint64_t checksum(const char* value, std::size_t size) {
  return XXH3_64bits(value + kMagicAt, size - kMagicAt);
}

std::uint8_t version_of(std::string_view bytes) {
  return static_cast<std::uint8_t>(bytes[kVersionAt]);
}

bool begins_as_ours(std::string_view bytes) {
  return bytes.size() >= kRecordHeader && bytes[kMagicAt] == 'P' && bytes[kMagicAt + 1] == 'R';
}

}  // namespace

void write_frame(const Frame& frame, char* header) {
  header[kMagicAt] = 'P';
  header[kMagicAt + 1] = 'R';
  header[kMagicAt + 2] = static_cast<char>(frame.magic);
  header[kVersionAt] = static_cast<char>(kSpoolFormat);
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
  if (!is_known_format(version_of(value))) return damaged("the format version is not one this program knows");
  if (wire::load_le<std::uint64_t>(value.data()) != checksum(value.data(), value.size())) {
    return damaged("the checksum does not match");
  }
  if (std::memcmp(value.data() + kIdAt, id.bytes().data(), MessageId::kBytes) != 0) {
    return damaged("the value names another message than its key");
  }
  return Opened{value.substr(kRecordHeader), wire::load_le<std::uint32_t>(value.data() + kAuxAt)};
}

std::optional<Frame> peek_frame(std::string_view bytes) {
  if (!begins_as_ours(bytes) || !is_known_format(version_of(bytes))) return std::nullopt;
  const auto magic = static_cast<Magic>(bytes[kMagicAt + 2]);
  const auto known = {Magic::message,  Magic::chunk,   Magic::events,        Magic::user,
                      Magic::upstream, Magic::api_key, Magic::api_key_usage, Magic::suppression};
  if (std::find(known.begin(), known.end(), magic) == known.end()) return std::nullopt;
  std::array<std::uint8_t, MessageId::kBytes> id;
  std::memcpy(id.data(), bytes.data() + kIdAt, id.size());
  return Frame{magic, wire::load_le<std::uint32_t>(bytes.data() + kAuxAt), MessageId(id)};
}

bool is_whole_frame(std::string_view value) {
  return value.size() >= kRecordHeader &&
         wire::load_le<std::uint64_t>(value.data()) == checksum(value.data(), value.size());
}

std::optional<std::uint8_t> other_format(std::string_view value) {
  if (!begins_as_ours(value) || is_known_format(version_of(value)) || !is_whole_frame(value)) return std::nullopt;
  return version_of(value);
}

std::optional<std::size_t> find_frame_size(std::string_view bytes) {
  if (bytes.size() < kRecordHeader) return std::nullopt;
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  const std::unique_ptr<XXH3_state_t, Free> state(XXH3_createState());
  if (!state) throw std::bad_alloc();
  const auto wanted = wire::load_le<std::uint64_t>(bytes.data());
  XXH3_64bits_reset(state.get());
  XXH3_64bits_update(state.get(), bytes.data() + kMagicAt, kRecordHeader - kMagicAt);
  for (std::size_t size = kRecordHeader;; ++size) {
    if (XXH3_64bits_digest(state.get()) == wanted) return size;
    if (size == bytes.size()) return std::nullopt;
    XXH3_64bits_update(state.get(), bytes.data() + size, 1);
  }
}

}  // namespace postrider::storage
