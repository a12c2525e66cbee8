// /v1/keys over HTTP, on a memory store.
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "mgmt/aws_auth.h"
#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

// "/a /b" for the fields that an answer names as wrong.
std::string pointers(const Answer& answer) {
  std::string out;
  const json::object problem = answer.json();
  for (const json::value& fault : problem.at("errors").as_array())
    out += (out.empty() ? "" : " ") + std::string(fault.at("pointer").as_string());
  return out;
}

json::object find(const json::array& keys, std::string_view name) {
  for (const json::value& key : keys)
    if (key.at("name").as_string() == name) return key.as_object();
  return {};
}

TEST(KeysApi, MakesAKeyThatWorksAndIsShownOnce) {
  ApiServer server;
  const Answer made = server.call("POST", "/v1/keys", R"({"name":"app","scopes":["send","read"],"tenant":"acme",
      "senders":["*@acme.example"],"networks":["127.0.0.0/8"],"expires_in":"90d","per_minute":10,"per_day":1000,
      "allow_recipients":["*@acme.example"],"redirect_to":"qa@acme.example"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.header("cache-control"), "no-store");
  const json::object key = made.json();
  const std::string token(key.at("key").as_string());
  EXPECT_EQ(key.at("tenant").as_string(), "acme");
  EXPECT_EQ(json::serialize(key.at("scopes")), R"(["send","read"])");
  EXPECT_EQ(json::serialize(key.at("networks")), R"(["127.0.0.0/8"])");
  EXPECT_EQ(key.at("per_minute").as_int64(), 10);
  EXPECT_EQ(key.at("per_day").as_int64(), 1000);
  EXPECT_EQ(key.at("redirect_to").as_string(), "qa@acme.example");
  EXPECT_EQ(*parse_rfc3339(std::string(key.at("expires_at").as_string())),
            *parse_rfc3339(std::string(key.at("created_at").as_string())) + std::chrono::hours(24 * 90));
  EXPECT_EQ(key.at("aws_access_key_id").as_string().size(), 18u);
  EXPECT_EQ(key.at("aws_secret_access_key").as_string().size(), 43u);

  EXPECT_EQ(server.call_with(token, "GET", "/v1/messages").status, 200);
  EXPECT_EQ(server.call_with(token, "GET", "/v1/keys").status, 403);
  const Answer listed = server.call("GET", "/v1/keys");
  EXPECT_EQ(listed.body.find(token), std::string::npos);
  EXPECT_EQ(listed.body.find("secret"), std::string::npos);
  const json::object shown = find(listed.json().at("keys").as_array(), "app");
  EXPECT_FALSE(shown.at("last_used_at").is_null());
  EXPECT_FALSE(shown.at("expired").as_bool());
  EXPECT_EQ(shown.at("recipients_today").as_int64(), 0);
}

TEST(KeysApi, LittleIsNeeded) {
  ApiServer server;
  const Answer made = server.call("POST", "/v1/keys", R"({"name":"app","scopes":["admin"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json().at("tenant").as_string(), "app");
  for (const char* none : {"expires_at", "per_minute", "per_day", "redirect_to", "last_used_at"})
    EXPECT_TRUE(made.json().at(none).is_null()) << none;
  EXPECT_EQ(server.call_with(std::string(made.json().at("key").as_string()), "GET", "/v1/keys").status, 200);
}

TEST(KeysApi, ARevokedKeyIsVoidAtOnce) {
  ApiServer server;
  const Answer made = server.call("POST", "/v1/keys", R"({"name":"app","scopes":["read"]})");
  const std::string token(made.json().at("key").as_string());
  EXPECT_EQ(server.call_with(token, "GET", "/v1/messages").status, 200);
  EXPECT_EQ(server.call("DELETE", "/v1/keys/app").status, 204);
  EXPECT_EQ(server.call_with(token, "GET", "/v1/messages").status, 401);
  EXPECT_EQ(server.call("DELETE", "/v1/keys/app").status, 404);
  EXPECT_EQ(server.call("POST", "/v1/keys", R"({"name":"app","scopes":["read"]})").status, 201) << "the name is free";
}

TEST(KeysApi, AKeySignsAsAwsDoes) {
  ApiServer server;
  const json::object key = server.call("POST", "/v1/keys", R"({"name":"app","scopes":["admin"]})").json();
  const auto headers = [&](const std::string& secret, const std::string& body) {
    std::string out = "Content-Type: application/json\r\n";
    for (const auto& [name, value] : providers::sign({"POST", "http://test/v1/keys", body, {}},
                                                     {std::string(key.at("aws_access_key_id").as_string()), secret, ""},
                                                     "eu-west-1", "ses", net::SystemClock().now()))
      out += name + ": " + value + "\r\n";
    return out;
  };
  const std::string secret(key.at("aws_secret_access_key").as_string());
  const std::string body = R"({"name":"next","scopes":["send"]})";
  EXPECT_EQ(server.call_raw("POST", "/v1/keys", headers(secret, body), body).status, 201);
  EXPECT_EQ(server.call_raw("POST", "/v1/keys", headers(secret, body), R"({"name":"more","scopes":["send"]})").status,
            401)
      << "another body";
  RawClient waits(server.endpoint());
  waits.send("POST /v1/keys HTTP/1.1\r\nHost: test\r\n" + headers("wrong", body) + "Content-Length: 500000\r\n\r\n");
  EXPECT_EQ(waits.read_answer().status, 401) << "refused by its head: no body was sent";
}

TEST(KeysApi, ANameIsGivenOnce) {
  ApiServer server;
  EXPECT_EQ(server.call("POST", "/v1/keys", R"({"name":"app","scopes":["send"]})").status, 201);
  EXPECT_EQ(server.call("POST", "/v1/keys", R"({"name":"app","scopes":["send"]})").status, 409);
}

TEST(KeysApi, EveryFaultIsNamedAtOnce) {
  ApiServer server;
  const Answer refused = server.call("POST", "/v1/keys", R"({"name":"a b","scopes":["send","king"],"tenant":"",
      "senders":["ok@example.com","no no"],"networks":["10.0.0.1/8",5],"expires_at":"2020-01-01T00:00:00Z","per_minute":0,
      "per_day":-1,"allow_recipients":["nobody"],"capture":"yes","colour":"red"})");
  EXPECT_EQ(refused.status, 422);
  const std::string named = pointers(refused);
  for (const char* pointer : {"/name", "/scopes/1", "/tenant", "/senders/1", "/networks/0", "/networks/1",
                              "/expires_at", "/per_minute", "/per_day", "/allow_recipients/0", "/capture", "/colour"})
    EXPECT_NE((named + " ").find(std::string(pointer) + " "), std::string::npos) << pointer << " in " << named;
}

TEST(KeysApi, FaultsOneByOne) {
  ApiServer server;
  const std::pair<const char*, const char*> cases[] = {
      {R"({"scopes":["send"]})", "/name"},
      {R"({"name":"app"})", "/scopes"},
      {R"({"name":"app","scopes":[]})", "/scopes"},
      {R"({"name":"app","scopes":"send"})", "/scopes"},
      {R"({"name":"app","scopes":["send"],"expires_in":"0"})", "/expires_at"},
      {R"({"name":"app","scopes":["send"],"expires_in":"90d","expires_at":"2099-01-01T00:00:00Z"})", "/expires_in"},
      {R"({"name":"app","scopes":["send"],"redirect_to":"a@example.com","capture":true})", "/redirect_to"},
      {R"({"name":"app","scopes":["send"],"redirect_to":"nobody"})", "/redirect_to"},
      {R"([])", ""}};
  for (const auto& [body, pointer] : cases) {
    const Answer refused = server.call("POST", "/v1/keys", body);
    EXPECT_EQ(refused.status, 422) << body;
    EXPECT_EQ(pointers(refused), pointer) << refused.body;
  }
  EXPECT_TRUE(find(server.call("GET", "/v1/keys").json().at("keys").as_array(), "app").empty());
}

TEST(KeysApi, IsForAdmins) {
  ApiServer server;
  EXPECT_EQ(server.call_as_tenant("GET", "/v1/keys").status, 403);
  EXPECT_EQ(server.call_as_tenant("POST", "/v1/keys", R"({"name":"app","scopes":["admin"]})").status, 403);
  EXPECT_EQ(server.call_as_tenant("DELETE", "/v1/keys/shop").status, 403);
  EXPECT_EQ(server.call_raw("GET", "/v1/keys", "").status, 401);
}

}  // namespace
}  // namespace postrider::mgmt::test
