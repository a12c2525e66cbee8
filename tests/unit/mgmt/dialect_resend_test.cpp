// Resend's API: what its SDK sends, and what it must be told.
#include <gtest/gtest.h>

#include "mgmt/dialects/resend.h"
#include "mgmt/json_duplicates.h"
#include "tests/unit/mgmt/dialect_server.h"

namespace postrider::mgmt::test {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// POST /emails alone, which elsewhere is shared with another service.
void add_emails(Router& router, const DialectParts& parts) {
  Route route{http::verb::post, "/emails", Access::send, kJson, {}, nullptr};
  route.handler = [&parts](const Request& request) { return resend_send(parts, request); };
  route.body = BodySize::message;
  route.render = &resend_refusal;
  router.add(std::move(route));
}

class Resend : public testing::Test, public DialectServer {
 protected:
  Resend() : DialectServer({&add_emails, &add_resend}) {}

  static std::string email(const std::string& more = "") {
    return R"({"from":"App <app@example.test>","to":"a@example.test","subject":"Grüße","text":"Text")" + more + "}";
  }
  static std::string in_hours(int hours) {
    static const Time now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    return format_rfc3339(now + std::chrono::hours(hours));
  }
  std::string scheduled(int hours) {
    return text_at(post("/emails", email(R"(,"scheduled_at":")" + in_hours(hours) + "\"")).json(), "id");
  }
  static std::string another_time(int hours) { return R"({"scheduled_at":")" + in_hours(hours) + "\"}"; }
  std::string next_try(const std::string& id) {
    return text_at(message(id).at("recipients").at(0).as_object(), "next_try_at");
  }
  // "422 validation_error: the message"
  static std::string error_of(const Answer& answer) {
    const json::object error = answer.json();
    EXPECT_EQ(error.at("statusCode").to_number<int>(), answer.status) << answer.body;
    return std::to_string(answer.status) + " " + text_at(error, "name") + ": " + text_at(error, "message");
  }
  std::string refusal_of(const std::string& more) { return error_of(post("/emails", email(more))); }
};

TEST_F(Resend, AnEmailWithEverything) {
  const Answer answer = post(
      "/emails",
      R"({"from":"App <app@example.test>","to":["A <a@example.test>","b@example.test"],"cc":"c@example.test",)"
      R"("bcc":["d@example.test"],"reply_to":"r@example.test","subject":"Grüße","text":"plain","html":"<img src=cid:logo>",)"
      R"("headers":{"X-Order":"5"},"tags":[{"name":"order","value":"5"}],"scheduled_at":")" +
          in_hours(1) +
          R"(",)"
          R"("attachments":[{"filename":"logo.png","content":"UE5H","content_type":"image/png","content_id":"logo"}]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::string id = text_at(answer.json(), "id");
  EXPECT_EQ(id.size(), 36u) << "a UUID, as Resend's ids are";
  const json::object seen = message(id);
  EXPECT_EQ(seen.at("recipients").as_array().size(), 4u);
  EXPECT_EQ(text_at(seen, "sender"), "app@example.test");
  EXPECT_EQ(text_at(seen.at("metadata").as_object(), "order"), "5");
  EXPECT_EQ(next_try(id), in_hours(1));
  const std::string octets = sent_octets(id);
  for (const char* part :
       {"From: App <app@example.test>", "To: A <a@example.test>, b@example.test", "Cc: c@example.test",
        "Reply-To: r@example.test", "X-Order: 5", "Content-Id: <logo>", "UE5H"})
    EXPECT_NE(octets.find(part), std::string::npos) << part << "\n" << octets;
  EXPECT_EQ(octets.find("d@example.test"), std::string::npos);
}

// The SDK for Python sends a list of octets, and Node's JSON of a Buffer is an object.
TEST_F(Resend, OctetsAsNumbers) {
  for (const char* content : {R"([80,78,71])", R"({"type":"Buffer","data":[80,78,71]})", R"("UE5H")"}) {
    const Answer answer =
        post("/emails", email(R"(,"attachments":[{"filename":"a.png","content":)" + std::string(content) + "}]"));
    ASSERT_EQ(answer.status, 200) << content << answer.body;
    EXPECT_NE(sent_octets(text_at(answer.json(), "id")).find("UE5H"), std::string::npos) << content;
  }
  for (const char* content :
       {"[256]", "[-1]", R"(["a"])", R"({"type":"Buffer"})", R"({"type":"Other","data":[1]})", R"("UE5")", "5"})
    EXPECT_EQ(refusal_of(R"(,"attachments":[{"filename":"a.png","content":)" + std::string(content) + "}]"),
              "422 validation_error: attachments.0.content: must be the file in base64")
        << content;
  EXPECT_EQ(count(), 3u);
}

// Each number takes many times its room while the body is read.
TEST_F(Resend, OctetsAsNumbersAreBounded) {
  std::string octets = "1";
  for (std::size_t i = 0; i < kMaxValues; ++i) octets += ",1";
  const std::string large = email(R"(,"attachments":[{"filename":"a.png","content":[)" + octets + "]}]");
  for (const Answer& answer : {post("/emails", large), post("/emails/batch", "[" + large + "]")}) {
    EXPECT_EQ(answer.status, 422);
    EXPECT_NE(answer.body.find("values"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(count(), 0u);
}

TEST_F(Resend, AMemberThatIsThereTwiceIsAFaultInABatchToo) {
  const std::string twice = email(R"(,"subject":"another")");
  EXPECT_EQ(post("/emails", twice).status, 422);
  EXPECT_EQ(post("/emails/batch", "[" + twice + "]").status, 422);
  EXPECT_EQ(count(), 0u);
}

TEST_F(Resend, WhatCannotBeHonouredIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(,"template":{"id":"x"})", "template"},
      {R"(,"topic_id":"x")", "topic_id"},
      {R"(,"attachments":[{"path":"https://example.test/a"}])", "attachments.0.path"},
      {R"(,"scheduled_at":"in 1 min")", "scheduled_at"},
      {R"(,"tags":[{"name":"a b","value":"5"}])", "tags.0.name"},
      {R"(,"replyTo":"r@example.test")", "replyTo"},
      {R"(,"headers":{"Subject":"x"})", "headers.Subject"},
      {R"(,"cc":"nobody")", "cc"},
  };
  for (const auto& [more, place] : cases) {
    const std::string error = refusal_of(more);
    EXPECT_TRUE(error.starts_with("422 validation_error: ")) << error;
    EXPECT_NE(error.find(std::string(place) + ": "), std::string::npos) << error;
  }
  EXPECT_EQ(count(), 0u);
}

TEST_F(Resend, ErrorsHaveResendsNames) {
  EXPECT_EQ(error_of(post("/emails", R"({"html":"x"})")),
            "422 missing_required_field: from: must be given; to: must be given; subject: must be given");
  EXPECT_TRUE(error_of(post("/emails", "{")).starts_with("422 validation_error: "));
  EXPECT_TRUE(error_of(api.call_with("re_wrong", "POST", "/emails", email())).starts_with("401 invalid_api_key: "));
  EXPECT_TRUE(error_of(post_with("/emails", "Idempotency-Key: " + std::string(300, 'k') + "\r\n", email()))
                  .starts_with("400 invalid_idempotency_key: "));
}

TEST_F(Resend, AWrongMethodIsRefusedInItsShape) {
  const Answer answer = api.call("GET", "/emails");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.header("allow"), "POST");
  EXPECT_NE(error_of(answer).find("this path answers POST"), std::string::npos) << answer.body;
}

TEST_F(Resend, WhatIsReadAndWhatIsCheckedIsToldAtOnce) {
  const Answer answer =
      post("/emails", R"({"from":"a@example.test","to":"nobody","subject":"s","text":"t","react":1})");
  EXPECT_EQ(answer.status, 422);
  EXPECT_NE(answer.body.find("react: "), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("address"), std::string::npos) << answer.body;
}

TEST_F(Resend, AnIdempotencyKeyIsOneEmail) {
  const std::string key = "Idempotency-Key: once\r\n";
  const Answer first = post_with("/emails", key, email());
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(post_with("/emails", key, email()).body, first.body);
  EXPECT_TRUE(error_of(post_with("/emails", key, email(R"(,"cc":"c@example.test")")))
                  .starts_with("409 invalid_idempotent_request: "));
  EXPECT_EQ(count(), 1u);
}

TEST_F(Resend, KeysAndTroubleOfOurs) {
  DialectServer narrow({&add_emails, &add_resend}, narrow_key());
  const std::string foreign = R"({"from":"app@other.test","to":"a@example.test","subject":"x","text":"x"})";
  EXPECT_EQ(error_of(narrow.api.call_with(kNarrowToken, "POST", "/emails", foreign)),
            "403 validation_error: from: this credential may not send as 'app@other.test'");
  EXPECT_EQ(narrow.api.call_with(kNarrowToken, "POST", "/emails", email()).status, 200);
  const Answer limited = narrow.api.call_with(kNarrowToken, "POST", "/emails", email());
  EXPECT_TRUE(error_of(limited).starts_with("429 rate_limit_exceeded: ")) << limited.body;
  EXPECT_FALSE(limited.header("retry-after").empty());
  DialectServer full({&add_emails, &add_resend}, full_spool());
  EXPECT_TRUE(error_of(full.post("/emails", email())).starts_with("503 internal_server_error: "));
  // None of a batch was taken: that is no error of its emails.
  const Answer later = full.post_with("/emails/batch", "x-batch-validation: permissive\r\n", "[" + email() + "]");
  EXPECT_TRUE(error_of(later).starts_with("503 internal_server_error: ")) << later.body;
  EXPECT_FALSE(later.header("retry-after").empty());
}

// ---- batch --------------------------------------------------------------------------------------------------------

TEST_F(Resend, ABatchIsAllOrNothing) {
  const Answer answer = post("/emails/batch", "[" + email() + "," + email() + "]");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().at("data").as_array().size(), 2u);
  EXPECT_FALSE(answer.json().contains("errors"));
  EXPECT_EQ(error_of(post("/emails/batch", "[" + email() + "," + email(R"(,"topic_id":"x")") + "]"))
                .find("422 validation_error: 1.topic_id: "),
            0u);
  EXPECT_TRUE(error_of(post("/emails/batch", "[" + email() + "," + email(R"(,"cc":"@b")") + "]"))
                  .starts_with("422 validation_error: 1.cc: "));
  EXPECT_EQ(count(), 2u);
}

TEST_F(Resend, APermissiveBatchTellsWhichFailed) {
  const std::string permissive = "x-batch-validation: permissive\r\n";
  const Answer answer =
      post_with("/emails/batch", permissive,
                "[" + email(R"(,"topic_id":"x")") + "," + email() + "," + email(R"(,"cc":"@b")") + "]");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().at("data").as_array().size(), 1u);
  const json::array errors = answer.json().at("errors").as_array();
  ASSERT_EQ(errors.size(), 2u) << answer.body;
  EXPECT_EQ(errors[0].at("index"), 0);
  EXPECT_EQ(errors[1].at("index"), 2);
  EXPECT_EQ(count(), 1u);
}

TEST_F(Resend, WhatIsReadAndWhatIsCheckedIsToldAtOnceOfABatchToo) {
  const std::string wrong = "[" + email(R"(,"topic_id":"x","cc":"c@@b")") + "," + email() + "," +
                            email(R"(,"headers":{"Subject":"x"},"bcc":"nobody")") + "]";
  const std::string strict = error_of(post("/emails/batch", wrong));
  EXPECT_TRUE(strict.starts_with("422 validation_error: ")) << strict;
  for (const char* place : {"0.topic_id: ", "0.cc: ", "2.headers.Subject: ", "2.bcc: "})
    EXPECT_NE(strict.find(place), std::string::npos) << strict;
  const Answer permissive = post_with("/emails/batch", "x-batch-validation: permissive\r\n", wrong);
  ASSERT_EQ(permissive.status, 200) << permissive.body;
  const json::array errors = permissive.json().at("errors").as_array();
  ASSERT_EQ(errors.size(), 2u) << permissive.body;
  const std::string first = text_at(errors[0].as_object(), "message");
  for (const char* place : {"0.topic_id: ", "0.cc: "}) EXPECT_NE(first.find(place), std::string::npos) << first;
  EXPECT_EQ(count(), 1u);
}

TEST_F(Resend, APermissiveBatchOfFaultsOnlyIsAnsweredLikeOthers) {
  const Answer answer =
      post_with("/emails/batch", "x-batch-validation: permissive\r\n", "[" + email(R"(,"cc":5)") + "]");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.json().at("data").as_array().empty());
  EXPECT_EQ(answer.json().at("errors").as_array().size(), 1u);
}

TEST_F(Resend, BatchesHaveBounds) {
  EXPECT_EQ(post("/emails/batch", "[]").status, 422);
  EXPECT_EQ(post("/emails/batch", email()).status, 422);
  std::string many = email();
  for (int i = 0; i < 100; ++i) many += "," + email();
  EXPECT_EQ(post("/emails/batch", "[" + many + "]").status, 422);
  EXPECT_EQ(post_with("/emails/batch", "x-batch-validation: loose\r\n", "[" + email() + "]").status, 422);
  EXPECT_EQ(count(), 0u);
}

// ---- cancel, reschedule -------------------------------------------------------------------------------------------

TEST_F(Resend, AScheduledEmailIsMovedAndCancelled) {
  const std::string id = scheduled(1);
  const Answer moved = api.call("PATCH", "/emails/" + id, another_time(2));
  ASSERT_EQ(moved.status, 200) << moved.body;
  EXPECT_EQ(moved.json(), (json::object{{"object", "email"}, {"id", id}}));
  EXPECT_EQ(next_try(id), in_hours(2));
  EXPECT_EQ(api.call("POST", "/emails/" + id + "/cancel").json(), (json::object{{"object", "email"}, {"id", id}}));
  EXPECT_EQ(text_at(message(id), "state"), "cancelled");
  EXPECT_EQ(api.call("POST", "/emails/" + id + "/cancel").status, 409);
  EXPECT_EQ(api.call("PATCH", "/emails/" + id, another_time(2)).status, 409);
}

TEST_F(Resend, TheEmailOfAnotherTenantIsNotThere) {
  const std::string id = scheduled(1);
  EXPECT_TRUE(error_of(api.call_as_tenant("POST", "/emails/" + id + "/cancel")).starts_with("404 not_found: "));
  EXPECT_EQ(api.call_as_tenant("PATCH", "/emails/" + id, another_time(2)).status, 404);
  EXPECT_EQ(text_at(message(id), "state"), "queued");
}

TEST_F(Resend, AnotherTimeMustBeATime) {
  const std::string id = scheduled(1);
  const std::string with_more = R"({"scheduled_at":")" + in_hours(2) + R"(","to":"x"})";
  for (const std::string& body :
       {std::string("{}"), std::string(R"({"scheduled_at":"tomorrow"})"), another_time(24 * 365), with_more})
    EXPECT_EQ(api.call("PATCH", "/emails/" + id, body).status, 422) << body;
  EXPECT_EQ(next_try(id), in_hours(1));
}

}  // namespace
}  // namespace postrider::mgmt::test
