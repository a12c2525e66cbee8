#include <gmock/gmock.h>

#include "tests/unit/providers/lossy_fixture.h"

namespace postrider::providers {
namespace {

using testing::HasSubstr;

class ResendTest : public LossyTest {
 protected:
  ResendTest() : LossyTest(resend, UpstreamType::resend) { upstream_.api_key = "re_secret"; }
};

TEST_F(ResendTest, WritesTheWholeRequest) {
  tags_ = {"news", "Grüße, 2"};
  const boost::json::object request = built(
      "From: =?utf-8?Q?J=C3=BC?= <app@example.com>\nTo: \"Doe, Jo\" <jo@example.net>\nCc: two@example.net\nReply-To: "
      "r@example.com, s@example.com\n"
      "Subject: Hi\nMessage-ID: <1@example.com>\nDate: now\nIn-Reply-To: <0@example.com>\nContent-Type: "
      "multipart/related; boundary=r\n\n"
      "--r\nContent-Type: text/html\n\n<img src=cid:logo>\n--r\nContent-Type: image/png\nContent-ID: "
      "<logo>\nContent-Transfer-Encoding: base64\n\nUE5H\n--r--\n",
      {"jo@example.net", "two@example.net", "hid@example.net"});
  EXPECT_EQ(boost::json::value(request), json(R"({
    "from": "Jü <app@example.com>", "to": ["=?utf-8?B?RG9lLCBKbw==?= <jo@example.net>"], "cc": ["two@example.net"], "bcc": ["hid@example.net"],
    "reply_to": ["r@example.com", "s@example.com"], "subject": "Hi", "html": "<img src=cid:logo>", "headers": {"In-Reply-To": "<0@example.com>"},
    "tags": [{"name": "postrider_id", "value": "01kg9jz5a8v3m2n4p6q8r0s1t3"}, {"name": "postrider_recipients", "value": "3"}, {"name": "tag", "value": "news"}, {"name": "tag_2", "value": "Gr____e__2"}],
    "attachments": [{"filename": "attachment.png", "content": "UE5H", "content_type": "image/png", "content_id": "logo"}]})"));
  EXPECT_EQ(request_.url, "https://api.resend.com/emails");
  EXPECT_EQ(field("Authorization"), "Bearer re_secret");
}

TEST_F(ResendTest, GivesOneKeyToEveryTryOfTheSameRecipients) {
  const std::string text = "From: a@example.com\nTo: one@example.net, two@example.net\n\nx\n";
  built(text, {"one@example.net", "two@example.net"});
  const std::string first = field("Idempotency-Key"), body = request_.body;
  EXPECT_THAT(first, testing::MatchesRegex("01kg9jz5a8v3m2n4p6q8r0s1t3-[0-9a-f]{32}"));
  built(text, {"one@example.net", "two@example.net"});
  EXPECT_EQ(field("Idempotency-Key"), first);
  EXPECT_EQ(request_.body, body) << "the same key with another body is refused";
  built(text, {"two@example.net"});
  EXPECT_NE(field("Idempotency-Key"), first);
}

TEST_F(ResendTest, MakesUpASubject) {
  EXPECT_EQ(built("From: a@example.com\nTo: one@example.net\n\nx\n", {"one@example.net"}).at("subject"),
            "(no subject)");
}

TEST_F(ResendTest, RefusesToShowHiddenRecipientsToEachOther) {
  EXPECT_EQ(build("From: a@example.com\n\nx\n", {"one@example.net", "two@example.net"}).error().kind,
            FaultKind::conflict);
}

TEST_F(ResendTest, ReadsTheIdOfWhatItTook) {
  const Reading reading = read(200, R"({"id":"49a3999c"})");
  EXPECT_EQ(reading.kind, OutcomeKind::sent);
  EXPECT_EQ(reading.provider_id, "49a3999c");
}

TEST_F(ResendTest, WaitsAsLongAsItIsTold) {
  const Reading reading = read(429, R"({"statusCode":429,"name":"rate_limit_exceeded","message":"Too many requests."})",
                               {{"ratelimit-reset", "1"}, {"retry-after", "3"}});
  EXPECT_EQ(reading.throttled_until, kNow + std::chrono::seconds(3));
}

TEST_F(ResendTest, AsksForItsDomainsAsAProbe) {
  const Request request = provider_.build_probe(upstream_, kNow).value();
  EXPECT_EQ(request.method + " " + request.url, "GET https://api.resend.com/domains");
  EXPECT_EQ(read_probe(200, R"({"data":[]})").kind, OutcomeKind::sent);
  EXPECT_EQ(
      read_probe(
          401,
          R"({"statusCode":401,"name":"restricted_api_key","message":"This API key is restricted to only send emails"})")
          .kind,
      OutcomeKind::sent)
      << "it may do all that it is wanted for";
  EXPECT_EQ(
      read_probe(403, R"({"statusCode":403,"name":"invalid_api_key","message":"API key is invalid"})").reason.cause,
      Cause::route);
  EXPECT_EQ(read_probe(200, "hello").reason.cause, Cause::route);
}

class ResendOutcome : public testing::TestWithParam<Outcome> {};
TEST_P(ResendOutcome, Means) {
  expect_outcome(resend, GetParam());
}

#define NAMED(name, text) R"({"statusCode":0,"name":")" name R"(","message":")" text R"("})"

INSTANTIATE_TEST_SUITE_P(
    All, ResendOutcome,
    testing::Values(
        Outcome{"rate", 429, NAMED("rate_limit_exceeded", "slow"), OutcomeKind::deferred, Cause::throttle},
        Outcome{"daily", 429, NAMED("daily_quota_exceeded", "used up"), OutcomeKind::deferred, Cause::throttle},
        Outcome{"monthly", 429, NAMED("monthly_quota_exceeded", "used up"), OutcomeKind::deferred, Cause::throttle},
        Outcome{"no_key", 401, NAMED("missing_api_key", "none"), OutcomeKind::deferred, Cause::route},
        Outcome{"bad_key", 403, NAMED("invalid_api_key", "bad"), OutcomeKind::deferred, Cause::route},
        Outcome{"restricted", 401, NAMED("restricted_api_key", "only"), OutcomeKind::deferred, Cause::route},
        Outcome{"testing", 403, NAMED("validation_error", "You can only send testing emails to your own email address"),
                OutcomeKind::deferred, Cause::route},
        Outcome{"unverified", 403, NAMED("validation_error", "The example.com domain is not verified."),
                OutcomeKind::deferred, Cause::route},
        Outcome{"to", 422, NAMED("validation_error", "Invalid `to` field."), OutcomeKind::bounced, Cause::recipient,
                true},
        Outcome{"cc", 422, NAMED("validation_error", "Invalid `cc` field."), OutcomeKind::bounced, Cause::recipient,
                true},
        Outcome{"bcc", 422, NAMED("validation_error", "Invalid `bcc` field."), OutcomeKind::bounced, Cause::recipient,
                true},
        Outcome{"from", 422, NAMED("validation_error", "Invalid `from` field."), OutcomeKind::deferred,
                Cause::capability},
        Outcome{"from_by_name", 422, NAMED("invalid_from_address", "bad"), OutcomeKind::deferred, Cause::capability},
        Outcome{"characters", 451, NAMED("security_error", "The email payload contain invalid characters"),
                OutcomeKind::deferred, Cause::capability},
        Outcome{"attachment", 422, NAMED("invalid_attachment", "bad"), OutcomeKind::deferred, Cause::capability},
        Outcome{"field", 422, NAMED("missing_required_field", "Missing `subject`"), OutcomeKind::bounced,
                Cause::content},
        Outcome{"parameter", 422, NAMED("invalid_parameter", "bad"), OutcomeKind::bounced, Cause::content},
        Outcome{"same_time", 409, NAMED("concurrent_idempotent_requests", "busy"), OutcomeKind::deferred, Cause::route},
        Outcome{"other_payload", 409, NAMED("invalid_idempotent_request", "other"), OutcomeKind::deferred,
                Cause::route},
        Outcome{"path", 404, NAMED("not_found", "no"), OutcomeKind::deferred, Cause::route},
        Outcome{"trouble", 500, NAMED("application_error", "oops"), OutcomeKind::deferred, Cause::route},
        Outcome{"gateway", 502, "<html>", OutcomeKind::deferred, Cause::route},
        Outcome{"no_json", 200, "OK", OutcomeKind::uncertain, Cause::uncertain},
        Outcome{"cut", 200, R"({"id":"49a3)", OutcomeKind::uncertain, Cause::uncertain},
        Outcome{"somebody_else", 200, "<html>", OutcomeKind::deferred, Cause::route}),
    [](const auto& given) { return std::string(given.param.name); });

}  // namespace
}  // namespace postrider::providers
