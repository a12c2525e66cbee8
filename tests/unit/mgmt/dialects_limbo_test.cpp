// limbo's POST /v1/mail: its two answers, to the letter.
#include <gtest/gtest.h>

#include "tests/unit/mgmt/origin_fixture.h"

namespace postrider::mgmt::test {
namespace {

constexpr const char* kMail =
    R"({"from":"app@shop.example","to":["a@example.net","Bea <b@example.net>"],"cc":["c@example.net"],)"
    R"("bcc":["d@example.net"],"subject":"Grüße","message":"hello\nworld"})";

std::string problem_of(const Answer& answer) {
  EXPECT_EQ(text_at(answer.json(), "Message"), "not submitted") << answer.body;
  EXPECT_EQ(answer.json().size(), 2u) << answer.body;
  return text_at(answer.json(), "Problem");
}

TEST(Limbo, SubmitsOneMessageForAllRecipients) {
  OriginServer server;
  const Answer answer = server.post("/v1/mail", kMail);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"Message":"submitted"})");
  ASSERT_EQ(server.count(), 1u);
  const std::string id = answer.header("x-message-id");
  EXPECT_EQ(server.message(id).at("recipients").as_array().size(), 4u);
  const std::string octets = server.sent_octets(id);
  EXPECT_NE(octets.find("\r\nCc: c@example.net\r\n"), std::string::npos) << octets;
  EXPECT_EQ(octets.find("d@example.net"), std::string::npos) << octets;
  EXPECT_EQ(server.message(id).at("subject").as_string(), "Grüße");
}

TEST(Limbo, WhatIsWrongWithAMailIsA400WithAProblem) {
  OriginServer server;
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"to":["a@example.net"],"subject":"s","message":"m"})", "from"},
      {R"({"from":"not an address","to":["a@example.net"],"subject":"s","message":"m"})", "from"},
      {R"({"from":"app@shop.example","to":[],"subject":"s","message":"m"})", "to"},
      {R"({"from":"app@shop.example","to":["a@example.net", 7],"subject":"s","message":"m"})", "to.1"},
      {R"({"from":"app@shop.example","to":["a@example.net"],"message":"m"})", "subject"},
      {R"({"from":"app@shop.example","to":["a@example.net"],"subject":"a\r\nBcc: x@example.net","message":"m"})",
       "subject"},
      {R"({"from":"app@shop.example","to":["a@example.net"],"subject":"s","message":""})", "message"},
      {R"({"from":"app@shop.example","to":["a@example.net"],"subject":"s","message":"m","html":"<p>"})", "html"},
      {R"(["no","object"])", "object"},
      {R"({"from":)", "JSON"}};
  for (const auto& [body, what] : wrong) {
    const Answer answer = server.post("/v1/mail", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_NE(problem_of(answer).find(what), std::string::npos) << answer.body;
  }
  EXPECT_EQ(server.count(), 0u);
}

TEST(Limbo, TellsOfEverythingThatIsWrongAtOnce) {
  OriginServer server;
  const std::string problem = problem_of(server.post("/v1/mail", R"({"to":["a@example.net"],"sunject":"s"})"));
  for (const char* what : {"from", "subject", "message", "sunject"})
    EXPECT_NE(problem.find(what), std::string::npos) << problem;
}

TEST(Limbo, TheGateSpeaksItsWordsToo) {
  OriginServer server;
  const std::string json = "Content-Type: application/json\r\n";
  const Answer without = server.api.call_raw("POST", "/v1/mail", json, kMail);
  EXPECT_EQ(without.status, 401);
  EXPECT_FALSE(problem_of(without).empty());
  EXPECT_FALSE(without.header("www-authenticate").empty());
  const std::string key = std::string("Authorization: Bearer ") + kToken + "\r\n";
  const Answer form = server.api.call_raw("POST", "/v1/mail", key + "Content-Type: text/plain\r\n", kMail);
  EXPECT_EQ(form.status, 415);
  EXPECT_FALSE(problem_of(form).empty());
  EXPECT_EQ(server.count(), 0u);
}

}  // namespace
}  // namespace postrider::mgmt::test
