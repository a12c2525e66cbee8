#include "relay/smtp/proxy_protocol.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace postrider::smtp {
namespace {

// Section numbers: "The PROXY protocol, versions 1 & 2", haproxy.org.
constexpr std::string_view kV1Start = "PROXY ";
constexpr std::size_t kV1Max = 107;                                   // 2.1, with CRLF
constexpr std::string_view kV2Signature("\r\n\r\n\0\r\nQUIT\n", 12);  // 2.2
constexpr std::size_t kV2Fixed = 16;

const ProxyResult kFault{ProxyStatus::fault, 0, {}};
const ProxyResult kNeedMore{ProxyStatus::need_more, 0, {}};

bool may_start(std::string_view input, std::string_view with) {
  const std::size_t n = std::min(input.size(), with.size());
  return input.substr(0, n) == with.substr(0, n);
}

std::string_view take_field(std::string_view& text) {  // fields are separated by exactly one blank
  const std::size_t end = text.find(' ');
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return field;
}

bool take_address(std::string_view& text, int family, std::string& address) {
  address = take_field(text);
  unsigned char raw[16];
  return inet_pton(family, address.c_str(), raw) == 1;
}

bool take_port(std::string_view& text, std::uint16_t& port) {
  const std::string_view field = take_field(text);
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), port);
  return error == std::errc() && end == field.data() + field.size();
}

ProxyResult parse_v1(std::string_view input) {
  const std::size_t end = input.substr(0, kV1Max).find("\r\n");
  if (end == std::string_view::npos) return input.size() >= kV1Max ? kFault : kNeedMore;
  ProxyResult result{ProxyStatus::complete, end + 2, {}};
  std::string_view text = input.substr(kV1Start.size(), end - kV1Start.size());
  const std::string_view protocol = take_field(text);
  if (protocol == "UNKNOWN") {  // whatever follows is ignored
    result.header.local = true;
    return result;
  }
  const int family = protocol == "TCP4" ? AF_INET : protocol == "TCP6" ? AF_INET6 : AF_UNSPEC;
  ProxyHeader& h = result.header;
  const bool good = family != AF_UNSPEC && take_address(text, family, h.source) &&
                    take_address(text, family, h.destination) && take_port(text, h.source_port) &&
                    take_port(text, h.destination_port) && text.empty();
  return good ? result : kFault;
}

std::string address_text(int family, const char* raw) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family, raw, text, sizeof text) != nullptr ? text : "";
}

std::uint16_t big_endian(const char* raw) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(raw[0]) << 8 | static_cast<unsigned char>(raw[1]));
}

ProxyResult parse_v2(std::string_view input) {
  if (input.size() < kV2Fixed) return kNeedMore;
  const auto version_command = static_cast<unsigned char>(input[12]);
  const auto family_protocol = static_cast<unsigned char>(input[13]);
  const std::size_t total = kV2Fixed + big_endian(input.data() + 14);
  if ((version_command >> 4) != 2 || (version_command & 15) > 1 || total > kMaxProxyHeader) return kFault;
  if (input.size() < total) return kNeedMore;

  ProxyResult result{ProxyStatus::complete, total, {}};
  ProxyHeader& h = result.header;
  const char* raw = input.data() + kV2Fixed;
  const bool proxied = (version_command & 15) == 1;
  const bool ipv4 = family_protocol == 0x11, ipv6 = family_protocol == 0x21;  // over a stream
  if (!proxied || (!ipv4 && !ipv6)) {  // LOCAL, UNSPEC, UNIX, datagram: the socket's own addresses stand
    h.local = true;
    return result;
  }
  const int family = ipv4 ? AF_INET : AF_INET6;
  const std::size_t width = ipv4 ? 4 : 16;
  if (total - kV2Fixed < 2 * width + 4) return kFault;
  h.source = address_text(family, raw);
  h.destination = address_text(family, raw + width);
  h.source_port = big_endian(raw + 2 * width);
  h.destination_port = big_endian(raw + 2 * width + 2);
  return result;
}

}  // namespace

ProxyResult parse_proxy_header(std::string_view input) {
  if (may_start(input, kV1Start)) return input.size() < kV1Start.size() ? kNeedMore : parse_v1(input);
  if (may_start(input, kV2Signature)) return input.size() < kV2Signature.size() ? kNeedMore : parse_v2(input);
  return kFault;
}

}  // namespace postrider::smtp
