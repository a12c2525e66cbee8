// What a tenant may see and do: its own messages, and nothing of the relay.
#include <gtest/gtest.h>

#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

TEST(Tenant, OtherTenantsMessagesAreNotThere) {
  ApiServer server;
  const std::string own = server.accept_for("shop", "a@shop.example", {"b@example.net"}).str();
  const std::string other = server.accept_for("bank", "a@bank.example", {"b@example.net"}).str();
  const boost::json::object page = server.call_as_tenant("GET", "/v1/messages").json();
  ASSERT_EQ(page.at("messages").as_array().size(), 1u);
  EXPECT_EQ(page.at("messages").as_array()[0].at("id").as_string(), own);
  for (const char* path : {"", "/body"}) {
    EXPECT_EQ(server.call_as_tenant("GET", "/v1/messages/" + own + path).status, 200) << path;
    EXPECT_EQ(server.call_as_tenant("GET", "/v1/messages/" + other + path).status, 404) << path;
  }
  EXPECT_EQ(server.call_as_tenant("GET", "/v1/events?message=" + other).status, 404);
  EXPECT_EQ(server.call_as_tenant("POST", "/v1/messages/" + other + "/cancel").status, 404);
  EXPECT_EQ(server.call_as_tenant("POST", "/v1/messages/" + own + "/cancel").status, 200);
  const boost::json::object message = server.call("GET", "/v1/messages/" + own).json();
  EXPECT_EQ(message.at("events").as_array().back().at("actor"), "key:shop");
}

TEST(Tenant, TheRelayIsTheOperators) {
  ApiServer server;
  for (const char* path : {"/v1/users", "/v1/stats", "/v1/retention", "/metrics"}) {
    const Answer answer = server.call_as_tenant("GET", path);
    EXPECT_EQ(answer.status, 403) << path;
    EXPECT_EQ(answer.json().at("type"), "/problems/forbidden");
  }
  EXPECT_EQ(server.call_as_tenant("POST", "/v1/retention/run").status, 403);
}

}  // namespace
}  // namespace postrider::mgmt::test
