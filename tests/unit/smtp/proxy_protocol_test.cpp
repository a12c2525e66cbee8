#include "relay/smtp/proxy_protocol.h"

#include <gtest/gtest.h>

namespace postrider::smtp {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

TEST(ProxyProtocol, ReadsVersion1) {
  const std::string header = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n";
  for (std::size_t n = 0; n < header.size(); ++n) {
    EXPECT_EQ(parse_proxy_header(header.substr(0, n)).status, ProxyStatus::need_more) << n;
  }
  const ProxyResult r = parse_proxy_header(header + "EHLO x\r\n");
  ASSERT_EQ(r.status, ProxyStatus::complete);
  EXPECT_EQ(r.consumed, header.size());
  EXPECT_EQ(r.header.source, "192.0.2.1");
  EXPECT_EQ(r.header.source_port, 56324);
  EXPECT_EQ(r.header.destination, "198.51.100.2");
  EXPECT_EQ(r.header.destination_port, 25);
  EXPECT_EQ(parse_proxy_header("PROXY TCP6 2001:db8::1 ::1 1 2\r\n").header.source, "2001:db8::1");
  EXPECT_TRUE(parse_proxy_header("PROXY UNKNOWN whatever\r\n").header.local);
}

TEST(ProxyProtocol, RefusesBadVersion1) {
  for (const char* bad : {"EHLO x\r\n", "PROXX", "PROXY TCP4 192.0.2.1\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
                          "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
                          "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"}) {
    EXPECT_EQ(parse_proxy_header(bad).status, ProxyStatus::fault) << bad;
  }
  EXPECT_EQ(parse_proxy_header("PROXY UNKNOWN " + std::string(100, 'x')).status, ProxyStatus::fault);
}

TEST(ProxyProtocol, ReadsVersion2) {
  const std::string header =
      kSignature + "\x21\x11\x00\x0f"s + "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x00\x19"s + "tlv";
  for (std::size_t n = 0; n < header.size(); ++n) {
    EXPECT_EQ(parse_proxy_header(header.substr(0, n)).status, ProxyStatus::need_more) << n;
  }
  const ProxyResult r = parse_proxy_header(header + "E");
  ASSERT_EQ(r.status, ProxyStatus::complete);
  EXPECT_EQ(r.consumed, header.size());
  EXPECT_EQ(r.header.source, "192.0.2.1");
  EXPECT_EQ(r.header.destination, "198.51.100.2");
  EXPECT_EQ(r.header.source_port, 56324);
  EXPECT_EQ(r.header.destination_port, 25);
}

TEST(ProxyProtocol, ReadsVersion2OverIpv6AndLocal) {
  const std::string v6 = std::string(15, '\0') + "\x01" + std::string(15, '\0') + "\x02" + "\x00\x01\x00\x02"s;
  EXPECT_EQ(parse_proxy_header(kSignature + "\x21\x21\x00\x24"s + v6).header.source, "::1");
  const ProxyResult local = parse_proxy_header(kSignature + "\x20\x00\x00\x00"s);
  EXPECT_EQ(local.status, ProxyStatus::complete);
  EXPECT_TRUE(local.header.local);
}

TEST(ProxyProtocol, RefusesBadVersion2) {
  EXPECT_EQ(parse_proxy_header(kSignature + "\x11\x11\x00\x0c"s).status, ProxyStatus::fault) << "version";
  EXPECT_EQ(parse_proxy_header(kSignature + "\x22\x11\x00\x0c"s).status, ProxyStatus::fault) << "command";
  EXPECT_EQ(parse_proxy_header(kSignature + "\x21\x11\xff\xff"s).status, ProxyStatus::fault) << "length";
  EXPECT_EQ(parse_proxy_header(kSignature + "\x21\x11\x00\x04"s + "abcd").status, ProxyStatus::fault) << "short";
}

}  // namespace
}  // namespace postrider::smtp
