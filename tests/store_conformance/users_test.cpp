#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class UserTest : public StoreTest {
 protected:
  UserRecord user(const std::string& name) {
    UserRecord u;
    u.name = name;
    u.role = "sender";
    u.password_hash = "scrypt$x";
    u.scram = "SCRAM-SHA-256$4096:salt$stored:server";
    u.senders = {"*@example.org", "app@example.com"};
    u.guard = {{"@example.org"}, "catch@example.org", "sink"};
    u.created_at = u.changed_at = now_;
    return u;
  }
  result<Nothing> put(UserRecord u, bool must_be_new) {
    return answer<Nothing>([&](Done<Nothing> done) { store().put_user(std::move(u), must_be_new, std::move(done)); });
  }
  result<UserRecord> find_user(const std::string& name) {
    return answer<UserRecord>([&](Done<UserRecord> done) { store().find_user(name, std::move(done)); });
  }
  result<Nothing> remove(const std::string& name) {
    return answer<Nothing>([&](Done<Nothing> done) { store().remove_user(name, std::move(done)); });
  }
};

TEST_P(UserTest, ArePutFoundAndSurviveAReopen) {
  ASSERT_TRUE(put(user("app"), true).has_value());
  reopen(Ending::crash);
  const auto found = find_user("app");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->role, "sender");
  EXPECT_EQ(found->password_hash, "scrypt$x");
  EXPECT_EQ(found->scram, "SCRAM-SHA-256$4096:salt$stored:server");
  EXPECT_EQ(found->senders, (std::vector<std::string>{"*@example.org", "app@example.com"}));
  EXPECT_EQ(found->guard, user("app").guard);
  EXPECT_EQ(found->created_at, now_);
  EXPECT_EQ(find_user("ap").error().kind, FaultKind::not_found);
}

TEST_P(UserTest, ANewOneMustBeNewIfAsked) {
  ASSERT_TRUE(put(user("app"), true).has_value());
  UserRecord changed = user("app");
  changed.role = "operator";
  EXPECT_EQ(put(changed, true).error().kind, FaultKind::conflict);
  EXPECT_EQ(find_user("app")->role, "sender");
  ASSERT_TRUE(put(changed, false).has_value());
  EXPECT_EQ(find_user("app")->role, "operator");
}

TEST_P(UserTest, AreListedByNameAndRemoved) {
  for (const char* name : {"web", "app", "cron"}) ASSERT_TRUE(put(user(name), true).has_value());
  ASSERT_TRUE(remove("cron").has_value());
  EXPECT_EQ(remove("cron").error().kind, FaultKind::not_found);
  const auto users =
      answer<std::vector<UserRecord>>([&](Done<std::vector<UserRecord>> done) { store().list_users(std::move(done)); });
  std::vector<std::string> names;
  for (const UserRecord& u : users.value()) names.push_back(u.name);
  EXPECT_EQ(names, (std::vector<std::string>{"app", "web"}));
}

TEST_P(UserTest, NamesHaveTheirBounds) {
  EXPECT_EQ(put(user(""), true).error().kind, FaultKind::invalid);
  EXPECT_EQ(put(user(std::string(256, 'n')), true).error().kind, FaultKind::invalid);
  EXPECT_EQ(put(user(std::string(600, 'n')), false).error().kind, FaultKind::invalid);
  EXPECT_TRUE(put(user(std::string(255, 'n')), true).has_value());
  for (const std::string& name : {std::string(), std::string(256, 'n'), std::string(600, 'n')}) {
    EXPECT_EQ(find_user(name).error().kind, FaultKind::not_found);
    EXPECT_EQ(remove(name).error().kind, FaultKind::not_found);
    EXPECT_EQ(find_user(name).error().text, "no user " + name) << "both stores use the same words";
  }
}

POSTRIDER_STORE_SUITE(UserTest);

}  // namespace
}  // namespace postrider::storage::conformance
