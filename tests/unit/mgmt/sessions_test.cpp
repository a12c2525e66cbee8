// Sessions: what they say, and every way in which one is void.
#include "mgmt/sessions.h"

#include <jwt.h>

#include "mgmt/secret.h"
#include "tests/unit/mgmt/credentials_fixture.h"

namespace postrider::mgmt::test {
namespace {

using namespace std::chrono_literals;

const std::string kKey(32, 'k');

class SessionsTest : public CredentialsTest {
 protected:
  std::string issue(const storage::UserRecord& user) { return sessions_.issue(user).value().token; }
  // "" for a good one.
  FaultKind fault(const std::string& token) {
    const auto checked = run(sessions_.check(token));
    EXPECT_FALSE(checked);
    return checked ? FaultKind::full : checked.error().kind;
  }
  // A token like ours in all but what is said.
  std::string forge(jwt_alg_t algorithm, const std::string& key, const char* issuer = "postrider", long lives = 3600) {
    const storage::UserRecord user = put_user("ann");
    const long now = std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch().count();
    jwt_t* jwt = nullptr;
    EXPECT_EQ(jwt_new(&jwt), 0);
    jwt_add_grant(jwt, "iss", issuer);
    jwt_add_grant(jwt, "sub", "ann");
    jwt_add_grant_int(jwt, "iat", now);
    jwt_add_grant_int(jwt, "exp", now + lives);
    jwt_add_grant_int(jwt, "chg", to_ms(user.changed_at));
    EXPECT_EQ(jwt_set_alg(jwt, algorithm, key.empty() ? nullptr : reinterpret_cast<const unsigned char*>(key.data()),
                          static_cast<int>(key.size())),
              0);
    char* text = jwt_encode_str(jwt);
    std::string token = text ? text : "";
    std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): libjwt's own
    jwt_free(jwt);
    return token;
  }
};

TEST_F(SessionsTest, SaysWhoAndUntilWhen) {
  const storage::UserRecord user = put_user("ann");
  const auto issued = sessions_.issue(user);
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->expires_at, clock_.now() + 1h);
  EXPECT_TRUE(Sessions::looks_like_session(issued->token));
  const auto claims = sessions_.read(issued->token);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->user, "ann");
  EXPECT_EQ(claims->issued_at, clock_.now());
  EXPECT_EQ(claims->expires_at, issued->expires_at);
  const auto checked = run(sessions_.check(issued->token));
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->name, "ann");
  EXPECT_NE(issue(user), issued->token) << "each has an id of its own";
}

TEST_F(SessionsTest, ThisVeryForgeryWithTheRightKeyIsGood) {  // or the tests below would prove nothing
  EXPECT_TRUE(run(sessions_.check(forge(JWT_ALG_HS256, kKey))));
}

TEST_F(SessionsTest, WithoutASignatureItIsNotOurs) {
  EXPECT_EQ(fault(forge(JWT_ALG_NONE, "")), FaultKind::invalid);
}

TEST_F(SessionsTest, WithAnotherKeyItIsNotOurs) {
  EXPECT_EQ(fault(forge(JWT_ALG_HS256, std::string(32, 'x'))), FaultKind::invalid);
}

TEST_F(SessionsTest, WithAnotherAlgorithmItIsNotOurs) {
  EXPECT_EQ(fault(forge(JWT_ALG_HS384, kKey)), FaultKind::invalid);
  EXPECT_EQ(fault(forge(JWT_ALG_HS512, kKey)), FaultKind::invalid);
}

TEST_F(SessionsTest, AHeaderThatNamesAnotherAlgorithmIsNotFollowed) {
  const std::string good = issue(put_user("ann"));
  const std::string rest = good.substr(good.find('.'));
  for (const char* header : {R"({"alg":"RS256","typ":"JWT"})", R"({"alg":"none","typ":"JWT"})", R"({"alg":"HS256 "})",
                             R"({"typ":"JWT"})", "{}", "", "[]"})
    EXPECT_EQ(fault(base64url(header) + rest), FaultKind::invalid) << header;
  EXPECT_EQ(fault(base64url(R"({"alg":"none"})") + rest.substr(0, rest.rfind('.') + 1)), FaultKind::invalid);
}

TEST_F(SessionsTest, OfAnotherIssuerItIsNotOurs) {
  EXPECT_EQ(fault(forge(JWT_ALG_HS256, kKey, "elsewhere")), FaultKind::invalid);
}

TEST_F(SessionsTest, ChangedAnywhereItIsNotOurs) {
  const std::string good = issue(put_user("ann"));
  // The last character of each part may carry bits that nothing reads.
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (good[i] == '.' || i + 1 == good.size() || good[i + 1] == '.') continue;
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(sessions_.read(bad)) << i;
  }
  for (const std::string& bad : {std::string(), std::string(".."), good + ".x", good.substr(0, good.size() / 2),
                                 good + std::string(2000, 'A'), std::string(100'000, '.')})
    EXPECT_EQ(fault(bad), FaultKind::invalid) << bad.size();
}

TEST_F(SessionsTest, EndsAtItsTime) {
  const std::string token = issue(put_user("ann"));
  clock_.at = 1h - 1ms;
  EXPECT_TRUE(run(sessions_.check(token)));
  clock_.at = 1h;
  EXPECT_EQ(fault(token), FaultKind::not_found);
}

TEST_F(SessionsTest, TheLifetimeCanBeChangedForThoseToCome) {
  const std::string before = issue(put_user("ann"));
  sessions_.use(5min);
  const std::string after = issue(put_user("ann"));
  clock_.at = 30min;
  EXPECT_TRUE(run(sessions_.check(before)));
  EXPECT_EQ(fault(after), FaultKind::not_found);
}

TEST_F(SessionsTest, IsVoidOnceItsUserChangedOrIsGone) {
  const std::string token = issue(put_user("ann"));
  clock_.at = 1ms;
  put_user("ann");
  EXPECT_EQ(fault(token), FaultKind::not_found) << "the password may have changed";
  const std::string next = issue(put_user("ann"));
  EXPECT_TRUE(run(sessions_.check(next)));
  ask<Nothing>([&](auto done) { store_->remove_user("ann", std::move(done)); }).value();
  EXPECT_EQ(fault(next), FaultKind::not_found);
}

TEST_F(SessionsTest, TroubleOfTheStoreIsNotTheClients) {
  const std::string token = issue(put_user("ann"));
  store_->close();
  EXPECT_EQ(fault(token), FaultKind::unavailable);
}

TEST_F(SessionsTest, ANewKeyEndsAllOfThem) {
  const std::string token = issue(put_user("ann"));
  ASSERT_TRUE(sessions_.rotate());
  EXPECT_EQ(kept_key_.size(), kSecretOctets);
  EXPECT_EQ(fault(token), FaultKind::invalid);
  EXPECT_TRUE(run(sessions_.check(issue(put_user("ann")))));
}

TEST_F(SessionsTest, AKeyThatCannotBeKeptIsNotUsed) {
  Sessions sessions({loop_, clock_, *store_, kKey, [](const std::string&) {
                       return result<void>(Fault{FaultKind::unavailable, "disk full"});
                     }});
  const std::string token = sessions.issue(put_user("ann")).value().token;
  EXPECT_FALSE(sessions.rotate());
  EXPECT_TRUE(run(sessions.check(token)));
}

TEST_F(SessionsTest, AnotherProcessWithTheSameKeyKnowsThem) {
  const std::string token = issue(put_user("ann"));
  Sessions restarted({loop_, clock_, *store_, kKey, nullptr});
  EXPECT_TRUE(run(restarted.check(token)));
  Sessions other({loop_, clock_, *store_, std::string(32, 'o'), nullptr});
  EXPECT_FALSE(run(other.check(token)));
}

TEST_F(SessionsTest, AShortKeyIsNotAConfiguration) {
  EXPECT_THROW(Sessions({loop_, clock_, *store_, "short", nullptr}), std::logic_error);
}

}  // namespace
}  // namespace postrider::mgmt::test
