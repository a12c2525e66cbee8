// What a credential may do, and for whom. Plain values.
//   send   submit messages
//   read   see messages, events, batches
//   steer  retry, hold, release, cancel, reschedule
//   admin  all of that for the messages of everybody, and all that is of the relay itself
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postrider {

enum class Scope : std::uint8_t { send = 1, read = 2, steer = 4, admin = 8 };

class Scopes {
 public:
  constexpr Scopes() = default;
  constexpr Scopes(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes) add(scope);
  }
  static constexpr Scopes all() { return {Scope::send, Scope::read, Scope::steer, Scope::admin}; }
  // Bits that mean nothing here are dropped.
  static constexpr Scopes from_bits(std::uint8_t bits) {
    Scopes out;
    out.bits_ = bits & 0x0f;
    return out;
  }

  constexpr void add(Scope scope) { bits_ |= static_cast<std::uint8_t>(scope); }
  constexpr bool has(Scope scope) const {  // admin holds the others
    return ((bits_ & static_cast<std::uint8_t>(scope)) | (bits_ & static_cast<std::uint8_t>(Scope::admin))) != 0;
  }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint8_t bits() const { return bits_; }
  std::vector<std::string_view> names() const;  // those that were given, in the order above
  constexpr bool operator==(const Scopes&) const = default;

 private:
  std::uint8_t bits_ = 0;
};

std::string_view to_string(Scope scope);
std::optional<Scope> parse_scope(std::string_view name);

}  // namespace postrider
