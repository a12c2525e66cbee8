// An address range (CIDR) and whether an address lies in it: trusted networks, PROXY protocol peers. Plain value, pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace postrider {

// An IPv4 or IPv6 address without zone. IPv4-mapped IPv6 addresses (::ffff:192.0.2.1) count as IPv4.
struct IpAddress {
  std::array<std::uint8_t, 16> octets{};  // IPv4: the first four
  bool v6 = false;

  bool is_loopback() const;     // 127.0.0.0/8, ::1
  bool is_unspecified() const;  // 0.0.0.0, ::
  std::string str() const;
  bool operator==(const IpAddress&) const = default;
};
std::optional<IpAddress> parse_ip_address(std::string_view text);

struct Network {
  IpAddress base;
  unsigned prefix = 0;  // bits

  bool contains(const IpAddress& address) const;
  std::string str() const;  // always with the prefix length
  bool operator==(const Network&) const = default;
};
// "10.0.0.0/8", "::1/128", or a single address. Bits set beyond the prefix are a fault, as they are most often a slip.
result<Network> parse_network(std::string_view text);

// "127.0.0.1:2525", "[::1]:2525", ":25" (every address of the machine).
struct ListenAddress {
  std::optional<IpAddress> address;  // none: every address
  std::uint16_t port = 0;            // 0: the system chooses

  bool is_loopback() const { return address && address->is_loopback(); }
};
enum class ListenerTls : std::uint8_t { none, starttls, implicit };
result<ListenAddress> parse_listen_address(std::string_view text);
// The system would refuse to open both: the same port, and one address that is or stands for the other.
bool collide(const ListenAddress& a, const ListenAddress& b);

}  // namespace postrider
