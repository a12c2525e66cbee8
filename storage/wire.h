// The primitives of the spool's byte layouts: little-endian fixed integers, LEB128 varints, length-prefixed strings.
// Put appends to a caller's buffer; Take reads and never past its end: after the first short or overlong field it stays
// failed and answers zeros, so that a decoder checks once, at its end. No allocation but the strings it makes.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace postrider::storage::wire {

template <typename Int>
void store_le(char* out, Int value) {
  for (std::size_t i = 0; i < sizeof(Int); ++i)
    out[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

template <typename Int>
Int load_le(const char* in) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  return static_cast<Int>(value);
}

class Put {
 public:
  explicit Put(std::string& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u32(std::uint32_t value) { fixed(value); }
  void u64(std::uint64_t value) { fixed(value); }
  void i64(std::int64_t value) { fixed(static_cast<std::uint64_t>(value)); }
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      u8(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    u8(static_cast<std::uint8_t>(value));
  }
  void string(std::string_view text) {
    varint(text.size());
    out_.append(text);
  }
  template <std::size_t kSize>
  void octets(const std::array<unsigned char, kSize>& bytes) {
    for (const unsigned char byte : bytes) u8(byte);
  }

 private:
  template <typename Int>
  void fixed(Int value) {
    char bytes[sizeof(Int)];
    store_le(bytes, value);
    out_.append(bytes, sizeof bytes);
  }
  std::string& out_;
};

class Take {
 public:
  explicit Take(std::string_view in) : in_(in) {}

  std::uint8_t u8() { return fixed<std::uint8_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  std::int64_t i64() { return static_cast<std::int64_t>(fixed<std::uint64_t>()); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = u8();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    fail();
    return 0;
  }
  std::string string() {
    const std::uint64_t size = varint();
    if (size > in_.size()) {
      fail();
      return {};
    }
    std::string text(in_.substr(0, size));
    in_.remove_prefix(size);
    return text;
  }
  template <std::size_t kSize>
  void octets(std::array<unsigned char, kSize>& bytes) {
    for (unsigned char& byte : bytes) byte = u8();
  }
  // An enumerator below `count`.
  template <typename Enum>
  Enum enumerator(unsigned count) {
    const std::uint8_t value = u8();
    if (value >= count) {
      fail();
      return Enum{};
    }
    return static_cast<Enum>(value);
  }
  // A number of items that follow, each of at least `least` octets: never more than the rest can hold.
  std::size_t count(std::size_t least) {
    const std::uint64_t n = varint();
    if (n > in_.size() / least) {
      fail();
      return 0;
    }
    return n;
  }

  void fail() {
    ok_ = false;
    in_ = {};
  }
  bool ok() const { return ok_; }
  bool ok_and_empty() const { return ok_ && in_.empty(); }

 private:
  template <typename Int>
  Int fixed() {
    if (in_.size() < sizeof(Int)) {
      fail();
      return 0;
    }
    const Int value = load_le<Int>(in_.data());
    in_.remove_prefix(sizeof(Int));
    return value;
  }
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace postrider::storage::wire
