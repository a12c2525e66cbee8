// PATCH /v1/messages/{id} and POST /v1/validate.
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "tests/unit/mgmt/send_server.h"

namespace postrider::mgmt::test {
namespace {

using boost::json::object;

std::string in(Duration span) {
  return format_rfc3339(net::SystemClock().now() + span);
}

std::string scheduled(SendServer& server, Duration span) {
  const Answer answer = server.post(
      "/v1/messages", R"({"from":"a@shop.example","to":"u@example.net","text":"x","send_at":")" + in(span) + "\"}");
  EXPECT_EQ(answer.status, 202) << answer.body;
  return "/v1/messages/" + text_at(answer.json(), "id");
}

TEST(ScheduleApi, TimeLaneAndExpiryChangeBeforeTheFirstTry) {
  SendServer server;
  const std::string path = scheduled(server, std::chrono::hours(2));
  const std::string later = in(std::chrono::hours(5));
  const Answer answer =
      server.api.call("PATCH", path, R"({"send_at":")" + later + R"(","lane":"low","expires_in":"1h"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const object message = answer.json();
  EXPECT_EQ(text_at(message, "next_try_at"), later);
  EXPECT_EQ(message.at("lane"), "low");
  EXPECT_EQ(text_at(message, "expires_at"), format_rfc3339(*parse_rfc3339(later) + std::chrono::hours(1)));
  const object now = server.api.call("PATCH", path, R"({"expires_at":null})").json();
  EXPECT_TRUE(now.at("expires_at").is_null());
  const auto events = server.api.call("GET", path).json().at("events").as_array();
  EXPECT_EQ(events.back().at("type"), "rescheduled");
  EXPECT_EQ(events.back().at("actor"), "operator");
}

TEST(ScheduleApi, ATimeToLiveMovesWithTheTimeAndEndsAfterIt) {
  SendServer server;
  const std::string path = scheduled(server, std::chrono::hours(2));
  const Answer living = server.api.call("PATCH", path, R"({"expires_in":"1h"})");
  ASSERT_EQ(living.status, 200) << living.body;
  const std::string later = in(std::chrono::hours(20));
  const Answer moved = server.api.call("PATCH", path, R"({"send_at":")" + later + "\"}");
  ASSERT_EQ(moved.status, 200) << moved.body;
  EXPECT_EQ(text_at(moved.json(), "expires_at"), format_rfc3339(*parse_rfc3339(later) + std::chrono::hours(1)));
  const Answer over = server.api.call("PATCH", path, R"({"send_at":")" + later + R"(","expires_at":")" + later + "\"}");
  EXPECT_EQ(over.status, 422) << over.body;
  EXPECT_EQ(pointers_of(over), std::vector<std::string>{"/expires_at"});
}

TEST(ScheduleApi, WhatCannotBeIsRefused) {
  SendServer server;
  const std::string path = scheduled(server, std::chrono::hours(2));
  for (const auto& [body, pointer] :
       std::vector<std::pair<std::string, std::string>>{{"{}", ""},
                                                        {R"({"lane":"fast"})", "/lane"},
                                                        {R"({"send_at":"soon"})", "/send_at"},
                                                        {R"({"send_at":"2100-01-01T00:00:00Z"})", "/send_at"},
                                                        {R"({"expires_at":"2001-01-01T00:00:00Z"})", "/expires_at"},
                                                        {R"({"expires_in":"0"})", "/expires_in"},
                                                        {R"({"expires_in":"1h","expires_at":null})", "/expires_in"},
                                                        {R"({"subject":"other"})", "/subject"}}) {
    const Answer answer = server.api.call("PATCH", path, body);
    EXPECT_EQ(answer.status, 422) << body;
    EXPECT_EQ(pointers_of(answer), std::vector<std::string>{pointer}) << body << answer.body;
  }
  const Answer both = server.api.call("PATCH", path, R"({"expires_at":"2001-01-01T00:00:00Z","lane":"fast"})");
  EXPECT_EQ(pointers_of(both), (std::vector<std::string>{"/lane", "/expires_at"})) << both.body;
  EXPECT_EQ(server.api.call_as_tenant("PATCH", path, R"({"lane":"low"})").status, 404);
  server.api.call("DELETE", path);
  const Answer over = server.api.call("PATCH", path, R"({"lane":"low"})");
  EXPECT_EQ(over.status, 409);
  EXPECT_NE(text_at(over.json(), "detail").find("cancelled"), std::string::npos) << over.body;
}

TEST(ValidateApi, TellsWhereEachRecipientWouldGoAndStoresNothing) {
  SendServer server;
  const Answer answer =
      server.post("/v1/validate", R"({"from":"a@shop.example","to":["u@example.net","U@EXAMPLE.net","u@EXAMPLE.net"],
                                                        "text":"x","tags":["t"]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const object result = answer.json();
  EXPECT_EQ(result.at("valid"), true);
  EXPECT_TRUE(result.at("problem").is_null());
  const auto& recipients = result.at("recipients").as_array();
  ASSERT_EQ(recipients.size(), 3u);
  EXPECT_EQ(recipients[0].at("result"), "accepted");
  EXPECT_EQ(recipients[0].at("route").at("chosen").at("upstream"), "primary");
  EXPECT_EQ(recipients[1].at("result"), "accepted") << "local parts differ by case";
  EXPECT_EQ(recipients[2].at("result"), "duplicate");
  EXPECT_EQ(server.count(), 0u);
}

TEST(ValidateApi, TellsWhoWouldGetNoMail) {
  SendServer server;
  storage::Suppression entry;
  entry.address = "Gone@example.net";
  entry.reason = "asked us to stop";
  std::promise<bool> put;
  server.api.store().put_suppression(
      entry, Done<Nothing>(server.api.loop(), [&](const result<Nothing>& done) { put.set_value(done.has_value()); }));
  ASSERT_TRUE(put.get_future().get());
  const Answer answer = server.api.call_as_tenant(
      "POST", "/v1/validate", R"({"from":"a@shop.example","to":["u@example.net","gone@EXAMPLE.net"],"text":"x"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const boost::json::array recipients = answer.json().at("recipients").as_array();
  EXPECT_EQ(recipients.at(0).at("suppressed"), false);
  EXPECT_TRUE(recipients.at(0).at("suppressed_because").is_null());
  EXPECT_EQ(recipients.at(1).at("suppressed"), true);
  EXPECT_EQ(recipients.at(1).at("suppressed_because"), "asked us to stop");
}

TEST(ValidateApi, TellsATenantTheChoiceAndNothingOfOtherUpstreams) {
  SendServer server;
  const std::string body = R"({"from":"a@shop.example","to":"u@example.net","text":"x"})";
  const object all = server.api.call("POST", "/v1/validate", body).json();
  const object own = server.api.call_as_tenant("POST", "/v1/validate", body).json();
  const object route = own.at("recipients").at(0).at("route").as_object();
  EXPECT_EQ(route.size(), 2u) << boost::json::serialize(route);
  EXPECT_EQ(route.at("chosen"), (object{{"upstream", "primary"}}));
  EXPECT_EQ(route.at("summary"), all.at("recipients").at(0).at("route").at("summary"));
  EXPECT_FALSE(all.at("recipients").at(0).at("route").at("upstreams").as_array().empty());
}

TEST(ValidateApi, TellsEveryFaultAsSendingWould) {
  SendServer server;
  const Answer answer = server.post("/v1/validate", R"({"to":"nobody"})");
  EXPECT_EQ(answer.status, 200);
  const object result = answer.json();
  EXPECT_EQ(result.at("valid"), false);
  EXPECT_EQ(result.at("problem").at("status"), 422);
  EXPECT_EQ(result.at("problem").at("errors").as_array().size(), 3u) << answer.body;
}

TEST(ValidateApi, TellsWhatTheGuardDoes) {
  ServerSetup setup;
  storage::ApiKeyRecord staging = shop_key("staging");
  staging.guard.allow_recipients = {"@shop.example"};
  staging.guard.redirect_to = "qa@shop.example";
  setup.keys.emplace_back(staging, "pr_staging");
  storage::ApiKeyRecord guarded = shop_key("guarded");
  guarded.guard.allow_recipients = {"@shop.example"};
  guarded.per_minute = 1;
  setup.keys.emplace_back(guarded, "pr_guarded");
  SendServer server(std::move(setup));
  const std::string body = R"({"from":"a@shop.example","to":["b@shop.example","c@example.net"],"text":"x"})";
  const object redirected = server.api.call_with("pr_staging", "POST", "/v1/validate", body).json();
  EXPECT_EQ(redirected.at("valid"), true);
  EXPECT_EQ(redirected.at("recipients").as_array()[0].at("result"), "accepted");
  EXPECT_EQ(redirected.at("recipients").as_array()[1].at("result"), "redirected");
  EXPECT_EQ(redirected.at("recipients").as_array()[1].at("address"), "qa@shop.example");
  const object refused = server.api.call_with("pr_guarded", "POST", "/v1/validate", body).json();
  EXPECT_EQ(refused.at("valid"), false);
  EXPECT_EQ(refused.at("problem").at("status"), 403);
  EXPECT_EQ(refused.at("recipients").as_array()[1].at("result"), "refused");
  // Asking takes no room from the limits.
  const std::string one = R"({"from":"a@shop.example","to":"b@shop.example","text":"x"})";
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(server.api.call_with("pr_guarded", "POST", "/v1/validate", one).json().at("valid"), true) << i;
}

}  // namespace
}  // namespace postrider::mgmt::test
