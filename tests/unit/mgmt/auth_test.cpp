// Who is asking, by every scheme a request can bring.
#include "mgmt/auth.h"

#include <openssl/evp.h>

#include <algorithm>

#include "mgmt/aws_auth.h"
#include "net/await.h"
#include "tests/unit/mgmt/credentials_fixture.h"

namespace postrider::mgmt::test {
namespace {

std::string base64(const std::string& text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  return out.substr(0, static_cast<std::size_t>(length));
}

class AuthTest : public CredentialsTest {
 protected:
  Authenticator::Checked check(const Request& request) { return run(authenticator_->check(request)); }
  // The actor, or the kind of the refusal.
  std::string said(const Request& request) {
    const Authenticator::Checked checked = check(request);
    if (const auto* principal = std::get_if<Principal>(&checked)) return principal->actor;
    return std::string(title_of(std::get<Refusal>(checked).type));
  }
  Principal principal(const Request& request) {
    const Authenticator::Checked checked = check(request);
    return std::holds_alternative<Principal>(checked) ? std::get<Principal>(checked) : Principal();
  }
  Refusal refusal(const Request& request) {
    const Authenticator::Checked checked = check(request);
    return std::holds_alternative<Refusal>(checked) ? std::get<Refusal>(checked) : Refusal();
  }
  static Request basic(const std::string& name_and_password, const char* peer = "192.0.2.1") {
    return from(peer, {{"authorization", "Basic " + base64(name_and_password)}});
  }

  void trust(std::function<bool(const boost::asio::ip::address&)> trusted) {
    AuthParts trusting = parts();
    trusting.trusted = std::move(trusted);
    trusting.hosts = {"relay.example.com"};
    authenticator_ = std::make_unique<Authenticator>(std::move(trusting));
  }

  std::unique_ptr<Authenticator> authenticator_ = std::make_unique<Authenticator>(parts());
};

const std::string kUnauthorized(title_of(ProblemType::unauthorized));
const std::string kTooMany(title_of(ProblemType::too_many_requests));

TEST_F(AuthTest, TheOperatorTokenOpensAll) {
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER   "}) {
    const Principal who = principal(from("192.0.2.1", {{"authorization", scheme + std::string(kOperator)}}));
    EXPECT_EQ(who.actor, "operator") << scheme;
    EXPECT_TRUE(who.is_operator()) << scheme;
    EXPECT_EQ(who.tenant, "") << scheme;
  }
}

TEST_F(AuthTest, AnythingElseDoesNot) {
  for (const char* header : {"", "Bearer", "Bearer ", "Bearer pr_the-operator-toke", "Bearer pr_the-operator-token2",
                             "Basic pr_the-operator-token", "pr_the-operator-token", "Digest x", "AWS4-HMAC-SHA256"})
    EXPECT_EQ(said(from("127.0.0.1", {{"authorization", header}})), kUnauthorized) << header;
  EXPECT_EQ(said(from("127.0.0.1")), kUnauthorized);
}

TEST_F(AuthTest, AnEmptyTokenIsNotAConfiguration) {
  AuthParts without = parts();
  without.operator_token.clear();
  EXPECT_THROW(Authenticator{std::move(without)}, std::logic_error);
}

TEST_F(AuthTest, AKeyIsWhatItsRecordSays) {
  storage::ApiKeyRecord record = key("app");
  record.tenant = "shop";
  record.senders = {"*@shop.example"};
  record.guard.redirect_to = "qa@shop.example";
  const std::string token = add(record);
  const Principal who = principal(bearing(token));
  EXPECT_EQ(who.actor, "key:app");
  EXPECT_EQ(who.tenant, "shop");
  EXPECT_EQ(who.key, "app");
  EXPECT_EQ(who.scopes, (Scopes{Scope::send, Scope::read}));
  EXPECT_FALSE(who.everyone);
  EXPECT_EQ(who.senders, record.senders);
  EXPECT_EQ(who.guard, record.guard);
}

TEST_F(AuthTest, AKeyOfScopeAdminSpeaksForEverybody) {
  storage::ApiKeyRecord record = key("robot");
  record.scopes = {Scope::admin};
  EXPECT_TRUE(principal(bearing(add(record))).is_operator());
}

TEST_F(AuthTest, EveryVendorsSchemeTakesAKey) {
  const std::string token = add(key("app"));
  EXPECT_EQ(said(basic("api:" + token)), "key:app");
  EXPECT_EQ(said(basic("anything:" + token)), "key:app");
  EXPECT_EQ(said(from("192.0.2.1", {{"x-postmark-server-token", token}})), "key:app");
  EXPECT_EQ(said(basic("api:" + std::string(kOperator))), "operator");
  EXPECT_EQ(passwords_checked_, 0);
}

TEST_F(AuthTest, OneCredentialAtATime) {
  const std::string token = add(key("app"));
  EXPECT_EQ(said(from("192.0.2.1", {{"authorization", "Bearer " + token}, {"x-postmark-server-token", token}})),
            kUnauthorized);
  EXPECT_EQ(said(from("192.0.2.1", {{"authorization", "Bearer " + token}, {"authorization", "Bearer " + token}})),
            kUnauthorized);
}

TEST_F(AuthTest, AKeyEndsAtItsTime) {
  storage::ApiKeyRecord record = key("app");
  record.expires_at = clock_.now() + std::chrono::hours(1);
  const std::string token = add(record);
  clock_.at = std::chrono::minutes(59);
  EXPECT_EQ(said(bearing(token)), "key:app");
  clock_.at = std::chrono::hours(1);
  const Refusal late = refusal(bearing(token));
  EXPECT_EQ(late.type, ProblemType::unauthorized);
  EXPECT_NE(late.detail.find("expired"), std::string::npos) << late.detail;
}

TEST_F(AuthTest, AKeyOutsideItsNetworksIsForbidden) {
  storage::ApiKeyRecord record = key("app");
  record.networks = {parse_network("10.0.0.0/8").value(), parse_network("2001:db8::/32").value()};
  const std::string token = add(record);
  for (const char* inside : {"10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"})
    EXPECT_EQ(said(bearing(token, inside)), "key:app") << inside;
  for (const char* outside : {"192.0.2.1", "2001:db9::1", "127.0.0.1"})
    EXPECT_EQ(refusal(bearing(token, outside)).type, ProblemType::forbidden) << outside;
}

TEST_F(AuthTest, TheUseOfAKeyIsNoted) {
  const std::string token = add(key("app"));
  EXPECT_EQ(ring_.usage("app").last_used_at, Time{});
  clock_.at = std::chrono::seconds(5);
  check(bearing(token));
  EXPECT_EQ(ring_.usage("app").last_used_at, clock_.now());
  EXPECT_TRUE(ring_.usage("app").changed);
}

TEST_F(AuthTest, ARevokedKeyIsVoidAtOnce) {
  const std::string token = add(key("app"));
  ASSERT_TRUE(run(ring_.remove("app")));
  EXPECT_EQ(said(bearing(token)), kUnauthorized);
}

TEST_F(AuthTest, NameAndPasswordOfAUserOpenToo) {
  EXPECT_EQ(said(basic("ann:right-ann")), "ann");
  EXPECT_EQ(said(basic("a.b.c:right-a.b.c")), "a.b.c") << "not every password with two dots is a session";
  EXPECT_EQ(said(basic("ann:wrong")), kUnauthorized);
  EXPECT_EQ(said(basic("ann:")), kUnauthorized);
  EXPECT_EQ(said(basic(":right-")), kUnauthorized);
  EXPECT_EQ(said(basic("without a colon")), kUnauthorized);
  EXPECT_EQ(said(from("192.0.2.1", {{"authorization", "Basic !!!"}})), kUnauthorized);
}

TEST_F(AuthTest, AnUnknownKeyAsPasswordCostsNoHash) {
  EXPECT_EQ(said(basic("api:" + make_token())), kUnauthorized);
  EXPECT_EQ(said(basic("ann:" + std::string(2000, 'x'))), kUnauthorized);
  EXPECT_EQ(passwords_checked_, 0);
}

TEST_F(AuthTest, PasswordsThatCannotBeCheckedNowCountForNobody) {
  password_trouble_ = true;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(refusal(basic("ann:wrong")).type, ProblemType::unavailable);
  password_trouble_ = false;
  EXPECT_EQ(said(basic("ann:right-ann")), "ann");
}

TEST_F(AuthTest, RolesBecomeScopes) {
  const auto of = [](const char* role) {
    storage::UserRecord user;
    user.name = "ann";
    user.role = role;
    return principal_of(user);
  };
  EXPECT_EQ(of("sender").scopes, (Scopes{Scope::send, Scope::read, Scope::steer}));
  EXPECT_FALSE(of("sender").everyone);
  EXPECT_EQ(of("operator").scopes, of("sender").scopes);
  EXPECT_TRUE(of("operator").everyone);
  EXPECT_FALSE(of("operator").is_operator()) << "what is of the relay itself is for admins";
  EXPECT_TRUE(of("admin").is_operator());
  for (const char* role : {"sender", "operator", "admin"}) EXPECT_EQ(of(role).tenant, "ann") << role;
}

TEST_F(AuthTest, ASessionIsItsUserAsItIsNow) {
  const storage::UserRecord user = put_user("ann", "operator");
  const std::string token = sessions_.issue(user)->token;
  EXPECT_EQ(said(bearing(token)), "ann");
  EXPECT_TRUE(principal(bearing(token)).everyone);
  EXPECT_EQ(said(basic("x:" + token)), "ann");
}

TEST_F(AuthTest, SessionsThatEndedDoNotCountAsGuesses) {
  const std::string token = sessions_.issue(put_user("ann"))->token;
  clock_.at = std::chrono::hours(2);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(said(bearing(token)), kUnauthorized) << i;
}

TEST_F(AuthTest, WrongKeysAreSlowedDownAndRightOnesAreNot) {
  const std::string token = add(key("app"));
  for (int i = 0; i < 30; ++i) EXPECT_EQ(said(bearing("pr_wrong")), kUnauthorized) << i;
  const Refusal slowed = refusal(bearing("pr_wrong"));
  EXPECT_EQ(slowed.type, ProblemType::too_many_requests);
  EXPECT_EQ(slowed.retry_after, std::chrono::minutes(15));
  EXPECT_EQ(said(bearing("a.b.c")), kTooMany) << "a forged session is a guess, too";
  EXPECT_EQ(said(bearing(token)), "key:app") << "nobody can guess 256 bits: who has them is let in";
  EXPECT_EQ(said(bearing("pr_wrong", "192.0.2.2")), kUnauthorized) << "another address";
  clock_.at = std::chrono::minutes(15);
  EXPECT_EQ(said(bearing("pr_wrong")), kUnauthorized);
}

TEST_F(AuthTest, AfterTooManyPasswordsNoneIsCheckedAnyMore) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(said(basic("ann:wrong")), kUnauthorized) << i;
  const int checked = passwords_checked_;
  EXPECT_EQ(said(basic("ann:wrong")), kTooMany);
  EXPECT_EQ(said(basic("ann:right-ann")), kTooMany);
  EXPECT_EQ(passwords_checked_, checked);
  EXPECT_EQ(said(basic("ann:right-ann", "192.0.2.2")), "ann") << "from elsewhere the right one opens";
  EXPECT_EQ(said(basic("bob:right-bob")), "bob") << "and another account, as the address has not failed enough";
}

// Passwords that are being checked until the test lets them go on.
class SlowPasswords : public AuthTest {
 protected:
  SlowPasswords() {
    AuthParts slow = parts();
    slow.check_password = [this](std::string name, std::string password) {
      return wait_and_check(std::move(name), std::move(password));
    };
    authenticator_ = std::make_unique<Authenticator>(std::move(slow));
  }
  boost::asio::awaitable<result<std::optional<storage::UserRecord>>> wait_and_check(std::string name,
                                                                                    std::string password) {
    auto start = [this](Done<Nothing> done) { waiting_.push_back(std::move(done)); };
    const auto waited = co_await net::await_done<Nothing>(loop_, start);
    if (!waited) co_return waited.error();
    co_return co_await check_password(std::move(name), std::move(password));
  }
  boost::asio::awaitable<void> guess(std::string password) {
    boost::asio::ip::address peer = address("192.0.2.1");
    std::string name = "ann";
    Authenticator::Login login = co_await authenticator_->log_in(peer, std::move(name), std::move(password));
    logins_.push_back(std::move(login));
  }
  std::size_t refused(ProblemType type) const {
    return static_cast<std::size_t>(std::count_if(logins_.begin(), logins_.end(), [&](const auto& login) {
      const auto* no = std::get_if<Refusal>(&login);
      return no && no->type == type;
    }));
  }

  std::vector<Done<Nothing>> waiting_;
  std::vector<Authenticator::Login> logins_;
};

TEST_F(SlowPasswords, GuessesSideBySideCountAsGuessesOneByOne) {
  for (int i = 0; i < 19; ++i) tasks_.spawn("guess", guess("wrong"));
  tasks_.spawn("guess", guess("right-ann"));
  while (waiting_.size() < 20) loop_.io().run_one();
  for (Done<Nothing>& done : waiting_) done.complete(Nothing{});
  while (logins_.size() < 20) loop_.io().run_one();
  EXPECT_EQ(refused(ProblemType::unauthorized), 10u);
  EXPECT_EQ(refused(ProblemType::too_many_requests), 10u) << "the right one came after ten wrong ones";
}

TEST_F(AuthTest, ATrustedNetworkNeedsNoKey) {
  trust([](const boost::asio::ip::address& peer) { return peer.is_loopback(); });
  EXPECT_EQ(said(from("127.0.0.1")), "trusted:127.0.0.1");
  EXPECT_TRUE(principal(from("127.0.0.1")).is_operator());
  EXPECT_EQ(said(from("192.0.2.1")), kUnauthorized);
  EXPECT_EQ(said(bearing("wrong", "127.0.0.1")), kUnauthorized) << "a wrong key is wrong from there, too";
}

TEST_F(AuthTest, AWebPageCannotUseTheTrustOfAMachine) {
  trust([](const boost::asio::ip::address&) { return true; });
  Request request = from("127.0.0.1", {{"origin", "https://evil.example"}});
  EXPECT_EQ(refusal(request).type, ProblemType::forbidden_origin);
  request.fields.emplace_back("authorization", "Bearer " + std::string(kOperator));
  EXPECT_EQ(said(request), "operator");
}

TEST_F(AuthTest, AProxyDoesNotLendItsTrust) {
  trust([](const boost::asio::ip::address&) { return true; });
  const std::string token = add(key("app"));
  for (const char* field : {"forwarded", "x-forwarded-for", "via"}) {
    const Refusal no = refusal(from("127.0.0.1", {{field, "198.51.100.1"}}));
    EXPECT_EQ(no.type, ProblemType::forbidden_origin) << field;
    EXPECT_NE(no.detail.find(field), std::string::npos) << no.detail;
    EXPECT_EQ(said(from("127.0.0.1", {{field, "198.51.100.1"}, {"authorization", "Bearer " + token}})), "key:app");
  }
}

TEST_F(AuthTest, WithoutAKeyTheHostMustBeOurs) {
  trust([](const boost::asio::ip::address&) { return true; });
  for (const char* own : {"127.0.0.1", "127.0.0.1:8025", "[::1]", "[::1]:8025", "localhost", "LocalHost:8025",
                          "relay.example.com", "Relay.Example.com:443", ""})
    EXPECT_EQ(said(from("127.0.0.1", {{"host", own}})), "trusted:127.0.0.1") << own;
  for (const char* other : {"evil.example", "evil.example:8025", "localhost.evil.example", "127.0.0.1.evil.example",
                            "relay.example.com.evil.example", "[localhost.evil.example]:1", "[evil"}) {
    const Refusal no = refusal(from("127.0.0.1", {{"host", other}}));
    EXPECT_EQ(no.type, ProblemType::forbidden_origin) << other;
    EXPECT_NE(no.detail.find("Host"), std::string::npos) << no.detail;
  }
}

TEST_F(AuthTest, WithoutAKeyChangesMustBeJson) {
  trust([](const boost::asio::ip::address&) { return true; });
  Request request = from("127.0.0.1");
  request.method = http::verb::post;
  EXPECT_EQ(refusal(request).type, ProblemType::unsupported_media_type);
  request.fields = {{"content-type", "text/plain"}};
  EXPECT_EQ(refusal(request).type, ProblemType::unsupported_media_type);
  request.fields = {{"content-type", "Application/JSON; charset=utf-8"}};
  EXPECT_EQ(said(request), "trusted:127.0.0.1");
}

TEST_F(AuthTest, ASignatureOpensAndWaitsForTheBody) {
  storage::ApiKeyRecord record = key("app");
  record.networks = {parse_network("192.0.2.0/24").value()};
  add(record);
  const AwsKeyPair pair = aws_key_pair(*ring_.find_by_name("app"), std::string(32, 'a'));
  Request request = from("192.0.2.1", {{"host", "relay.example.com"}});
  request.method = http::verb::post;
  request.target = "/v2/email/outbound-emails";
  request.body = "{}";
  for (const auto& [name, value] :
       providers::sign({"POST", "http://relay.example.com/v2/email/outbound-emails", request.body, {}},
                       {pair.access_key_id, pair.secret_access_key, ""}, "eu-west-1", "ses", clock_.now()))
    request.fields.emplace_back(name == "Authorization" ? "authorization" : name, value);
  EXPECT_TRUE(Authenticator::needs_body(request));
  EXPECT_FALSE(Authenticator::needs_body(bearing("x")));
  EXPECT_EQ(said(request), "key:app");
  Request head = request;
  head.body.clear();
  EXPECT_EQ(run(authenticator_->check(head, RequestStage::head)).index(), 0u);
  head.target += "?x=1";
  EXPECT_EQ(run(authenticator_->check(head, RequestStage::head)).index(), 1u) << "refused before the body comes";
  request.peer = address("198.51.100.1");
  EXPECT_EQ(refusal(request).type, ProblemType::forbidden);
  request.peer = address("192.0.2.1");
  request.body = "{ }";
  EXPECT_EQ(refusal(request).type, ProblemType::unauthorized);
  EXPECT_TRUE(refusal(request).detail.starts_with("SignatureDoesNotMatch: ")) << refusal(request).detail;
}

}  // namespace
}  // namespace postrider::mgmt::test
