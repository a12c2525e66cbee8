#include "core/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace postrider {
namespace {

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

IpAddress with_bits_cleared(IpAddress address, unsigned prefix) {
  const unsigned bits = address.v6 ? 128 : 32;
  for (unsigned bit = prefix; bit < bits; ++bit)
    address.octets[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
  return address;
}

}  // namespace

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;  // inet_pton() would stop there
  const std::string terminated(text);
  IpAddress address;
  if (inet_pton(AF_INET, terminated.c_str(), address.octets.data()) == 1) return address;
  address.v6 = true;
  if (inet_pton(AF_INET6, terminated.c_str(), address.octets.data()) != 1) return std::nullopt;
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), address.octets.begin())) {
    IpAddress v4;
    std::copy(address.octets.begin() + 12, address.octets.end(), v4.octets.begin());
    return v4;
  }
  return address;
}

bool IpAddress::is_loopback() const {
  if (!v6) return octets[0] == 127;
  return octets[15] == 1 && std::all_of(octets.begin(), octets.end() - 1, [](auto o) { return o == 0; });
}

bool IpAddress::is_unspecified() const {
  return std::all_of(octets.begin(), octets.end(), [](auto o) { return o == 0; });
}

std::string IpAddress::str() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(v6 ? AF_INET6 : AF_INET, octets.data(), text, sizeof text);
}

bool Network::contains(const IpAddress& address) const {
  return address.v6 == base.v6 && with_bits_cleared(address, prefix) == base;
}

std::string Network::str() const {
  return base.str() + '/' + std::to_string(prefix);
}

result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto base = parse_ip_address(text.substr(0, slash));
  if (!base) return invalid("is not an address or a network such as 10.0.0.0/8");
  const unsigned bits = base->v6 ? 128 : 32;
  if (slash == std::string_view::npos) return Network{*base, bits};
  const auto prefix = parse_number<unsigned>(text.substr(slash + 1));
  if (!prefix || *prefix > bits) return invalid("has a prefix length that is not 0 to " + std::to_string(bits));
  const Network network{with_bits_cleared(*base, *prefix), *prefix};
  if (network.base != *base) return invalid("has bits set beyond its prefix; write " + network.str());
  return network;
}

result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto wrong = [] { return invalid("is not address:port, such as 127.0.0.1:2525, [::1]:2525 or :2525"); };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return wrong();
  std::string_view host = text.substr(0, colon);
  if (host.empty()) return ListenAddress{std::nullopt, *port};
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = parse_ip_address(host);
  if (!address || address->v6 != bracketed) return wrong();
  return ListenAddress{*address, *port};
}

bool collide(const ListenAddress& a, const ListenAddress& b) {
  if (a.port != b.port || a.port == 0) return false;
  if (!a.address || !b.address) return true;
  if (a.address->v6 != b.address->v6) return false;
  return *a.address == *b.address || a.address->is_unspecified() || b.address->is_unspecified();
}

}  // namespace postrider
