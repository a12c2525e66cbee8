#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class ApiKeyTest : public StoreTest {
 protected:
  ApiKeyRecord key(const std::string& name) {
    ApiKeyRecord k;
    k.name = name;
    k.id = "abcdefghijklmnop";
    k.digest.fill(0xab);
    k.digest[31] = 1;
    k.tenant = "shop";
    k.scopes = {Scope::send, Scope::steer};
    k.senders = {"*@example.org"};
    k.guard = {{"@example.org"}, "catch@example.org", "sink"};
    k.networks = {parse_network("10.0.0.0/8").value(), parse_network("2001:db8::/32").value()};
    k.per_minute = 60;
    k.per_day = 5000;
    k.created_at = now_;
    k.expires_at = now_ + std::chrono::hours(24);
    return k;
  }
  result<Nothing> put(ApiKeyRecord k, bool must_be_new) {
    return answer<Nothing>(
        [&](Done<Nothing> done) { store().put_api_key(std::move(k), must_be_new, std::move(done)); });
  }
  result<Nothing> remove(const std::string& name) {
    return answer<Nothing>([&](Done<Nothing> done) { store().remove_api_key(name, std::move(done)); });
  }
  std::vector<ApiKeyRecord> keys() {
    return answer<std::vector<ApiKeyRecord>>(
               [&](Done<std::vector<ApiKeyRecord>> done) { store().list_api_keys(std::move(done)); })
        .value();
  }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const ApiKeyRecord& k : keys()) all.push_back(k.name);
    return all;
  }
  void put_usage(std::vector<ApiKeyUsage> usage) {
    EXPECT_TRUE(answer<Nothing>([&](Done<Nothing> done) {
                  store().put_api_key_usage(std::move(usage), std::move(done));
                }).has_value());
  }
  std::vector<ApiKeyUsage> usage() {
    return answer<std::vector<ApiKeyUsage>>(
               [&](Done<std::vector<ApiKeyUsage>> done) { store().list_api_key_usage(std::move(done)); })
        .value();
  }
  ApiKeyUsage used(const std::string& name, std::uint64_t recipients) {
    return {name, now_, now_ - std::chrono::hours(3), recipients};
  }
};

TEST_P(ApiKeyTest, ArePutAndOutliveACrash) {
  ASSERT_TRUE(put(key("app"), true).has_value());
  reopen(Ending::crash);
  ASSERT_EQ(keys().size(), 1u);
  const ApiKeyRecord found = keys()[0], wanted = key("app");
  EXPECT_EQ(found.name, "app");
  EXPECT_EQ(found.id, wanted.id);
  EXPECT_EQ(found.digest, wanted.digest);
  EXPECT_EQ(found.tenant, "shop");
  EXPECT_EQ(found.scopes, wanted.scopes);
  EXPECT_EQ(found.senders, wanted.senders);
  EXPECT_EQ(found.guard, wanted.guard);
  EXPECT_EQ(found.networks, wanted.networks);
  EXPECT_EQ(found.per_minute, 60u);
  EXPECT_EQ(found.per_day, 5000u);
  EXPECT_EQ(found.created_at, now_);
  EXPECT_EQ(found.expires_at, wanted.expires_at);
}

TEST_P(ApiKeyTest, OneWithoutEndAndBoundsStaysSo) {
  ApiKeyRecord plain;
  plain.name = "plain";
  plain.scopes = Scopes::all();
  ASSERT_TRUE(put(plain, true).has_value());
  reopen(Ending::clean);
  const ApiKeyRecord found = keys().at(0);
  EXPECT_EQ(found.expires_at, kNever);
  EXPECT_EQ(found.scopes, Scopes::all());
  EXPECT_EQ(found.per_minute, 0u);
  EXPECT_TRUE(found.networks.empty());
  EXPECT_TRUE(found.senders.empty());
}

TEST_P(ApiKeyTest, ANewOneMustBeNewIfAsked) {
  ASSERT_TRUE(put(key("app"), true).has_value());
  ApiKeyRecord changed = key("app");
  changed.tenant = "blog";
  EXPECT_EQ(put(changed, true).error().kind, FaultKind::conflict);
  EXPECT_EQ(keys()[0].tenant, "shop");
  ASSERT_TRUE(put(changed, false).has_value());
  ASSERT_EQ(keys().size(), 1u);
  EXPECT_EQ(keys()[0].tenant, "blog");
}

TEST_P(ApiKeyTest, AreListedByNameAndRemoved) {
  for (const char* name : {"web", "app", "cron"}) ASSERT_TRUE(put(key(name), true).has_value());
  EXPECT_EQ(names(), (std::vector<std::string>{"app", "cron", "web"}));
  ASSERT_TRUE(remove("cron").has_value());
  EXPECT_EQ(remove("cron").error().kind, FaultKind::not_found);
  reopen(Ending::crash);
  EXPECT_EQ(names(), (std::vector<std::string>{"app", "web"}));
}

TEST_P(ApiKeyTest, NamesHaveTheirBounds) {
  EXPECT_EQ(put(key(""), true).error().kind, FaultKind::invalid);
  EXPECT_EQ(put(key(std::string(256, 'n')), true).error().kind, FaultKind::invalid);
  EXPECT_TRUE(put(key(std::string(255, 'n')), true).has_value());
  EXPECT_EQ(remove("").error().kind, FaultKind::not_found);
  EXPECT_EQ(remove(std::string(600, 'n')).error().kind, FaultKind::not_found);
  put_usage({used("", 1), used(std::string(600, 'n'), 1)});
  EXPECT_TRUE(usage().empty());
}

TEST_P(ApiKeyTest, OneMoreThanCanBeListedIsRefused) {
  std::size_t answered = 0;
  for (std::size_t i = 0; i < kMaxApiKeys; ++i) {
    store().put_api_key(key(std::to_string(i)), true, Done<Nothing>(mailbox_, [&](const result<Nothing>& done) {
                          EXPECT_TRUE(done.has_value());
                          ++answered;
                        }));
  }
  mailbox_.run_until([&] { return answered == kMaxApiKeys; });
  EXPECT_EQ(put(key("one more"), false).error().kind, FaultKind::conflict);
  EXPECT_TRUE(put(key("17"), false).has_value()) << "that is no more";
  EXPECT_EQ(keys().size(), kMaxApiKeys);
  ASSERT_TRUE(remove("17").has_value());
  EXPECT_TRUE(put(key("one more"), true).has_value());
}

// ---- usage --------------------------------------------------------------------------------------------------------

TEST_P(ApiKeyTest, UsageIsKeptApartFromTheKey) {
  for (const char* name : {"web", "app"}) ASSERT_TRUE(put(key(name), true).has_value());
  EXPECT_TRUE(usage().empty());
  put_usage({used("web", 3), used("app", 70'000)});
  put_usage({used("web", 4)});
  ASSERT_TRUE(put(key("web"), false).has_value());
  reopen(Ending::crash);
  const auto all = usage();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "app");
  EXPECT_EQ(all[0].recipients, 70'000u);
  EXPECT_EQ(all[1].name, "web");
  EXPECT_EQ(all[1].recipients, 4u);
  EXPECT_EQ(all[1].last_used_at, now_);
  EXPECT_EQ(all[1].day, now_ - std::chrono::hours(3));
}

TEST_P(ApiKeyTest, UsageGoesWithTheKeyAndIsNoneOfTheNext) {
  ASSERT_TRUE(put(key("app"), true).has_value());
  put_usage({used("app", 3), used("stranger", 9)});
  ASSERT_EQ(usage().size(), 1u);
  ASSERT_TRUE(remove("app").has_value());
  EXPECT_TRUE(usage().empty());
  put_usage({used("app", 4)});  // it was on its way when the key was removed
  ASSERT_TRUE(put(key("app"), true).has_value());
  EXPECT_TRUE(usage().empty());
}

POSTRIDER_STORE_SUITE(ApiKeyTest);

}  // namespace
}  // namespace postrider::storage::conformance
