// MessageId: the one name of a message, the same in SMTP replies, the API, logs and the spool.
// 48 bits of creation time (ms since 1970, big-endian) and 80 bits that make it unique, so ids sort by time and a
// listing "newest first" is a walk over keys. Text form: 26 lower-case Crockford base32 characters.
// A plain value; MessageIdSource is one per thread and never shared.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "core/time.h"

namespace postrider {

class MessageId {
 public:
  static constexpr std::size_t kBytes = 16;
  static constexpr std::size_t kTextLength = 26;

  constexpr MessageId() = default;
  explicit constexpr MessageId(const std::array<std::uint8_t, kBytes>& bytes) : bytes_(bytes) {}

  // Accepts either letter case; nothing else that Crockford's alphabet would forgive (no i, l, o, u). Also the form of uuid().
  static std::optional<MessageId> parse(std::string_view text);
  // The smallest id that a message created at `at` can have: the start of a time range in key order.
  static MessageId first_at(Time at);

  std::string str() const;
  // The same 128 bits as RFC 9562 4 writes them, in lower case: for APIs whose clients keep ids in fields of that type.
  std::string uuid() const;
  Time created_at() const;
  const std::array<std::uint8_t, kBytes>& bytes() const { return bytes_; }
  bool is_nil() const { return *this == MessageId(); }

  // NOLINTNEXTLINE(modernize-use-nullptr): the zero is in the generated comparison
  auto operator<=>(const MessageId&) const = default;

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

std::uint64_t random_seed();  // of std::random_device

class MessageIdSource {
 public:
  explicit MessageIdSource(std::uint64_t seed = random_seed());  // a constant in tests
  // Strictly increasing for one source while the clock does not go back; unique always (80 random bits).
  MessageId next(Time now);

 private:
  std::mt19937_64 random_;
  std::uint64_t last_ms_ = 0;
  std::uint16_t high_ = 0;  // the 80 bits of the last id
  std::uint64_t low_ = 0;
};

}  // namespace postrider

template <>
struct std::hash<postrider::MessageId> {
  std::size_t operator()(const postrider::MessageId& id) const noexcept;
};
