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

TEST(MediaType, WeightsAreThousandths) {
  const std::pair<const char*, unsigned> cases[] = {{"text/html;q=0.8", 800},    {"text/html;q=0.001", 1},
                                                    {"text/html;q=1.000", 1000}, {"text/html; Q=0.75", 750},
                                                    {"text/html;q=0", 0},        {"text/html;q=", 1000},
                                                    {"text/html;q=x", 1000},     {"text/html;level=1;q=0.5", 500}};
  for (const auto& [accept, weight] : cases) EXPECT_EQ(wanted(accept, kHtml), weight) << accept;
}

TEST(MediaType, ABrowserPrefersHtmlAndAProgramDoesNot) {
  EXPECT_TRUE(prefers("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", kHtml, kJson));
  EXPECT_TRUE(prefers("text/html", kHtml, kJson));
  EXPECT_FALSE(prefers("*/*", kHtml, kJson));
  EXPECT_FALSE(prefers("", kHtml, kJson));
  EXPECT_FALSE(prefers("application/json, text/plain, */*", kHtml, kJson));
  EXPECT_FALSE(prefers("text/html;q=0.5, application/json", kHtml, kJson));
}

TEST(MediaType, GzipMustBeAskedFor) {
  for (const char* taken : {"gzip", "deflate, gzip;q=0.5, br", "X-Gzip", "*", "br, *;q=0.1", "GZIP ; q=1"})
    EXPECT_TRUE(accepts_gzip(taken)) << taken;
  for (const char* not_taken : {"", "br", "identity", "gzip;q=0", "*;q=0", "gzip;q=0, *"})
    EXPECT_FALSE(accepts_gzip(not_taken)) << not_taken;
}

}  // namespace
}  // namespace postrider::mgmt
