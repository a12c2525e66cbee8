#include "mgmt/base64.h"

#include <gtest/gtest.h>

namespace postrider::mgmt {
namespace {

// RFC 4648 10.
TEST(Base64, Vectors) {
  for (const auto& [text, octets] :
       {std::pair{"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zm9vYg==", "foob"}})
    EXPECT_EQ(base64_decode(text), std::string(octets)) << text;
}

TEST(Base64, LineBreaksAreSkipped) {
  EXPECT_EQ(base64_decode("Zm9v\r\nYmFy\nYmF6\r\n"), "foobarbaz");
}

TEST(Base64, NothingElseIsForgiven) {
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Z===", "====", "Zm9v-Zm8", "Zm9v_", "Zm=v", "Zg==Zg==", "Zm9v!", "data:;base64,Zm9v"})
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
}

TEST(Base64, LongerThanAPiece) {
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += "Zm9v\r\n";
  const auto octets = base64_decode(text + "YmE=");
  ASSERT_TRUE(octets);
  EXPECT_EQ(octets->size(), 1'200'002u);
  EXPECT_TRUE(octets->ends_with("foofooba"));
}

}  // namespace
}  // namespace postrider::mgmt
