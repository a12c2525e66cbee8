#include "relay/smtp/xtext.h"

#include <gtest/gtest.h>

namespace postrider::smtp {
namespace {

TEST(Xtext, RoundTripsEveryOctet) {
  std::string octets;
  for (int i = 0; i < 256; ++i) octets += static_cast<char>(i);
  const std::string text = encode_xtext(octets);
  EXPECT_TRUE(is_xtext(text));
  EXPECT_EQ(decode_xtext(text), octets);
}

TEST(Xtext, RefusesWhatRfc3461Refuses) {
  for (const char* bad : {"a b", "a=b", "a+", "a+4", "a+4g", "a+2b", "\xc3\xbc", "a\tb"}) {
    EXPECT_FALSE(is_xtext(bad)) << bad;
  }
  EXPECT_TRUE(is_xtext(""));
  EXPECT_TRUE(is_xtext("a+3Db+40"));
}

}  // namespace
}  // namespace postrider::smtp
