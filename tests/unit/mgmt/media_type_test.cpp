#include "mgmt/media_type.h"

#include <gtest/gtest.h>

namespace postrider::mgmt {
namespace {

TEST(MediaType, JsonInAnyCaseAndWithParameters) {
  EXPECT_TRUE(is_json("application/json"));
  EXPECT_TRUE(is_json("Application/JSON;charset=utf-8"));
  EXPECT_FALSE(is_json(""));
  EXPECT_FALSE(is_json("application/jsonp"));
  EXPECT_FALSE(is_json("text/plain; application/json"));
}

TEST(MediaType, AcceptByRangeAndWeight) {
  EXPECT_TRUE(accepts("", kJson));
  EXPECT_TRUE(accepts("*/*", kJson));
  EXPECT_TRUE(accepts("application/*", kJson));
  EXPECT_TRUE(accepts("text/html,application/json;q=0.1", kJson));
  EXPECT_FALSE(accepts("text/html", kJson));
  EXPECT_FALSE(accepts("text/*", kJson));
  EXPECT_FALSE(accepts("application/xml", kJson));
}

TEST(MediaType, TheMoreSpecificRangeDecides) {
  EXPECT_FALSE(accepts("*/*, application/json;q=0", kJson));
  EXPECT_TRUE(accepts("*/*;q=0, application/json", kJson));
  EXPECT_FALSE(accepts("application/*;q=0.000, */*", kJson));
  EXPECT_TRUE(accepts("application/json;q=0.001", kJson));
}

}  // namespace
}  // namespace postrider::mgmt
