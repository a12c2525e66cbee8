#include "mgmt/login_guard.h"

#include "tests/unit/mgmt/credentials_fixture.h"

namespace postrider::mgmt::test {
namespace {

using namespace std::chrono_literals;

class LoginGuardTest : public testing::Test {
 protected:
  bool blocked(const char* peer, std::string_view account = {}) { return guard_.wait(address(peer), account) > 0ms; }
  void fail(int times, const char* peer, std::string_view account = {}) {
    for (int i = 0; i < times; ++i) guard_.failed(address(peer), account);
  }

  HandClock clock_;
  NullLog log_;
  LoginGuard guard_{clock_, log_};
};

TEST_F(LoginGuardTest, AnAccountMayFailTenTimesFromAnAddress) {
  fail(9, "192.0.2.1", "ann");
  EXPECT_FALSE(blocked("192.0.2.1", "ann"));
  fail(1, "192.0.2.1", "ann");
  EXPECT_EQ(guard_.wait(address("192.0.2.1"), "ann"), 15min);
  clock_.at = 14min;
  EXPECT_EQ(guard_.wait(address("192.0.2.1"), "ann"), 1min);
  clock_.at = 15min;
  EXPECT_FALSE(blocked("192.0.2.1", "ann"));
  fail(9, "192.0.2.1", "ann");
  EXPECT_FALSE(blocked("192.0.2.1", "ann")) << "a new window";
}

TEST_F(LoginGuardTest, WhatOneFailsElsewhereOrAnotherFailsThereDoesNotCount) {
  fail(10, "192.0.2.1", "ann");
  EXPECT_FALSE(blocked("192.0.2.2", "ann"));
  EXPECT_FALSE(blocked("192.0.2.1", "bob"));
  EXPECT_FALSE(blocked("192.0.2.1"));
}

TEST_F(LoginGuardTest, AnAddressMayFailThirtyTimes) {
  for (const char* account : {"a", "b", "c", "d", "e"}) fail(6, "192.0.2.1", account);
  EXPECT_TRUE(blocked("192.0.2.1", "f"));
  EXPECT_TRUE(blocked("192.0.2.1"));
  EXPECT_FALSE(blocked("192.0.2.2", "f"));
}

TEST_F(LoginGuardTest, AnIPv6AddressStandsForItsCustomer) {
  fail(30, "2001:db8:1:2::1");
  EXPECT_TRUE(blocked("2001:db8:1:2:ffff::9"));
  EXPECT_FALSE(blocked("2001:db8:1:3::1"));
  fail(30, "::ffff:192.0.2.1");
  EXPECT_TRUE(blocked("192.0.2.1")) << "the same address";
}

TEST_F(LoginGuardTest, FromManyAddressesAnAccountMayFailAHundredTimes) {
  for (int i = 0; i < 100; ++i) fail(1, ("198.51.100." + std::to_string(i)).c_str(), "ann");
  EXPECT_TRUE(blocked("203.0.113.1", "ann"));
  EXPECT_FALSE(blocked("203.0.113.1", "bob"));
}

TEST_F(LoginGuardTest, WhereAnAccountGotInLatelyStrangersCannotLockItOut) {
  guard_.succeeded(address("203.0.113.1"), "ann");
  for (int i = 0; i < 100; ++i) fail(1, ("198.51.100." + std::to_string(i)).c_str(), "ann");
  fail(30, "203.0.113.1", "bob");
  EXPECT_FALSE(blocked("203.0.113.1", "ann"));
  EXPECT_TRUE(blocked("203.0.113.1", "carl"));
  fail(10, "203.0.113.1", "ann");
  EXPECT_TRUE(blocked("203.0.113.1", "ann")) << "its own failures there do count";
  clock_.at = 25h;
  for (int i = 0; i < 100; ++i) fail(1, ("198.51.100." + std::to_string(i)).c_str(), "ann");
  EXPECT_TRUE(blocked("203.0.113.1", "ann")) << "a day later nobody knows it there";
}

TEST_F(LoginGuardTest, SuccessForgetsOnlyWhatThatAccountFailedThere) {
  fail(9, "192.0.2.1", "ann");
  guard_.succeeded(address("192.0.2.1"), "ann");
  fail(9, "192.0.2.1", "ann");
  EXPECT_FALSE(blocked("192.0.2.1", "ann"));
  fail(11, "192.0.2.1", "bob");
  guard_.succeeded(address("192.0.2.1"), "ann");
  EXPECT_TRUE(blocked("192.0.2.1", "bob"));
  fail(1, "192.0.2.1");
  EXPECT_TRUE(blocked("192.0.2.1")) << "who has an account cannot guess for ever at others'";
}

TEST_F(LoginGuardTest, ForgetsTheOldestWhenThereAreTooMany) {
  LoginLimits limits;
  limits.max_entries = 3;
  LoginGuard guard(clock_, log_, limits);
  for (const char* peer : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}) {
    for (int i = 0; i < 30; ++i) guard.failed(address(peer));
    clock_.at += 1s;
  }
  EXPECT_EQ(guard.wait(address("192.0.2.1")), 0ms);
  for (const char* peer : {"192.0.2.2", "192.0.2.3", "192.0.2.4"}) EXPECT_GT(guard.wait(address(peer)), 0ms) << peer;
}

TEST_F(LoginGuardTest, ANameThatNoUserCanHaveCountsForItsAddressOnly) {
  fail(30, "192.0.2.1", std::string(1000, 'x'));
  EXPECT_TRUE(blocked("192.0.2.1", std::string(1000, 'x')));
  EXPECT_FALSE(blocked("192.0.2.2", std::string(1000, 'x')));
}

}  // namespace
}  // namespace postrider::mgmt::test
