#include "mgmt/hook_nonces.h"

#include <gtest/gtest.h>

namespace postrider::mgmt::test {
namespace {

using std::chrono::hours;

constexpr Duration kStart = hours(100);

TEST(HookNonces, StandForOneThingEach) {
  HookNonces nonces({10, hours(1)});
  EXPECT_TRUE(nonces.take("n1", "opened", kStart));
  EXPECT_TRUE(nonces.take("n1", "opened", kStart)) << "the vendor repeats";
  EXPECT_FALSE(nonces.take("n1", "bounced", kStart));
  EXPECT_TRUE(nonces.take("n1", "opened", kStart)) << "a forgery takes nothing from the genuine one";
  EXPECT_TRUE(nonces.take("n2", "bounced", kStart));
}

TEST(HookNonces, AreForgottenWhenTheSignatureIsStaleAnyway) {
  HookNonces nonces({10, hours(1)});
  EXPECT_TRUE(nonces.take("n1", "opened", kStart));
  EXPECT_FALSE(nonces.take("n1", "bounced", kStart + hours(1)));
  EXPECT_TRUE(nonces.take("n1", "bounced", kStart + hours(1) + Duration(1)));
}

TEST(HookNonces, TheOldestIsForgottenFirst) {
  HookNonces nonces({2, hours(1)});
  for (const std::string_view nonce : {"n1", "n2", "n3"}) EXPECT_TRUE(nonces.take(nonce, "opened", kStart));
  EXPECT_FALSE(nonces.take("n3", "bounced", kStart));
  EXPECT_FALSE(nonces.take("n2", "bounced", kStart));
  EXPECT_TRUE(nonces.take("n1", "bounced", kStart));
  EXPECT_TRUE(nonces.take("n2", "bounced", kStart)) << "which was the oldest then";
}

}  // namespace
}  // namespace postrider::mgmt::test
