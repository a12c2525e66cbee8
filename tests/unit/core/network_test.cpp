#include "core/network.h"

namespace postrider {
namespace {

IpAddress ip(std::string_view text) {
  return parse_ip_address(text).value();
}
Network network(std::string_view text) {
  return parse_network(text).value();
}

TEST(Network, Contains) {
  EXPECT_TRUE(network("10.0.0.0/8").contains(ip("10.255.1.2")));
  EXPECT_FALSE(network("10.0.0.0/8").contains(ip("11.0.0.0")));
  EXPECT_TRUE(network("192.0.2.128/25").contains(ip("192.0.2.129")));
  EXPECT_FALSE(network("192.0.2.128/25").contains(ip("192.0.2.127")));
  EXPECT_TRUE(network("2001:db8::/33").contains(ip("2001:db8:7fff::1")));
  EXPECT_FALSE(network("2001:db8::/33").contains(ip("2001:db8:8000::1")));
  EXPECT_TRUE(network("0.0.0.0/0").contains(ip("203.0.113.9")));
  EXPECT_FALSE(network("0.0.0.0/0").contains(ip("::1")));
  EXPECT_TRUE(network("127.0.0.0/8").contains(ip("::ffff:127.0.0.1")));
}

TEST(Network, SingleAddressesAndText) {
  EXPECT_EQ(network("192.0.2.1").str(), "192.0.2.1/32");
  EXPECT_EQ(network("::1").str(), "::1/128");
  EXPECT_EQ(network("2001:DB8::/32").str(), "2001:db8::/32");
}

TEST(Network, RefusesSlips) {
  EXPECT_EQ(parse_network("10.0.0.1/8").error().text, "has bits set beyond its prefix; write 10.0.0.0/8");
  EXPECT_EQ(parse_network("10.0.0.0/33").error().text, "has a prefix length that is not 0 to 32");
  EXPECT_EQ(parse_network("::/129").error().text, "has a prefix length that is not 0 to 128");
  for (const char* text : {"", "/8", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "localhost", "1.2.3.4 /8"})
    EXPECT_TRUE(parse_network(text).has_error()) << text;
}

TEST(Network, NulEndsNoAddress) {
  EXPECT_FALSE(parse_ip_address(std::string_view("::1\0", 4)));
}

TEST(Network, ListenAddresses) {
  const ListenAddress v4 = parse_listen_address("127.0.0.1:2525").value();
  EXPECT_EQ(v4.port, 2525);
  EXPECT_TRUE(v4.is_loopback());
  EXPECT_TRUE(parse_listen_address("[::1]:0").value().is_loopback());
  EXPECT_FALSE(parse_listen_address("0.0.0.0:25").value().is_loopback());
  const ListenAddress any = parse_listen_address(":25").value();
  EXPECT_FALSE(any.address);
  EXPECT_FALSE(any.is_loopback());
  for (const char* text : {"", "25", "localhost:25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:25",
                           "[127.0.0.1]:25", "[::1]", "127.0.0.1:25x", "127.0.0.1:-1"})
    EXPECT_TRUE(parse_listen_address(text).has_error()) << text;
}

}  // namespace
}  // namespace postrider
