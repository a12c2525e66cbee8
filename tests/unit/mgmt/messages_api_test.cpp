// /v1/messages over HTTP, on a memory store.
#include "mgmt/messages_api.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

std::vector<std::string> ids(const json::object& page) {
  std::vector<std::string> out;
  for (const json::value& message : page.at("messages").as_array())
    out.emplace_back(message.as_object().at("id").as_string());
  return out;
}

std::string text(const json::object& object, const char* name) {
  return std::string(object.at(name).as_string());
}

TEST(MessagesApi, NeedsAKey) {
  ApiServer server;
  const Answer answer = server.call_raw("GET", "/v1/messages", "");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.header("www-authenticate"), "Bearer realm=\"postrider\"");
  EXPECT_EQ(server.call_raw("GET", "/v1/messages", "Authorization: Bearer wrong\r\n").status, 401);
}

TEST(MessagesApi, AnEmptyListHasNoNext) {
  ApiServer server;
  const json::object page = server.call("GET", "/v1/messages").json();
  EXPECT_TRUE(page.at("messages").as_array().empty());
  EXPECT_TRUE(page.at("next").is_null());
}

TEST(MessagesApi, ListsNewestFirstPageByPage) {
  ApiServer server;
  std::vector<std::string> accepted;
  for (int i = 0; i < 5; ++i) accepted.push_back(server.accept("a@example.com", {"b@example.net"}).str());
  std::vector<std::string> seen;
  std::string cursor;
  for (int pages = 0; pages < 10; ++pages) {
    const json::object page = server.call("GET", "/v1/messages?limit=2" + cursor).json();
    for (std::string& id : ids(page)) seen.push_back(std::move(id));
    if (page.at("next").is_null()) break;
    cursor = "&cursor=" + text(page, "next");
  }
  std::sort(accepted.rbegin(), accepted.rend());
  EXPECT_EQ(seen, accepted);
}

TEST(MessagesApi, FiltersByStateSenderAndRecipient) {
  ApiServer server;
  const std::string first = server.accept("cron@one.example", {"ops+alerts@example.net"}).str();
  const std::string second = server.accept("app@two.example", {"user@example.net"}).str();
  ASSERT_EQ(server.call("POST", "/v1/messages/" + second + "/hold").status, 200);
  EXPECT_EQ(ids(server.call("GET", "/v1/messages?state=held").json()), std::vector<std::string>{second});
  EXPECT_EQ(ids(server.call("GET", "/v1/messages?sender=@one.example").json()), std::vector<std::string>{first});
  EXPECT_EQ(ids(server.call("GET", "/v1/messages?recipient=OPS%2Balerts@example.net").json()),
            std::vector<std::string>{first});
  EXPECT_EQ(ids(server.call("GET", "/v1/messages?recipient=ops+alerts@example.net").json()),
            std::vector<std::string>{first});
  EXPECT_TRUE(ids(server.call("GET", "/v1/messages?since=2100-01-01T00:00:00Z").json()).empty());
  EXPECT_TRUE(ids(server.call("GET", "/v1/messages?until=2000-01-01T00:00:00%2B02:00").json()).empty());
}

TEST(MessagesApi, FaultyParametersAreNamed) {
  ApiServer server;
  const std::pair<const char*, const char*> faulty[] = {{"stat=held", "'stat'"},        {"state=sleeping", "'state'"},
                                                        {"since=yesterday", "'since'"}, {"until=", "'until'"},
                                                        {"limit=0", "'limit'"},         {"limit=1001", "'limit'"},
                                                        {"limit=5x", "'limit'"},        {"cursor=abc", "'cursor'"},
                                                        {"sender=", "'sender'"},        {"limit=1&limit=2", "'limit'"}};
  for (const auto& [query, named] : faulty) {
    const Answer answer = server.call("GET", std::string("/v1/messages?") + query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_NE(text(answer.json(), "detail").find(named), std::string::npos) << answer.body;
  }
}

TEST(MessagesApi, ShowsAMessageWithItsHistory) {
  ApiServer server;
  const std::string id = server.accept("a@example.com", {"b@example.net", "c@example.net"}).str();
  const json::object message = server.call("GET", "/v1/messages/" + id).json();
  EXPECT_EQ(text(message, "id"), id);
  EXPECT_EQ(text(message, "state"), "queued");
  EXPECT_EQ(text(message, "sender"), "a@example.com");
  EXPECT_TRUE(parse_rfc3339(text(message, "created_at")));
  ASSERT_EQ(message.at("recipients").as_array().size(), 2u);
  const json::object& recipient = message.at("recipients").as_array()[1].as_object();
  EXPECT_EQ(text(recipient, "address"), "c@example.net");
  EXPECT_EQ(text(recipient, "state"), "queued");
  EXPECT_EQ(recipient.at("tries").to_number<int>(), 0);
  EXPECT_TRUE(recipient.at("next_try_at").is_string());
  EXPECT_TRUE(recipient.at("reason").is_null());
  EXPECT_TRUE(message.at("attempts").as_array().empty());
  ASSERT_EQ(message.at("events").as_array().size(), 1u);
  EXPECT_EQ(text(message.at("events").as_array()[0].as_object(), "type"), "accepted");
}

TEST(MessagesApi, UnknownMessagesAre404) {
  ApiServer server;
  const std::string nobody = MessageId::first_at(from_ms(1)).str();
  for (const std::string& id : {nobody, std::string("nonsense"), std::string("%00")}) {
    EXPECT_EQ(server.call("GET", "/v1/messages/" + id).status, 404) << id;
    EXPECT_EQ(server.call("GET", "/v1/messages/" + id + "/body").status, 404) << id;
    EXPECT_EQ(server.call("POST", "/v1/messages/" + id + "/retry").status, 404) << id;
  }
}

TEST(MessagesApi, GivesTheBodyOctetForOctet) {
  ApiServer server;
  std::string body = "Subject: large\r\n\r\n";
  for (int i = 0; body.size() < 20 * storage::kChunkPayload; ++i) body += "line " + std::to_string(i) + "\r\n";
  const std::string id = server.accept("a@example.com", {"b@example.net"}, body).str();
  const Answer answer = server.call("GET", "/v1/messages/" + id + "/body");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "message/rfc822");
  EXPECT_EQ(answer.header("content-length"), std::to_string(body.size()));
  EXPECT_TRUE(answer.body == body);
}

TEST(MessagesApi, HeadOfABodyTellsItsLength) {
  ApiServer server;
  const std::string id = server.accept("a@example.com", {"b@example.net"}).str();
  const Answer answer = server.call("HEAD", "/v1/messages/" + id + "/body");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-length"), "22");
  EXPECT_EQ(answer.header("content-type"), "message/rfc822");
}

TEST(MessagesApi, GivesTheHeaderAlone) {
  ApiServer server;
  const std::string id = server.accept("a@example.com", {"b@example.net"}).str();
  EXPECT_EQ(server.call("GET", "/v1/messages/" + id + "/body?headers=true").body, "Subject: hi\r\n\r\n");
  EXPECT_EQ(server.call("GET", "/v1/messages/" + id + "/body?headers=no").status, 400);
  std::string long_header = "Subject: hi\r\n";
  while (long_header.size() < 2 * storage::kChunkPayload) long_header += "X-Filler: " + std::string(60, 'x') + "\r\n";
  const std::string large = server.accept("a@example.com", {"b@example.net"}, long_header + "\r\nbody\r\n").str();
  EXPECT_TRUE(server.call("GET", "/v1/messages/" + large + "/body?headers=true").body == long_header + "\r\n");
}

TEST(MessagesApi, ARemovedBodyIsGoneAndItsHeaderKept) {
  ApiServer server;
  const std::string path = "/v1/messages/" + server.accept("a@example.com", {"b@example.net"}).str();
  ASSERT_EQ(server.call("POST", path + "/cancel").status, 200);
  server.retire_everything();
  const Answer answer = server.call("GET", path + "/body");
  EXPECT_EQ(answer.status, 410);
  EXPECT_EQ(answer.header("content-type"), "application/problem+json");
  EXPECT_EQ(text(answer.json(), "type"), "/problems/gone");
  EXPECT_EQ(text(answer.json(), "detail"),
            "the body was removed by retention; its header is still there: ?headers=true");
  EXPECT_EQ(server.call("GET", path + "/body?headers=true").body, "Subject: hi\r\n\r\n");
}

TEST(MessagesApi, ABodyThatWentWhenItWasSentIsNoWorkOfRetention) {
  ApiServer server;
  storage::NewMessage message = server.make("a@example.com", {"b@example.net"});
  message.intent = storage::Intent{"primary"};
  storage::Settlement settlement;
  settlement.now = message.now;
  settlement.updates.resize(1);
  settlement.updates[0].trigger = Trigger::hand_over;
  settlement.updates[0].upstream = "primary";
  settlement.id = server.accept(std::move(message));
  const std::string path = "/v1/messages/" + settlement.id.str();
  std::promise<bool> settled;
  server.store().settle(std::move(settlement),
                        Done<storage::Settled>(server.loop(), [&](const result<storage::Settled>& done) {
                          settled.set_value(done.has_value());
                        }));
  ASSERT_TRUE(settled.get_future().get());
  ASSERT_EQ(text(server.call("GET", path).json(), "body"), "removed");
  const Answer answer = server.call("GET", path + "/body");
  EXPECT_EQ(answer.status, 410);
  EXPECT_EQ(
      text(answer.json(), "detail"),
      "the body was removed as soon as no recipient needed it any more; its header is still there: ?headers=true");
}

TEST(MessagesApi, SteersAndSaysWhatItBecame) {
  ApiServer server;
  const std::string path = "/v1/messages/" + server.accept("a@example.com", {"b@example.net"}).str();
  const Answer held = server.call("POST", path + "/hold", R"({"reason":"looks odd"})");
  EXPECT_EQ(held.status, 200);
  EXPECT_EQ(text(held.json(), "state"), "held");
  EXPECT_EQ(text(server.call("POST", path + "/release").json(), "state"), "queued");
  EXPECT_EQ(text(server.call("POST", path + "/retry").json(), "state"), "queued");
  EXPECT_EQ(text(server.call("POST", path + "/cancel").json(), "state"), "cancelled");
  const json::array events = server.call("GET", path).json().at("events").as_array();
  std::vector<std::string> types;
  for (const json::value& event : events) types.push_back(text(event.as_object(), "type"));
  EXPECT_EQ(types, (std::vector<std::string>{"accepted", "held", "released", "retried", "cancelled"}));
  EXPECT_EQ(text(events[1].as_object(), "actor"), "operator");
  EXPECT_NE(text(events[1].as_object(), "reason").find("looks odd"), std::string::npos);
}

TEST(MessagesApi, SteersOneRecipient) {
  ApiServer server;
  const std::string path = "/v1/messages/" + server.accept("a@example.com", {"b@example.net", "c@example.net"}).str();
  const json::object message = server.call("POST", path + "/cancel", R"({"recipient":"c@EXAMPLE.net"})").json();
  EXPECT_EQ(text(message.at("recipients").as_array()[0].as_object(), "state"), "queued");
  EXPECT_EQ(text(message.at("recipients").as_array()[1].as_object(), "state"), "cancelled");
  EXPECT_EQ(server.call("POST", path + "/cancel", R"({"recipient":"d@example.net"})").status, 404);
  EXPECT_EQ(server.call("POST", path + "/cancel", R"({"recipient":"@@"})").status, 400);
}

TEST(MessagesApi, WhatTheStateForbidsIs409AndNamesIt) {
  ApiServer server;
  const std::string path = "/v1/messages/" + server.accept("a@example.com", {"b@example.net"}).str();
  ASSERT_EQ(server.call("POST", path + "/cancel").status, 200);
  const Answer answer = server.call("POST", path + "/retry");
  EXPECT_EQ(answer.status, 409);
  EXPECT_NE(text(answer.json(), "detail").find("cancelled"), std::string::npos) << answer.body;
}

TEST(MessagesApi, FaultySteeringBodiesAreRefused) {
  ApiServer server;
  const std::string path = "/v1/messages/" + server.accept("a@example.com", {"b@example.net"}).str() + "/hold";
  for (const char* body : {"{", "[]", R"({"recipent":"a"})", R"({"reason":5})", R"({"recipient":[]})"})
    EXPECT_EQ(server.call("POST", path, body).status, 400) << body;
  EXPECT_EQ(server.call("POST", path, R"({"reason":")" + std::string(600, 'a') + "\"}").status, 400);
}

TEST(MessagesApi, AStoreThatCannotWriteIs503) {
  ApiServer server;
  const std::string path = "/v1/messages/" + server.accept("a@example.com", {"b@example.net"}).str();
  server.store().fail_writes(true);
  const Answer answer = server.call("POST", path + "/hold");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("retry-after"), "30");
  server.store().fail_writes(false);
  EXPECT_EQ(server.call("POST", path + "/hold").status, 200);
}

}  // namespace
}  // namespace postrider::mgmt::test
