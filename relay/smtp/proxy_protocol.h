// The header a proxy puts before the connection it passes on (HAProxy's PROXY protocol, versions 1 and 2).
// Stateless: give it the front of the receive buffer until it is complete. Believe it only from peers that
// are configured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postrider::smtp {

struct ProxyHeader {
  bool local = false;  // LOCAL or UNKNOWN: the proxy's own connection; use the socket's addresses
  std::string source;  // "192.0.2.1", "2001:db8::1"; empty when local
  std::string destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

enum class ProxyStatus : std::uint8_t { need_more, complete, fault };

struct ProxyResult {
  ProxyStatus status = ProxyStatus::need_more;
  std::size_t consumed = 0;  // octets of the header, with `complete`
  ProxyHeader header;
};

inline constexpr std::size_t kMaxProxyHeader = 16 + 4096;  // v2 could say 65535; nobody sends that much

ProxyResult parse_proxy_header(std::string_view input);

}  // namespace postrider::smtp
