// /v1/users over HTTP, on a memory store.
#include <gtest/gtest.h>

#include "mgmt/user_rules.h"
#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

TEST(UsersApi, AddsListsAndRemoves) {
  ApiServer server;
  const Answer added =
      server.call("POST", "/v1/users", R"({"name":"app","password":"wald","senders":["*@example.com"],"scram":true})");
  EXPECT_EQ(added.status, 201);
  EXPECT_EQ(added.body.find("wald"), std::string::npos);
  const json::array users = server.call("GET", "/v1/users").json().at("users").as_array();
  ASSERT_EQ(users.size(), 1u);
  EXPECT_EQ(users[0].at("name").as_string(), "app");
  EXPECT_EQ(users[0].at("role").as_string(), "sender");
  EXPECT_EQ(users[0].at("senders").as_array().at(0).as_string(), "*@example.com");
  EXPECT_TRUE(users[0].at("scram").as_bool());
  const Answer removed = server.call("DELETE", "/v1/users/app");
  EXPECT_EQ(removed.status, 204);
  EXPECT_EQ(removed.header("content-length"), "");
  EXPECT_TRUE(server.call("GET", "/v1/users").json().at("users").as_array().empty());
}

TEST(UsersApi, ANameIsGivenOnce) {
  ApiServer server;
  const std::string body = R"({"name":"app","password":"wald"})";
  EXPECT_EQ(server.call("POST", "/v1/users", body).status, 201);
  EXPECT_EQ(server.call("POST", "/v1/users", body).status, 409);
}

TEST(UsersApi, ChangesAPasswordAndKeepsScram) {
  ApiServer server;
  ASSERT_EQ(server.call("POST", "/v1/users", R"({"name":"app","password":"wald","scram":true})").status, 201);
  EXPECT_EQ(server.call("PUT", "/v1/users/app/password", R"({"password":"wiese"})").status, 204);
  const storage::UserRecord user = server.user("app");
  EXPECT_EQ(user.password_hash, "hash-of-wiese");
  EXPECT_EQ(user.scram, "scram-of-wiese");
}

TEST(UsersApi, AGuardComesWithTheUserAndIsShown) {
  ApiServer server;
  const Answer added = server.call(
      "POST", "/v1/users",
      R"({"name":"app","password":"wald","allow_recipients":["*@example.com"],"redirect_to":"qa@example.net"})");
  ASSERT_EQ(added.status, 201);
  EXPECT_EQ(added.json().at("allow_recipients").as_array().at(0).as_string(), "*@example.com");
  EXPECT_EQ(added.json().at("redirect_to").as_string(), "qa@example.net");
  EXPECT_FALSE(added.json().at("capture").as_bool());
  EXPECT_EQ(server.user("app").guard.redirect_to, "qa@example.net");
}

TEST(UsersApi, APasswordKeepsTheGuardUnlessOneIsGiven) {
  ApiServer server;
  ASSERT_EQ(server.call("POST", "/v1/users", R"({"name":"app","password":"wald","capture":true})").status, 201);
  EXPECT_EQ(server.call("PUT", "/v1/users/app/password", R"({"password":"wiese"})").status, 204);
  EXPECT_FALSE(server.user("app").guard.capture.empty());
  EXPECT_EQ(
      server.call("PUT", "/v1/users/app/password", R"({"password":"x","allow_recipients":["a@example.com"]})").status,
      204);
  EXPECT_TRUE(server.user("app").guard.capture.empty()) << "it is replaced as a whole";
  EXPECT_EQ(server.user("app").guard.allow_recipients.size(), 1u);
  EXPECT_EQ(server.call("PUT", "/v1/users/app/password", R"({"password":"x","capture":false})").status, 204);
  EXPECT_TRUE(server.user("app").guard.empty());
}

TEST(UsersApi, FaultyGuardsAreRefused) {
  ApiServer server;
  for (const char* guard :
       {R"("allow_recipients":"a@b")", R"("allow_recipients":["example.com"])", R"("allow_recipients":["a@"])",
        R"("allow_recipients":["a b@c"])", R"("redirect_to":"qa")", R"("redirect_to":"a@b@c")", R"("capture":"yes")",
        R"("redirect_to":"qa@example.net","capture":true)"})
    EXPECT_EQ(server.call("POST", "/v1/users", R"({"name":"app","password":"x",)" + std::string(guard) + "}").status,
              400)
        << guard;
}

TEST(UsersApi, UnknownUsersAre404) {
  ApiServer server;
  EXPECT_EQ(server.call("DELETE", "/v1/users/nobody").status, 404);
  EXPECT_EQ(server.call("PUT", "/v1/users/nobody/password", R"({"password":"x"})").status, 404);
}

TEST(UsersApi, FaultyUsersAreRefused) {
  ApiServer server;
  for (const char* body :
       {"", "{}", R"({"name":"app"})", R"({"password":"x"})", R"({"name":"a b","password":"x"})",
        R"({"name":"","password":"x"})", R"({"name":"app","password":""})",
        R"({"name":"app","password":"x","role":"king"})", R"({"name":"app","password":"x","senders":"a@b"})",
        R"({"name":"app","password":"x","senders":["a b"]})", R"({"name":"app","password":"x","scram":"yes"})",
        R"({"name":"app","password":"x","colour":"red"})"})
    EXPECT_EQ(server.call("POST", "/v1/users", body).status, 400) << body;
  EXPECT_EQ(server.call("PUT", "/v1/users/app/password", "{}").status, 400);
}

// "pointer pointer" of a 400.
std::string pointers_of(const Answer& answer) {
  EXPECT_EQ(answer.status, 400) << answer.body;
  const json::object problem = answer.json();
  EXPECT_EQ(problem.at("type"), "/problems/invalid-body") << answer.body;
  std::string pointers;
  for (const json::value& error : problem.at("errors").as_array()) {
    EXPECT_FALSE(error.at("detail").as_string().empty());
    pointers += (pointers.empty() ? "" : " ") + std::string(error.at("pointer").as_string());
  }
  return pointers;
}

TEST(UsersApi, EveryFaultIsNamedAtOnceWithItsMember) {
  ApiServer server;
  EXPECT_EQ(pointers_of(server.call("POST", "/v1/users", "{}")), "/name /password");
  EXPECT_EQ(pointers_of(server.call("POST", "/v1/users", "[]")), "");
  EXPECT_EQ(pointers_of(server.call(
                "POST", "/v1/users",
                R"({"name":"a b","password":"","role":"king","senders":["*@a.example",7,"a b"],"scram":"yes",)"
                R"("allow_recipients":["a@","*@b.example","c"],"redirect_to":"qa","colour":"red"})")),
            "/password /senders/1 /scram /colour /name /role /senders/2 /allow_recipients/0 /allow_recipients/2 "
            "/redirect_to");
  ASSERT_EQ(server.call("POST", "/v1/users", R"({"name":"app","password":"wald"})").status, 201);
  EXPECT_EQ(pointers_of(server.call("PUT", "/v1/users/app/password",
                                    R"({"password":7,"allow_recipients":["c"],"redirect_to":"qa"})")),
            "/password /allow_recipients/0 /redirect_to");
  EXPECT_EQ(server.user("app").password_hash, "hash-of-wald");
}

TEST(UsersApi, APasswordThatCannotBeHashedIsNamedToo) {
  ApiServer server;
  const std::string longest(1024, 'x');
  EXPECT_EQ(server.call("POST", "/v1/users", R"({"name":"app","password":")" + longest + "\"}").status, 201);
  EXPECT_EQ(pointers_of(server.call("POST", "/v1/users", R"({"name":"b","password":")" + longest + "x\"}")),
            "/password");
}

TEST(UsersApi, NamesThatWouldPassForOthersAreRefused) {
  ApiServer server;
  for (const char* name : {"operator", ".", "..", "key:app", "trusted:192.0.2.1", "a/b"}) {
    EXPECT_EQ(server.call("POST", "/v1/users", R"({"name":")" + std::string(name) + R"(","password":"x"})").status, 400)
        << name;
    EXPECT_EQ(server.call("POST", "/v1/keys", R"({"name":")" + std::string(name) + R"(","scopes":["send"]})").status,
              422)
        << name;
  }
  for (const char* name : {"operators", "Operator", "...", "a.b"})
    EXPECT_EQ(server.call("POST", "/v1/users", R"({"name":")" + std::string(name) + R"(","password":"x"})").status, 201)
        << name;
}

TEST(UsersApi, NeedsAKeyForEverything) {
  ApiServer server;
  EXPECT_EQ(server.call_raw("GET", "/v1/users", "").status, 401);
  EXPECT_EQ(server.call_raw("POST", "/v1/users", "Content-Type: application/json\r\n", "{}").status, 401);
  EXPECT_EQ(server.call_raw("DELETE", "/v1/users/app", "").status, 401);
  EXPECT_EQ(server.call_raw("PUT", "/v1/users/app/password", "").status, 401);
}

TEST(UsersApi, ATrustedNetworkMayUseItAndAWebPageMayNot) {
  ServerSetup setup;
  setup.trusted = [](const boost::asio::ip::address&) { return true; };
  ApiServer server(std::move(setup));
  EXPECT_EQ(server.call_raw("GET", "/v1/users", "").status, 200);
  EXPECT_EQ(server.call_raw("GET", "/v1/users", "Origin: https://evil.example\r\n").status, 403);
  EXPECT_EQ(server.call_raw("DELETE", "/v1/users/app", "").status, 415);
}

}  // namespace
}  // namespace postrider::mgmt::test
