#include "mgmt/key_ring.h"

#include <set>

#include "tests/unit/mgmt/credentials_fixture.h"

namespace postrider::mgmt::test {
namespace {

class KeyRingTest : public CredentialsTest {};

TEST_F(KeyRingTest, AKeyIsRandomAndKnownByItsDigestOnly) {
  std::set<std::string> tokens, ids;
  for (int i = 0; i < 100; ++i) {
    const NewKey made = make_key(key("app"));
    EXPECT_EQ(made.token.size(), 46u);
    EXPECT_TRUE(looks_like_token(made.token)) << made.token;
    EXPECT_EQ(made.record.digest, digest_of(made.token));
    EXPECT_EQ(made.record.id.size(), 16u);
    EXPECT_EQ(made.record.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos);
    tokens.insert(made.token);
    ids.insert(made.record.id);
  }
  EXPECT_EQ(tokens.size(), 100u);
  EXPECT_EQ(ids.size(), 100u);
}

TEST_F(KeyRingTest, FindsByTokenIdAndName) {
  const std::string token = add(key("b"));
  add(key("a"));
  const storage::ApiKeyRecord* found = ring_.find(token);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "b");
  EXPECT_EQ(ring_.find_by_id(found->id), found);
  EXPECT_EQ(ring_.find_by_name("b"), found);
  EXPECT_EQ(ring_.find(token + "x"), nullptr);
  EXPECT_EQ(ring_.find(""), nullptr);
  ASSERT_EQ(ring_.all().size(), 2u);
  EXPECT_EQ(ring_.all()[0]->name, "a");
}

TEST_F(KeyRingTest, ANameIsGivenOnce) {
  const std::string token = add(key("app"));
  const auto again = run(ring_.add(make_key(key("app")).record));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, FaultKind::conflict);
  EXPECT_NE(ring_.find(token), nullptr);
  EXPECT_EQ(ring_.all().size(), 1u);
}

TEST_F(KeyRingTest, WhatTheStoreDidNotTakeIsNotInForce) {
  store_->fail_writes(true);
  const NewKey made = make_key(key("app"));
  EXPECT_FALSE(run(ring_.add(made.record)));
  EXPECT_EQ(ring_.find(made.token), nullptr);
  store_->fail_writes(false);
  const std::string token = add(key("app"));
  store_->fail_writes(true);
  EXPECT_FALSE(run(ring_.remove("app")));
  EXPECT_NE(ring_.find(token), nullptr) << "a key that the next start would know again is not void";
}

TEST_F(KeyRingTest, ARemovedKeyIsGoneByEveryName) {
  const std::string token = add(key("app"));
  const std::string id = ring_.find(token)->id;
  EXPECT_TRUE(run(ring_.remove("app")));
  EXPECT_EQ(ring_.find(token), nullptr);
  EXPECT_EQ(ring_.find_by_id(id), nullptr);
  EXPECT_EQ(ring_.find_by_name("app"), nullptr);
  EXPECT_EQ(run(ring_.remove("app")).error().kind, FaultKind::not_found);
}

TEST_F(KeyRingTest, KeysAndTheirUsageSurviveARestart) {
  storage::ApiKeyRecord record = key("app");
  record.networks = {parse_network("10.0.0.0/8").value()};
  record.per_day = 7;
  const std::string token = add(record);
  KeyRing::Usage& usage = ring_.usage("app");
  usage = {clock_.now(), std::chrono::floor<std::chrono::days>(clock_.now()), 3, {}, true};
  run(ring_.stop());

  KeyRing next(loop_, *store_, log_);
  ASSERT_TRUE(run(next.load()));
  const storage::ApiKeyRecord* found = next.find(token);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->networks, record.networks);
  EXPECT_EQ(found->per_day, 7u);
  EXPECT_EQ(next.usage("app").last_used_at, clock_.now());
  EXPECT_EQ(next.usage("app").today, 3u);
  EXPECT_FALSE(next.usage("app").changed);
}

TEST_F(KeyRingTest, AStoreThatDoesNotAnswerIsAFaultAtStart) {
  store_->close();
  KeyRing next(loop_, *store_, log_);
  EXPECT_FALSE(run(next.load()));
}

}  // namespace
}  // namespace postrider::mgmt::test
