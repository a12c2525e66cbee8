#include "relay/inbound/authenticator.h"

#include "relay/inbound/password.h"
#include "tests/unit/relay/inbound_fixture.h"

namespace postrider::relay {
namespace {

class HandClock final : public Clock {
 public:
  Time now() const override { return from_ms(1'700'000'000'000) + at; }
  Duration monotonic() const override { return at; }
  Duration at{0};
};

class AuthenticatorTest : public InboundTest {
 protected:
  using Kind = Authenticator::Kind;
  void put(const std::string& name, const std::string& password, bool scram = false) {
    storage::UserRecord user;
    user.name = name;
    user.password_hash = make_password_hash(password).value();
    if (scram) user.scram = make_scram_text(password).value();
    ask<Nothing>([&](auto done) { store_->put_user(user, false, std::move(done)); }).value();
  }
  Kind check(Authenticator& with, const std::string& name, const std::string& password) {
    return run(with.check_password(name, password)).kind;
  }

  HandClock clock_;
  PasswordWorker worker_;
  Authenticator authenticator_{loop_, clock_, *store_, worker_};
};

TEST_F(AuthenticatorTest, TellsRightFromWrongAndUnknown) {
  put("alice", "secret");
  EXPECT_EQ(check(authenticator_, "alice", "secret"), Kind::accepted);
  EXPECT_EQ(check(authenticator_, "alice", "wrong"), Kind::refused);
  EXPECT_EQ(check(authenticator_, "alice", ""), Kind::refused);
  EXPECT_EQ(check(authenticator_, "bob", "secret"), Kind::refused);
}

TEST_F(AuthenticatorTest, ARightLoginIsRememberedForAMinute) {
  put("alice", "secret");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(check(authenticator_, "alice", "secret"), Kind::accepted);
  EXPECT_EQ(worker_.checks(), 1u);
  clock_.at += Authenticator::kRemember;
  EXPECT_EQ(check(authenticator_, "alice", "secret"), Kind::accepted);
  EXPECT_EQ(worker_.checks(), 2u);
}

TEST_F(AuthenticatorTest, AWrongLoginIsCheckedEachTimeAsIsAnUnknownUser) {
  put("alice", "secret");
  for (const char* name : {"alice", "alice", "nobody", "nobody"})
    EXPECT_EQ(check(authenticator_, name, "wrong"), Kind::refused);
  EXPECT_EQ(worker_.checks(), 4u);
}

TEST_F(AuthenticatorTest, TooManyChecksAtOnceAreNotQueuedWithoutBound) {
  put("alice", "secret");
  PasswordWorker none(0);
  Authenticator busy(loop_, clock_, *store_, none);
  EXPECT_EQ(check(busy, "alice", "secret"), Kind::busy);
}

TEST_F(AuthenticatorTest, AChangedPasswordForgetsAtOnce) {
  put("alice", "secret");
  EXPECT_EQ(check(authenticator_, "alice", "secret"), Kind::accepted);
  put("alice", "changed");
  EXPECT_EQ(check(authenticator_, "alice", "secret"), Kind::refused);
  EXPECT_EQ(check(authenticator_, "alice", "changed"), Kind::accepted);
}

TEST_F(AuthenticatorTest, ARemovedUserIsOutAtOnce) {
  put("alice", "secret");
  EXPECT_EQ(check(authenticator_, "alice", "secret"), Kind::accepted);
  ask<Nothing>([&](auto done) { store_->remove_user("alice", std::move(done)); }).value();
  EXPECT_EQ(check(authenticator_, "alice", "secret"), Kind::refused);
}

TEST_F(AuthenticatorTest, ATroubledStoreIsNoWrongPassword) {
  store_->close();
  EXPECT_EQ(check(authenticator_, "alice", "secret"), Kind::trouble);
}

TEST_F(AuthenticatorTest, UnknownUsersGetTheSameDecoyEachTime) {
  put("alice", "secret", true);
  put("bob", "secret");
  auto alice = run(authenticator_.find_verifier("alice"));
  EXPECT_TRUE(alice.user);
  EXPECT_TRUE(smtp::scram_verifier_matches(alice.verifier, "secret"));
  for (const char* name : {"bob", "nobody"}) {
    auto one = run(authenticator_.find_verifier(name)), two = run(authenticator_.find_verifier(name));
    EXPECT_FALSE(one.user);
    EXPECT_EQ(one.verifier.salt, two.verifier.salt);
    EXPECT_EQ(one.verifier.iterations, alice.verifier.iterations);
    EXPECT_FALSE(smtp::scram_verifier_matches(one.verifier, "secret"));
  }
}

}  // namespace
}  // namespace postrider::relay
