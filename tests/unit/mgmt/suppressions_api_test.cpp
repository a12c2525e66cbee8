// The suppression list over HTTP.
#include "mgmt/suppressions_api.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

class SuppressionList : public testing::Test {
 protected:
  SuppressionList() : api_(server_.loop(), server_.loop().clock(), server_.store(), log_) {
    api_.add_routes(server_.router());
  }
  ~SuppressionList() override { server_.close(); }

  Answer add(const std::string& address, const std::string& reason = {}) {
    json::object entry{{"address", address}};
    if (!reason.empty()) entry["reason"] = reason;
    return server_.call("POST", "/v1/suppressions", json::serialize(entry));
  }
  std::vector<std::string> addresses(const Answer& page) {
    std::vector<std::string> all;
    for (const json::value& entry : page.json().at("suppressions").as_array())
      all.emplace_back(entry.at("address").as_string());
    return all;
  }
  Answer list(const std::string& query = {}) { return server_.call("GET", "/v1/suppressions" + query); }

  NullLog log_;
  ApiServer server_;
  SuppressionsApi api_;
};

using Addresses = std::vector<std::string>;

TEST_F(SuppressionList, TakesListsAndRemoves) {
  const Answer added = add("gone@example.net", "asked us to stop");
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.json().at("reason"), "asked us to stop");
  EXPECT_EQ(added.json().at("actor"), "operator");
  const Answer listed = list();
  ASSERT_EQ(listed.status, 200) << listed.body;
  EXPECT_EQ(listed.json().at("suppressions").as_array().at(0), added.json());
  EXPECT_TRUE(listed.json().at("next").is_null());
  EXPECT_EQ(server_.call("DELETE", "/v1/suppressions/Gone@example.net").status, 204);
  EXPECT_EQ(server_.call("DELETE", "/v1/suppressions/gone@example.net").status, 404);
  EXPECT_EQ(addresses(list()), Addresses());
}

TEST_F(SuppressionList, ReplacesTheEntryOfAnAddress) {
  add("gone@example.net", "one");
  add("gone@example.net", "two");
  const Answer listed = list();
  ASSERT_EQ(addresses(listed), Addresses{"gone@example.net"});
  EXPECT_EQ(listed.json().at("suppressions").at(0).at("reason"), "two");
}

TEST_F(SuppressionList, GoesPageByPage) {
  for (const char* address : {"c@example.net", "a@example.net", "b@example.net"}) ASSERT_EQ(add(address).status, 201);
  const Answer first = list("?limit=2");
  EXPECT_EQ(addresses(first), (Addresses{"a@example.net", "b@example.net"}));
  const Answer second = list("?limit=2&cursor=" + std::string(first.json().at("next").as_string()));
  EXPECT_EQ(addresses(second), Addresses{"c@example.net"});
  EXPECT_TRUE(second.json().at("next").is_null());
}

TEST_F(SuppressionList, ADomainIsKeptAsMailServersKnowIt) {
  const Answer added =
      add("user@b\xc3\xbc"
          "cher.example");
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.json().at("address"), "user@xn--bcher-kva.example");
}

TEST_F(SuppressionList, RefusesWhatIsNoAddress) {
  const std::string too_long =
      std::string(64, 'a') + "@" + std::string(60, 'b') + "." + std::string(250, 'c') + ".example";
  for (const std::string& address : {std::string("user"), std::string("@example.net"), std::string(""),
                                     std::string("<>"), std::string("a@b@c d"), too_long})
    EXPECT_EQ(add(address).status, 422) << address;
  EXPECT_EQ(server_.call("POST", "/v1/suppressions", "{}").status, 422);
  EXPECT_EQ(server_.call("POST", "/v1/suppressions", R"({"adress":"a@example.net"})").status, 422);
  const Answer both = server_.call("POST", "/v1/suppressions", R"({"address":"bad","x":1})");
  EXPECT_NE(both.body.find("/address"), std::string::npos) << both.body;
  EXPECT_NE(both.body.find("/x"), std::string::npos) << both.body;
  EXPECT_EQ(add("a@example.net", std::string(513, 'x')).status, 422);
  EXPECT_EQ(list("?limit=0").status, 400);
  EXPECT_EQ(addresses(list()), Addresses());
}

TEST_F(SuppressionList, IsForOperators) {
  EXPECT_EQ(server_.call_as_tenant("GET", "/v1/suppressions").status, 403);
  EXPECT_EQ(server_.call_as_tenant("POST", "/v1/suppressions", R"({"address":"a@example.net"})").status, 403);
  EXPECT_EQ(server_.call_as_tenant("DELETE", "/v1/suppressions/a@example.net").status, 403);
}

}  // namespace
}  // namespace postrider::mgmt::test
