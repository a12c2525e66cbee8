// The mailer service: POST /queue and GET /status.
#include <gtest/gtest.h>

#include "tests/unit/mgmt/origin_fixture.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

constexpr const char* kJob =
    R"({"from":"app@shop.example","to":"a@example.net","reply_to":"help@shop.example","subject":"s",)"
    R"("text_body":"plain","html_body":"<p>rich</p>","headers":{"X-Order":"17"}})";

TEST(MailerService, QueuesAJobAndTellsItsStatus) {
  OriginServer server;
  const Answer queued = server.post("/queue", kJob);
  ASSERT_EQ(queued.status, 200) << queued.body;
  const std::string job = text_at(queued.json(), "job_id");
  const Answer status = server.api.call("GET", "/status?job_id=" + job);
  EXPECT_EQ(text_at(status.json(), "job_id"), job);
  EXPECT_EQ(text_at(status.json(), "status"), "queued");
  EXPECT_EQ(text_at(status.json(), "detail"), "Waiting for its first try.");
  const std::string octets = server.sent_octets(job);
  for (const char* part : {"multipart/alternative", "Reply-To: help@shop.example", "X-Order: 17", "<p>rich</p>"})
    EXPECT_NE(octets.find(part), std::string::npos) << part << " is not in " << octets;
}

TEST(MailerService, ACancelledJobHasFailed) {
  OriginServer server;
  const std::string job = text_at(server.post("/queue", kJob).json(), "job_id");
  ASSERT_EQ(server.api.call("POST", "/v1/messages/" + job + "/cancel").status, 200);
  EXPECT_EQ(text_at(server.api.call("GET", "/status?job_id=" + job).json(), "status"), "failed");
}

TEST(MailerService, RefusesWithAPointerToEachField) {
  OriginServer server;
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"from":"app@shop.example","to":"a@example.net","subject":"s"})", "/text_body"},
      {R"({"from":"app@shop.example","to":"a@","subject":"s","text_body":"t"})", "/to"},
      {R"({"from":"app@shop.example","to":["a@example.net","b"],"subject":"s","text_body":"t"})", "/to/1"},
      {R"({"from":"app@shop.example","to":"a@example.net","subject":"s","text_body":"t","track":true})", "/track"}};
  for (const auto& [body, pointer] : wrong) {
    const Answer answer = server.post("/queue", body);
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_EQ(text_at(answer.json().at("errors").as_array()[0].as_object(), "pointer"), pointer) << answer.body;
  }
  EXPECT_EQ(server.count(), 0u);
}

TEST(MailerService, AStatusIsOfOneJobThatIsThere) {
  OriginServer server;
  EXPECT_EQ(server.api.call("GET", "/status").status, 400);
  EXPECT_EQ(server.api.call("GET", "/status?job_id=17").status, 404);
  const std::string job = text_at(server.post("/queue", kJob).json(), "job_id");
  EXPECT_EQ(server.api.call_as_tenant("GET", "/status?job_id=" + job).status, 404);
}

TEST(MailerService, TheSameIdempotencyKeyGivesTheSameJob) {
  OriginServer server;
  const std::string headers = std::string("Authorization: Bearer ") + kToken +
                              "\r\nContent-Type: application/json\r\nIdempotency-Key: \"order-17\"\r\n";
  const Answer first = server.api.call_raw("POST", "/queue", headers, kJob);
  const Answer second = server.api.call_raw("POST", "/queue", headers, kJob);
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(server.count(), 1u);
  const std::string other = R"({"from":"app@shop.example","to":"b@example.net","subject":"s","text_body":"t"})";
  EXPECT_EQ(server.api.call_raw("POST", "/queue", headers, other).status, 422);
}

}  // namespace
}  // namespace postrider::mgmt::test
