// Who may use the API.
#include "mgmt/auth.h"

#include <gtest/gtest.h>

namespace postrider::mgmt {
namespace {

Authenticator with_trust() {
  return Authenticator(
      {{{"pr_secret", {"operator", {}}}}, [](const boost::asio::ip::address& peer) { return peer.is_loopback(); }});
}

Request from(const char* peer, std::string authorization = {}) {
  Request request;
  request.peer = boost::asio::ip::make_address(peer);
  request.authorization = std::move(authorization);
  return request;
}

unsigned status(const std::variant<Principal, Response>& checked) {
  return std::holds_alternative<Principal>(checked) ? 200u : static_cast<unsigned>(std::get<Response>(checked).status);
}

TEST(Auth, TheOperatorTokenOpens) {
  const Authenticator auth({{{"pr_secret", {"operator", {}}}}, nullptr});
  for (const char* header : {"Bearer pr_secret", "bearer pr_secret", "BEARER   pr_secret"}) {
    const auto checked = auth.check(from("192.0.2.1", header));
    ASSERT_EQ(status(checked), 200u) << header;
    EXPECT_EQ(std::get<Principal>(checked).actor, "operator");
  }
}

TEST(Auth, AnythingElseDoesNot) {
  const Authenticator auth({{{"pr_secret", {"operator", {}}}}, nullptr});
  for (const char* header :
       {"", "Bearer", "Bearer ", "Bearer pr_secre", "Bearer pr_secret2", "Basic pr_secret", "pr_secret"})
    EXPECT_EQ(status(auth.check(from("127.0.0.1", header))), 401u) << header;
}

TEST(Auth, AnEmptyTokenIsNotAConfiguration) {
  EXPECT_THROW(Authenticator({{{"", {}}}, nullptr}), std::logic_error);
}

TEST(Auth, ATrustedNetworkNeedsNoKey) {
  const Authenticator auth = with_trust();
  const auto checked = auth.check(from("127.0.0.1"));
  ASSERT_EQ(status(checked), 200u);
  EXPECT_EQ(std::get<Principal>(checked).actor, "trusted:127.0.0.1");
  EXPECT_EQ(status(auth.check(from("192.0.2.1"))), 401u);
}

TEST(Auth, AWrongKeyIsRefusedFromATrustedNetworkToo) {
  EXPECT_EQ(status(with_trust().check(from("127.0.0.1", "Bearer wrong"))), 401u);
}

TEST(Auth, AWebPageCannotUseTheTrustOfAMachine) {
  Request request = from("127.0.0.1");
  request.origin = "https://evil.example";
  EXPECT_EQ(status(with_trust().check(request)), 403u);
  request.authorization = "Bearer pr_secret";
  EXPECT_EQ(status(with_trust().check(request)), 200u);
}

TEST(Auth, WithoutAKeyChangesMustBeJson) {
  Request request = from("127.0.0.1");
  request.method = http::verb::post;
  EXPECT_EQ(status(with_trust().check(request)), 415u);
  request.content_type = "text/plain";
  EXPECT_EQ(status(with_trust().check(request)), 415u);
  request.content_type = "Application/JSON; charset=utf-8";
  EXPECT_EQ(status(with_trust().check(request)), 200u);
}

}  // namespace
}  // namespace postrider::mgmt
