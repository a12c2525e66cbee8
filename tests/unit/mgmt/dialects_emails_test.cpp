// The paths under /emails: Babygun's and Resend's POST, WoowUp's send, and the GET that answers all three.
#include <gtest/gtest.h>

#include "tests/unit/mgmt/origin_fixture.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

constexpr const char* kBabygun =
    R"({"Subject":"Größe","Body":"Line one\nline two","Sender":"Shop <app@shop.example>","Recipient":"a@example.net"})";
constexpr const char* kWoowUp =
    R"({"from":{"email":"app@shop.example","name":"The shop"},"destinations":[{"email":"a@example.net","name":"Ann"},)"
    R"({"email":"b@example.net"}],"subject":"Sale","plainContent":"Today only","ttl":60})";

json::object get(OriginServer& server, const std::string& id) {
  const Answer answer = server.api.call("GET", "/emails/" + id);
  EXPECT_EQ(answer.status, 200) << answer.body;
  return answer.json();
}

std::string message_of(const Answer& answer) {
  EXPECT_EQ(answer.json().at("statusCode").to_number<int>(), answer.status) << answer.body;
  EXPECT_FALSE(text_at(answer.json(), "name").empty()) << answer.body;
  return text_at(answer.json(), "message");
}

TEST(Babygun, SendsAndShowsItsDataModel) {
  OriginServer server;
  const Answer answer = server.post("/emails", kBabygun);
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::object email = get(server, text_at(answer.json(), "id"));
  EXPECT_EQ(text_at(email, "Subject"), "Größe");
  EXPECT_EQ(text_at(email, "Body"), "Line one\nline two");
  EXPECT_EQ(text_at(email, "Sender"), "Shop <app@shop.example>");
  EXPECT_EQ(text_at(email, "Recipient"), "a@example.net");
  EXPECT_EQ(text_at(email, "Status"), "queued");
  EXPECT_EQ(text_at(email, "Reason"), "Waiting for its first try.");
  EXPECT_EQ(email.at("Tries").to_number<int>(), 0);
  EXPECT_TRUE(parse_rfc3339(text_at(email, "CreatedAt")));
  EXPECT_GE(text_at(email, "UpdatedAt"), text_at(email, "CreatedAt"));
}

TEST(Babygun, TheBodyIsNullOnceItIsRemovedAndTheRestStays) {
  OriginServer server;
  const std::string id = text_at(server.post("/emails", kBabygun).json(), "id");
  ASSERT_EQ(server.api.call("POST", "/v1/messages/" + id + "/cancel").status, 200);
  server.api.retire_everything();
  const json::object email = get(server, id);
  EXPECT_TRUE(email.at("Body").is_null());
  EXPECT_TRUE(email.at("text").is_null());
  EXPECT_EQ(text_at(email, "Subject"), "Größe");
  EXPECT_EQ(text_at(email, "Sender"), "Shop <app@shop.example>");
  EXPECT_EQ(text_at(email, "Status"), "cancelled");
  EXPECT_EQ(text_at(email, "Reason"), "Cancelled: by request.");
  EXPECT_EQ(text_at(email, "note"), "the body was removed by retention");
}

TEST(Babygun, RefusesWhatItCannotHonourAndNamesIt) {
  OriginServer server;
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"Subject":"s","Body":"b","Sender":"app@shop.example"})", "Recipient"},
      {R"({"Subject":"s","Body":"b","Sender":"nobody","Recipient":"a@example.net"})", "Sender"},
      {R"({"Subject":"s","Body":"","Sender":"app@shop.example","Recipient":"a@example.net"})", "Body"},
      {R"({"Subject":"s","Body":"b","Sender":"app@shop.example","Recipient":"a@example.net, b@example.net"})",
       "Recipient"},
      {R"({"Subject":5,"Body":"b","Sender":"app@shop.example","Recipient":"a@example.net"})", "Subject"},
      {R"({"Subject":"s","Body":"b","Sender":"app@shop.example","Recipient":"a@example.net","Cc":"c@example.net"})",
       "Cc"}};
  for (const auto& [body, what] : wrong) {
    const Answer answer = server.post("/emails", body);
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_NE(message_of(answer).find(what), std::string::npos) << answer.body;
  }
  EXPECT_EQ(server.count(), 0u);
}

TEST(Emails, TheShapeOfTheBodyDecidesWhoseItIs) {
  OriginServer server;
  const Answer resend = server.post(
      "/emails", R"({"from":"app@shop.example","to":"a@example.net","subject":"The \"Body\"","text":"\"Subject\""})");
  ASSERT_EQ(resend.status, 200) << resend.body;
  const json::object email = get(server, text_at(resend.json(), "id"));
  EXPECT_EQ(text_at(email, "object"), "email");
  EXPECT_EQ(text_at(email, "id"), text_at(resend.json(), "id"));
  EXPECT_EQ(text_at(email, "from"), "app@shop.example");
  EXPECT_EQ(email.at("to").as_array(), json::array{"a@example.net"});
  EXPECT_EQ(text_at(email, "subject"), "The \"Body\"");
  EXPECT_EQ(text_at(email, "last_event"), "queued");
  EXPECT_EQ(server.post("/emails", R"({"from":"app@shop.example","Subject":"whose?"})").status, 422);
}

TEST(Emails, WhatIsNotThereOrNotOnesOwnIsA404) {
  OriginServer server;
  const std::string id = text_at(server.post("/emails", kBabygun).json(), "id");
  const Answer other = server.api.call_as_tenant("GET", "/emails/" + id);
  EXPECT_EQ(other.status, 404);
  EXPECT_FALSE(message_of(other).empty());
  const Answer absent = server.api.call("GET", "/emails/00000000000000000000000000");
  EXPECT_EQ(absent.status, 404);
  EXPECT_FALSE(message_of(absent).empty());
  const Answer without = server.api.call_raw("GET", "/emails/" + id, "");
  EXPECT_EQ(without.status, 401);
  EXPECT_FALSE(message_of(without).empty());
}

TEST(WoowUp, SendsOneMessageToEachDestinationUnderABatchId) {
  OriginServer server;
  const Answer answer = server.post("/emails/send", kWoowUp);
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::object sent = answer.json();
  ASSERT_EQ(sent.at("ids").as_array().size(), 2u);
  const std::string first(sent.at("ids").as_array()[0].as_string());
  const json::object email = get(server, first);
  EXPECT_EQ(text_at(email, "batchId"), text_at(sent, "batchId"));
  EXPECT_EQ(email.at("from").as_object(), (json::object{{"email", "app@shop.example"}, {"name", "The shop"}}));
  EXPECT_EQ(email.at("destinations").as_array(),
            (json::array{json::object{{"email", "a@example.net"}, {"name", "Ann"}}}));
  EXPECT_EQ(text_at(email, "subject"), "Sale");
  EXPECT_EQ(text_at(email, "plainContent"), "Today only");
  EXPECT_EQ(text_at(email, "status"), "queued");
  EXPECT_EQ(email.at("sent"), json::value(false));
  EXPECT_EQ(email.at("retries").to_number<int>(), 0);
  const std::string expires = text_at(email, "expiresAt");
  EXPECT_EQ(expires, text_at(server.message(first), "expires_at"));
  EXPECT_GE(parse_rfc3339(expires).value(),
            parse_rfc3339(text_at(email, "CreatedAt")).value() + std::chrono::minutes(1));
  const json::array& emails = sent.at("emails").as_array();
  EXPECT_EQ(emails[1].at("email").as_string(), "b@example.net");
  EXPECT_EQ(emails[1].at("id"), sent.at("ids").as_array()[1]);
  EXPECT_TRUE(emails[1].at("error").is_null());
}

TEST(WoowUp, OneBadDestinationAndNothingIsSent) {
  OriginServer server;
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"from":{"email":"app@shop.example"},"destinations":[{"email":"a@example.net"},{"email":"b"}],)"
       R"("subject":"s","plainContent":"p"})",
       "destinations.1"},
      {R"({"from":{"email":"app@shop.example"},"destinations":[],"subject":"s","plainContent":"p"})", "destinations"},
      {R"({"from":["app@shop.example"],"destinations":[{"email":"a@example.net"}],"subject":"s","plainContent":"p"})",
       "from"},
      {R"({"from":{"email":"app@shop.example","nick":"x"},"destinations":[{"email":"a@example.net"}],"subject":"s",)"
       R"("plainContent":"p"})",
       "from.nick"},
      {R"({"from":{"email":"app@shop.example"},"destinations":[{"email":"a@example.net"}],"subject":"s",)"
       R"("plainContent":"p","ttl":"-5s"})",
       "ttl"},
      {R"({"from":{"email":"app@shop.example"},"destinations":[{"email":"a@example.net"}],"subject":"s",)"
       R"("plainContent":"p","htmlContent":"<p>"})",
       "htmlContent"}};
  for (const auto& [body, what] : wrong) {
    const Answer answer = server.post("/emails/send", body);
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_NE(message_of(answer).find(what), std::string::npos) << answer.body;
  }
  EXPECT_EQ(server.count(), 0u);
}

TEST(WoowUp, WhatIsReadAndWhatIsCheckedIsToldAtOnce) {
  OriginServer server;
  const Answer answer =
      server.post("/emails/send",
                  R"({"from":{"email":"app@shop.example"},"destinations":[{"email":"a@example.net"},{"email":"@b"}],)"
                  R"("subject":"a\nb","plainContent":"p","htmlContent":"<p>","ttl":"-5s"})");
  EXPECT_EQ(answer.status, 422);
  const std::string message = message_of(answer);
  for (const char* place : {"destinations.1: ", "subject: ", "htmlContent: ", "ttl: "})
    EXPECT_NE(message.find(place), std::string::npos) << message;
  EXPECT_EQ(message.find("subject: "), message.rfind("subject: ")) << "what is shared is told once: " << message;
  const std::string nobody =
      message_of(server.post("/emails/send", R"({"from":{"email":"app"},"subject":"s","plainContent":"p"})"));
  EXPECT_NE(nobody.find("destinations: at least one destination is needed"), std::string::npos) << nobody;
  EXPECT_NE(nobody.find("from: "), std::string::npos) << nobody;
  EXPECT_EQ(server.count(), 0u);
}

TEST(WoowUp, WhenTheSpoolFillsUpNobodyIsMailed) {
  ServerSetup setup;
  setup.store.high_water_bytes = 50'000;
  OriginServer server(std::move(setup));
  std::string destinations;
  for (int i = 0; i < 20; ++i)
    destinations += (i ? R"(,{"email":"user)" : R"({"email":"user)") + std::to_string(i) + R"(@example.net"})";
  const Answer answer =
      server.post("/emails/send", R"({"from":{"email":"app@shop.example"},"destinations":[)" + destinations +
                                      R"(],"subject":"s","plainContent":")" + std::string(9000, 'p') + "\"}");
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_GT(server.count(), 0u) << "what was stored before stays in the history";
  for (const json::value& message : server.messages()) EXPECT_EQ(message.at("state"), "cancelled");
}

TEST(WoowUp, ALongTextForVeryManyIsRefusedBeforeItIsMultiplied) {
  OriginServer server;
  std::string destinations;
  for (int i = 0; i < 100; ++i) destinations += std::string(i ? "," : "") + R"({"email":"a@example.net"})";
  const std::string body = R"({"from":{"email":"app@shop.example"},"destinations":[)" + destinations +
                           R"(],"subject":"s","plainContent":")" + std::string(1u << 20, 'x') + "\"}";
  const Answer answer = server.post("/emails/send", body);
  EXPECT_EQ(answer.status, 422);
  EXPECT_NE(message_of(answer).find("plainContent"), std::string::npos) << answer.body;
  EXPECT_EQ(server.count(), 0u);
}

}  // namespace
}  // namespace postrider::mgmt::test
