// /tokens over HTTP, on a memory store.
#include <gtest/gtest.h>

#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

class TokensApiTest : public testing::Test {
 protected:
  TokensApiTest() { add("ann", "sender"); }

  void add(const std::string& name, const std::string& role) {
    const Answer added =
        server_.call("POST", "/v1/users", R"({"name":")" + name + R"(","password":"wald","role":")" + role + "\"}");
    EXPECT_EQ(added.status, 201) << added.body;
  }
  Answer log_in(const std::string& name, const std::string& password) {
    return server_.call_raw("POST", "/tokens", "Content-Type: application/json\r\n",
                            R"({"username":")" + name + R"(","password":")" + password + "\"}");
  }
  std::string token_of(const std::string& name) {
    const Answer answer = log_in(name, "wald");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return std::string(answer.json().at("token").as_string());
  }

  ApiServer server_;
};

TEST_F(TokensApiTest, APasswordGivesASession) {
  const Answer answer = log_in("ann", "wald");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  EXPECT_EQ(answer.json().at("token_type").as_string(), "Bearer");
  EXPECT_GT(answer.json().at("expires_in").as_int64(), 3500);
  EXPECT_LE(answer.json().at("expires_in").as_int64(), 3600);
  EXPECT_TRUE(parse_rfc3339(std::string(answer.json().at("expires_at").as_string())));
  const std::string token(answer.json().at("token").as_string());
  EXPECT_EQ(server_.call_with(token, "GET", "/v1/messages").status, 200);
  EXPECT_EQ(server_.call_with(token, "GET", "/v1/users").status, 403);
}

TEST_F(TokensApiTest, AnAdminsSessionDoesAll) {
  add("root", "admin");
  EXPECT_EQ(server_.call_with(token_of("root"), "GET", "/v1/users").status, 200);
}

TEST_F(TokensApiTest, WrongOnesAreRefusedAndThenSlowedDown) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(log_in("ann", "wrong").status, 401);
    EXPECT_EQ(log_in("nobody", "wald").status, 401);
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(log_in("ann", "wrong").status, 401);
  const Answer slowed = log_in("ann", "wald");
  EXPECT_EQ(slowed.status, 429);
  EXPECT_GT(std::stoi(slowed.header("retry-after")), 800);
}

TEST_F(TokensApiTest, WhatIsMissingIsNamed) {
  const auto pointers = [this](const char* body) {
    const Answer refused = server_.call_raw("POST", "/tokens", "Content-Type: application/json\r\n", body);
    EXPECT_EQ(refused.status, 422) << body;
    std::string out;
    const json::object problem = refused.json();
    for (const json::value& fault : problem.at("errors").as_array())
      out += std::string(fault.at("pointer").as_string()) + " ";
    return out;
  };
  EXPECT_EQ(pointers("{}"), "/username /password ");
  EXPECT_EQ(pointers("[]"), " ") << "the whole";
  EXPECT_EQ(pointers(R"({"username":"ann"})"), "/password ");
  EXPECT_EQ(pointers(R"({"username":7,"password":"wald"})"), "/username ");
  EXPECT_EQ(pointers(R"({"username":"ann","password":"wald","remember":true})"), "/remember ");
}

TEST_F(TokensApiTest, TellsWhetherATokenIsGood) {
  const std::string token = token_of("ann");
  const Answer good = server_.call_with(token, "GET", "/tokens");
  ASSERT_EQ(good.status, 200) << good.body;
  EXPECT_TRUE(good.json().at("valid").as_bool());
  EXPECT_EQ(good.json().at("username").as_string(), "ann");
  EXPECT_GT(good.json().at("expires_in").as_int64(), 3500);

  for (const std::string& bad : {token + "x", std::string("a.b.c"), std::string("pr_unknown")}) {
    const Answer answer = server_.call_with(bad, "GET", "/tokens");
    EXPECT_EQ(answer.status, 401) << bad;
    EXPECT_EQ(answer.header("content-type"), "application/problem+json");
    EXPECT_FALSE(answer.json().at("valid").as_bool()) << bad;
    EXPECT_FALSE(answer.json().at("detail").as_string().empty());
  }
  const Answer none = server_.call_raw("GET", "/tokens", "");
  EXPECT_EQ(none.status, 401);
  EXPECT_FALSE(none.json().at("valid").as_bool());
}

TEST_F(TokensApiTest, TellsOfKeysToo) {
  const Answer operators = server_.call("GET", "/tokens");
  EXPECT_EQ(operators.json().at("username").as_string(), "operator");
  EXPECT_TRUE(operators.json().at("expires_at").is_null());
  EXPECT_TRUE(operators.json().at("expires_in").is_null());
  EXPECT_EQ(server_.call_as_tenant("GET", "/tokens").json().at("username").as_string(), "key:shop");
}

TEST_F(TokensApiTest, ANewPasswordEndsItsSessions) {
  const std::string token = token_of("ann");
  EXPECT_EQ(server_.call_with(token, "GET", "/v1/messages").status, 200);
  EXPECT_EQ(server_.call("PUT", "/v1/users/ann/password", R"({"password":"wiese"})").status, 204);
  EXPECT_EQ(server_.call_with(token, "GET", "/v1/messages").status, 401);
  EXPECT_EQ(server_.call("DELETE", "/v1/users/ann").status, 204);
  EXPECT_EQ(log_in("ann", "wiese").status, 401);
}

TEST_F(TokensApiTest, RotatingEndsAllSessionsAndIsForAdmins) {
  const std::string token = token_of("ann");
  EXPECT_EQ(server_.call_with(token, "POST", "/v1/tokens/rotate").status, 403);
  EXPECT_EQ(server_.call_with(token, "GET", "/tokens").status, 200);
  EXPECT_EQ(server_.call("POST", "/v1/tokens/rotate").status, 204);
  EXPECT_EQ(server_.call_with(token, "GET", "/tokens").status, 401);
  EXPECT_EQ(server_.call_with(token_of("ann"), "GET", "/tokens").status, 200);
  EXPECT_EQ(server_.call_as_tenant("GET", "/v1/messages").status, 200) << "keys stay";
}

}  // namespace
}  // namespace postrider::mgmt::test
