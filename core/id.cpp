#include "core/id.h"

#include <algorithm>
#include <cstring>

namespace postrider {
namespace {

constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (std::int8_t i = 0; i < 32; ++i) {
    const char c = kAlphabet[i];
    values[static_cast<unsigned char>(c)] = i;
    if (c >= 'a') values[static_cast<unsigned char>(c - 'a' + 'A')] = i;
  }
  return values;
}
constexpr std::array<std::int8_t, 256> kValues = make_values();

std::uint64_t load_big_endian(const std::uint8_t* from, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | from[i];
  return value;
}

void store_big_endian(std::uint8_t* to, int bytes, std::uint64_t value) {
  for (int i = bytes - 1; i >= 0; --i, value >>= 8) to[i] = static_cast<std::uint8_t>(value);
}

constexpr char kHexadecimal[] = "0123456789abcdef";
constexpr std::size_t kUuidLength = 36;

bool is_uuid_dash(std::size_t at) {
  return at == 8 || at == 13 || at == 18 || at == 23;
}

std::optional<MessageId> parse_uuid(std::string_view text) {
  std::array<std::uint8_t, MessageId::kBytes> bytes{};
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_uuid_dash(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const std::int8_t value = kValues[static_cast<unsigned char>(text[i])];
    if (value < 0 || value > 15) return std::nullopt;
    bytes[digits / 2] = static_cast<std::uint8_t>(bytes[digits / 2] << 4 | value);
    ++digits;
  }
  return MessageId(bytes);
}

constexpr std::uint64_t kMaxMs = (std::uint64_t{1} << 48) - 1;

std::uint64_t clamp_ms(Time at) {
  const std::int64_t ms = to_ms(at);
  if (ms < 0) return 0;
  return std::min(static_cast<std::uint64_t>(ms), kMaxMs);
}

}  // namespace

std::optional<MessageId> MessageId::parse(std::string_view text) {
  if (text.size() == kUuidLength) return parse_uuid(text);
  if (text.size() != kTextLength) return std::nullopt;
  // 26 characters are 130 bits, so the first one holds only three.
  std::uint64_t high = 0, low = 0;
  for (std::size_t i = 0; i < kTextLength; ++i) {
    const std::int8_t value = kValues[static_cast<unsigned char>(text[i])];
    if (value < 0 || (i == 0 && value > 7)) return std::nullopt;
    high = high << 5 | low >> 59;
    low = low << 5 | static_cast<std::uint64_t>(value);
  }
  std::array<std::uint8_t, kBytes> bytes;
  store_big_endian(bytes.data(), 8, high);
  store_big_endian(bytes.data() + 8, 8, low);
  return MessageId(bytes);
}

MessageId MessageId::first_at(Time at) {
  std::array<std::uint8_t, kBytes> bytes{};
  store_big_endian(bytes.data(), 6, clamp_ms(at));
  return MessageId(bytes);
}

std::string MessageId::str() const {
  std::uint64_t high = load_big_endian(bytes_.data(), 8);
  std::uint64_t low = load_big_endian(bytes_.data() + 8, 8);
  std::string text(kTextLength, '0');
  for (std::size_t i = kTextLength; i-- > 0;) {
    text[i] = kAlphabet[low & 31];
    low = low >> 5 | high << 59;
    high >>= 5;
  }
  return text;
}

std::string MessageId::uuid() const {
  std::string text;
  text.reserve(kUuidLength);
  for (const std::uint8_t byte : bytes_) {
    if (is_uuid_dash(text.size())) text += '-';
    text += kHexadecimal[byte >> 4];
    text += kHexadecimal[byte & 15];
  }
  return text;
}

Time MessageId::created_at() const {
  return from_ms(static_cast<std::int64_t>(load_big_endian(bytes_.data(), 6)));
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

MessageIdSource::MessageIdSource(std::uint64_t seed) : random_(seed) {}

MessageId MessageIdSource::next(Time now) {
  const std::uint64_t ms = clamp_ms(now);
  if (ms != last_ms_ || (high_ == 0 && low_ == 0)) {
    last_ms_ = ms;
    // The top bit stays free so that the steps below cannot overflow 80 bits within one millisecond.
    high_ = static_cast<std::uint16_t>(random_() & 0x7fff);
    low_ = random_();
  } else {
    // Within one millisecond: a random step upwards keeps ids of one source ascending and of several sources
    // apart.
    const std::uint64_t before = low_;
    low_ += 1 + (random_() & 0xffffffff);
    if (low_ < before) ++high_;
  }
  std::array<std::uint8_t, MessageId::kBytes> bytes;
  store_big_endian(bytes.data(), 6, ms);
  store_big_endian(bytes.data() + 6, 2, high_);
  store_big_endian(bytes.data() + 8, 8, low_);
  return MessageId(bytes);
}

}  // namespace postrider

std::size_t std::hash<postrider::MessageId>::operator()(const postrider::MessageId& id) const noexcept {
  // Ids of one millisecond differ in the last eight octets, first_at() values in the first eight.
  std::uint64_t high, low;
  std::memcpy(&high, id.bytes().data(), 8);
  std::memcpy(&low, id.bytes().data() + 8, 8);
  return static_cast<std::size_t>((low ^ high) * 0x9e3779b97f4a7c15ull);
}
