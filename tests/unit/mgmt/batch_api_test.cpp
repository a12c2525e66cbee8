// POST /v1/messages/batch and GET /v1/batches/{id}.
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/mgmt/send_server.h"

namespace postrider::mgmt::test {
namespace {

using boost::json::array;
using boost::json::object;

std::string one(const std::string& to, const std::string& text = "x") {
  return R"({"from":"a@shop.example","to":")" + to + R"(","text":")" + text + "\"}";
}

std::string many(int count) {
  std::string out = R"({"messages":[)";
  for (int i = 0; i < count; ++i) out += (i ? "," : "") + one("u" + std::to_string(i) + "@example.net");
  return out + "]}";
}

std::set<std::string> ids_of(const object& answer) {
  std::set<std::string> ids;
  for (const auto& result : answer.at("results").as_array()) ids.insert(text_at(result.as_object(), "id"));
  return ids;
}

TEST(BatchApi, EachMessageHasAResultAndAllHaveOneBatch) {
  SendServer server;
  const Answer answer = server.post("/v1/messages/batch", R"({"messages":[)" + one("u@example.net") +
                                                              R"(,{"to":"nobody"},7,)" + one("v@example.net") + "]}");
  ASSERT_EQ(answer.status, 202) << answer.body;
  const object batch = answer.json();
  EXPECT_EQ(batch.at("total"), 4);
  EXPECT_EQ(batch.at("accepted"), 2);
  EXPECT_EQ(batch.at("refused"), 2);
  const array& results = batch.at("results").as_array();
  const object& problem = results[1].as_object().at("error").as_object();
  EXPECT_EQ(problem.at("type"), "/problems/validation");
  std::vector<std::string> pointers;
  for (const auto& error : problem.at("errors").as_array()) pointers.push_back(text_at(error.as_object(), "pointer"));
  EXPECT_EQ(pointers, (std::vector<std::string>{"/messages/1/to", "/messages/1/from", "/messages/1/text"}));
  EXPECT_EQ(results[2].as_object().at("error").as_object().at("errors").as_array()[0].as_object().at("pointer"),
            "/messages/2");
  const std::string id = text_at(batch, "batch_id");
  EXPECT_EQ(answer.header("location"), "/v1/batches/" + id);
  for (const int index : {0, 3}) {
    EXPECT_EQ(results[static_cast<std::size_t>(index)].as_object().at("index"), index);
    const object message = server.message(text_at(results[static_cast<std::size_t>(index)].as_object(), "id"));
    EXPECT_EQ(text_at(message, "batch"), id);
  }
  EXPECT_EQ(server.count(), 2u);
}

TEST(BatchApi, AThousandMessagesAreOneCallAndNoMore) {
  SendServer server;
  const Answer answer = server.post("/v1/messages/batch", many(1000));
  ASSERT_EQ(answer.status, 202) << answer.body.substr(0, 500);
  EXPECT_EQ(ids_of(answer.json()).size(), 1000u);
  const std::string path = "/v1/batches/" + text_at(answer.json(), "batch_id");
  const object batch = server.api.call("GET", path).json();
  EXPECT_EQ(batch.at("total"), 1000);
  EXPECT_EQ(boost::json::serialize(batch.at("by_state")), R"({"queued":1000})");

  std::set<std::string> seen;
  std::string cursor;
  for (int pages = 0; pages < 20; ++pages) {
    const object page =
        server.api.call("GET", path + "?limit=300" + (cursor.empty() ? "" : "&cursor=" + cursor)).json();
    for (const auto& message : page.at("messages").as_array()) seen.insert(text_at(message.as_object(), "id"));
    if (page.at("next").is_null()) break;
    cursor = text_at(page, "next");
  }
  EXPECT_EQ(seen, ids_of(answer.json()));

  const Answer more = server.post("/v1/messages/batch", many(1001));
  EXPECT_EQ(more.status, 422);
  EXPECT_EQ(pointers_of(more), std::vector<std::string>{"/messages"});
}

TEST(BatchApi, CountsFollowTheStates) {
  SendServer server;
  const object batch = server.post("/v1/messages/batch", many(3)).json();
  server.api.call("DELETE", "/v1/messages/" + *ids_of(batch).begin());
  const object now = server.api.call("GET", "/v1/batches/" + text_at(batch, "batch_id") + "?limit=1").json();
  EXPECT_EQ(now.at("total"), 3);
  EXPECT_EQ(now.at("by_state").as_object().at("queued"), 2);
  EXPECT_EQ(now.at("by_state").as_object().at("cancelled"), 1);
  EXPECT_EQ(server.api.call("GET", "/v1/messages?batch=" + text_at(batch, "batch_id"))
                .json()
                .at("messages")
                .as_array()
                .size(),
            3u);
}

TEST(BatchApi, ABatchIsItsTenantsAlone) {
  SendServer server;
  const std::string id = text_at(server.post("/v1/messages/batch", many(1)).json(), "batch_id");
  EXPECT_EQ(server.api.call("GET", "/v1/batches/" + id).status, 200);
  EXPECT_EQ(server.api.call_as_tenant("GET", "/v1/batches/" + id).status, 404);
  for (const std::string other : {"x", "00000000000000000000000000", "01hf7yat000000000000000000"})
    EXPECT_EQ(server.api.call("GET", "/v1/batches/" + other).status, 404) << other;
  EXPECT_EQ(server.api.call("GET", "/v1/batches/" + id + "?cursor=x").status, 400);
  EXPECT_EQ(server.api.call("GET", "/v1/batches/" + id + "?limit=0").status, 400);
}

TEST(BatchApi, DefaultsStandInForWhatAMessageDoesNotSay) {
  SendServer server;
  const Answer answer = server.post("/v1/messages/batch", R"({
    "defaults": {"from": "a@shop.example", "subject": "News", "text": "Hi", "tags": ["news"], "lane": "low"},
    "messages": [{"to": "u@example.net"}, {"to": "v@example.net", "subject": "Own", "tags": ["own"]}]})");
  ASSERT_EQ(answer.status, 202) << answer.body;
  const array results = answer.json().at("results").as_array();
  const object first = server.message(text_at(results[0].as_object(), "id"));
  EXPECT_EQ(first.at("subject"), "News");
  EXPECT_EQ(first.at("lane"), "low");
  const object second = server.message(text_at(results[1].as_object(), "id"));
  EXPECT_EQ(second.at("subject"), "Own");
  EXPECT_EQ(boost::json::serialize(second.at("tags")), R"(["own"])");

  const Answer wrong =
      server.post("/v1/messages/batch", R"({"defaults": {"from": "nobody", "attachments": [], "raw": "x"},
    "messages": [{"to": "u@example.net"}]})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(pointers_of(wrong), (std::vector<std::string>{"/defaults/raw", "/defaults/attachments", "/defaults/from"}));
  const Answer later = server.post("/v1/messages/batch", R"({"defaults": {"from": "a@-x", "text": "x"},
    "messages": [{"to": "u@example.net"}]})");
  EXPECT_EQ(pointers_of(later), std::vector<std::string>{"/defaults/from"}) << later.body;
  const Answer huge = server.post("/v1/messages/batch", R"({"defaults": {"text": ")" + std::string(20'000, 'x') +
                                                            R"("}, "messages": [{"to": "u@example.net"}]})");
  EXPECT_EQ(pointers_of(huge), std::vector<std::string>{"/defaults"});
}

TEST(BatchApi, WhenNothingIsAcceptedTheAnswerIsARefusalWithTheResults) {
  SendServer server;
  const Answer answer = server.post("/v1/messages/batch", R"({"messages":[{"to":"x"},)" + one("nobody") + "]}");
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.header("content-type"), "application/problem+json");
  EXPECT_EQ(answer.json().at("results").as_array().size(), 2u);
  EXPECT_EQ(pointers_of(answer).back(), "/messages/1/to");
  for (const std::string body : {R"({"messages":[]})", R"({"messages":{}})", "{}", R"({"message":[]})"})
    EXPECT_EQ(server.post("/v1/messages/batch", body).status, 422) << body;
  server.api.store().fail_writes(true);
  const Answer trouble = server.post("/v1/messages/batch", many(5));
  EXPECT_EQ(trouble.status, 503);
  server.api.store().fail_writes(false);
  EXPECT_EQ(server.count(), 0u);
}

TEST(BatchApi, LimitsAreThoseOfTheWholeCall) {
  ServerSetup setup;
  storage::ApiKeyRecord slow = shop_key("slow");
  slow.per_minute = 3;
  setup.keys.emplace_back(slow, "pr_slow");
  SendServer server(std::move(setup));
  const Answer first = server.api.call_with("pr_slow", "POST", "/v1/messages/batch", many(2));
  EXPECT_EQ(first.status, 202) << first.body;
  const Answer second = server.api.call_with("pr_slow", "POST", "/v1/messages/batch", many(2));
  EXPECT_EQ(second.status, 429);
  EXPECT_FALSE(second.header("retry-after").empty());
  EXPECT_EQ(server.count(), 2u);
}

TEST(BatchApi, TheSameKeyAnswersTheSameBatch) {
  SendServer server;
  const std::string key = "Idempotency-Key: newsletter-7\r\n";
  const Answer first = server.post_with("/v1/messages/batch", key, many(50));
  ASSERT_EQ(first.status, 202) << first.body;
  const Answer again = server.post_with("/v1/messages/batch", key, many(50));
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.header("idempotency-replayed"), "true");
  EXPECT_EQ(server.count(), 50u);
  EXPECT_EQ(server.post_with("/v1/messages/batch", key, many(51)).status, 422);
  EXPECT_EQ(server.count(), 50u);
}

}  // namespace
}  // namespace postrider::mgmt::test
