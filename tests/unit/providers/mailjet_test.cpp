#include <gmock/gmock.h>

#include "tests/unit/providers/lossy_fixture.h"

namespace postrider::providers {
namespace {

using testing::HasSubstr;

class MailjetTest : public LossyTest {
 protected:
  MailjetTest() : LossyTest(mailjet, UpstreamType::mailjet) {
    upstream_.api_key = "key";
    upstream_.api_secret = "secret";
  }
};

constexpr std::string_view kRich =
    "From: App <app@example.com>\nTo: \"Doe, Jo\" <jo@example.net>\nCc: two@example.net\nReply-To: R "
    "<r@example.com>\nSubject: Hi\n"
    "Message-ID: <1@example.com>\nDate: Sat, 31 Jan 2026 08:15:00 +0000\nX-Mailer: x\nX-MJ-CustomID: forged\nList-Id: "
    "<l>\n"
    "List-Unsubscribe: <https://u.example>\nX-Order: 5\nContent-Type: multipart/mixed; boundary=m\n\n"
    "--m\nContent-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<img src=cid:logo>\n"
    "--r\nContent-Type: image/png; name=logo.png\nContent-ID: <logo>\nContent-Transfer-Encoding: "
    "base64\n\nUE5H\n--r--\n"
    "--m\nContent-Type: text/csv; charset=utf-8; name=a.csv\n\na,b\n--m--\n";

TEST_F(MailjetTest, WritesTheWholeRequest) {
  tags_ = {"news", "other"};
  const boost::json::object request = built(kRich, {"jo@example.net", "two@example.net", "hid@example.net"});
  EXPECT_EQ(boost::json::value(request), json(R"({"Messages": [{
    "From": {"Email": "app@example.com", "Name": "App"}, "CustomID": "01kg9jz5a8v3m2n4p6q8r0s1t3",
    "To": [{"Email": "jo@example.net", "Name": "Doe, Jo"}], "Cc": [{"Email": "two@example.net"}], "Bcc": [{"Email": "hid@example.net"}],
    "ReplyTo": {"Email": "r@example.com", "Name": "R"}, "Subject": "Hi", "HTMLPart": "<img src=cid:logo>",
    "Attachments": [{"ContentType": "text/csv", "Filename": "a.csv", "Base64Content": "YSxi"}],
    "InlinedAttachments": [{"ContentType": "image/png", "Filename": "logo.png", "Base64Content": "UE5H", "ContentID": "logo"}],
    "Headers": {"List-Unsubscribe": "<https://u.example>", "X-Order": "5"}, "CustomCampaign": "news"}]})"));
  EXPECT_EQ(request_.url, "https://api.mailjet.com/v3.1/send");
  EXPECT_EQ(field("Authorization"), "Basic a2V5OnNlY3JldA==");
}

TEST_F(MailjetTest, SwitchesTheSandboxOn) {
  upstream_.sandbox = true;
  EXPECT_EQ(built("From: a@example.com\nTo: one@example.net\n\nx\n", {"one@example.net"}).at("SandboxMode"), true);
}

TEST_F(MailjetTest, RefusesWhatItCannotExpress) {
  const std::string head = "From: a@example.com\nTo: one@example.net\n";
  EXPECT_THAT(refusal(head + "Reply-To: r@example.com, s@example.com\n\nx\n", {"one@example.net"}),
              HasSubstr("several addresses in Reply-To"));
  EXPECT_THAT(refusal(head + "Subject: " + std::string(256, 's') + "\n\nx\n", {"one@example.net"}),
              HasSubstr("longer than 255"));
  EXPECT_EQ(build("From: a@example.com\n\nx\n", {"one@example.net", "two@example.net"}).error().kind,
            FaultKind::conflict);
}

TEST_F(MailjetTest, CountsCharactersOfASubjectNotOctets) {
  std::string subject;
  for (int i = 0; i < 255; ++i) subject += "ü";
  EXPECT_EQ(built("From: a@example.com\nTo: one@example.net\nSubject: " + subject + "\n\nx\n", {"one@example.net"})
                .at("Messages")
                .at(0)
                .at("Subject"),
            boost::json::value(subject));
}

// 2^53 + 1 and 2^63 + 1: a double has neither.
TEST_F(MailjetTest, ReadsTheIdsOfRecipientsExactly) {
  Reading reading = read(200, R"({"Messages":[{"Status":"success","CustomID":"x",
      "To":[{"Email":"One@example.net","MessageUUID":"u","MessageID":9007199254740993,"MessageHref":"h"}],
      "Cc":[{"Email":"two@example.net","MessageID":9223372036854775809}],"Bcc":[{"Email":"three@example.net","MessageID":"70650219165027410"}]}]})",
                         {}, 3);
  EXPECT_EQ(reading.kind, OutcomeKind::sent);
  EXPECT_EQ(reading.provider_id, "9007199254740993");
  const MessageRecord message = record_to({"three@example.net", "two@example.net", "one@example.net"});
  const std::vector<std::uint32_t> all = {0, 1, 2};
  place_named(reading, {message, all, ""});
  ASSERT_EQ(reading.singles.size(), 3u);
  EXPECT_EQ(reading.singles[0].place, 2u);
  EXPECT_EQ(reading.singles[0].provider_id, "9007199254740993");
  EXPECT_EQ(reading.singles[1].place, 1u);
  EXPECT_EQ(reading.singles[1].provider_id, "9223372036854775809");
  EXPECT_EQ(reading.singles[2].provider_id, "70650219165027410");
}

TEST_F(MailjetTest, SaysWhatTheErrorIsAbout) {
  const Reading reading = read(
      400, R"({"Messages":[{"Status":"error","Errors":[{"ErrorIdentifier":"i","ErrorCode":"mj-0013","StatusCode":400,
      "ErrorMessage":"\"x\" is an invalid email address.","ErrorRelatedTo":["To[0].Email"]}]}]})");
  EXPECT_EQ(reading.reason.text, "\"x\" is an invalid email address. [To[0].Email]");
}

TEST_F(MailjetTest, AsksForItsKeyAsAProbe) {
  const Request request = provider_.build_probe(upstream_, kNow).value();
  EXPECT_EQ(request.method + " " + request.url, "GET https://api.mailjet.com/v3/REST/apikey?Limit=1");
  EXPECT_EQ(read_probe(200, R"({"Count":1,"Data":[{}],"Total":1})").kind, OutcomeKind::sent);
  EXPECT_EQ(read_probe(401, R"({"ErrorCode":"mj-0015","ErrorMessage":"no"})").reason.cause, Cause::route);
  EXPECT_EQ(read_probe(200, "hello").reason.cause, Cause::route);
}

class MailjetOutcome : public testing::TestWithParam<Outcome> {};
TEST_P(MailjetOutcome, Means) {
  expect_outcome(mailjet, GetParam());
}

#define MESSAGE_ERROR(code, related)                                \
  R"({"Messages":[{"Status":"error","Errors":[{"ErrorCode":")" code \
  R"(","StatusCode":400,"ErrorMessage":"no","ErrorRelatedTo":[")" related R"("]}]}]})"

INSTANTIATE_TEST_SUITE_P(
    All, MailjetOutcome,
    testing::Values(
        Outcome{"to", 400, MESSAGE_ERROR("mj-0013", "To[3].Email"), OutcomeKind::bounced, Cause::recipient, true},
        Outcome{"cc", 400, MESSAGE_ERROR("mj-0013", "Cc[0].Email"), OutcomeKind::bounced, Cause::recipient, true},
        Outcome{"bcc", 400, MESSAGE_ERROR("mj-0013", "Bcc[0].Email"), OutcomeKind::bounced, Cause::recipient, true},
        Outcome{"reply_to", 400, MESSAGE_ERROR("mj-0013", "ReplyTo.Email"), OutcomeKind::bounced, Cause::content},
        Outcome{"header", 400, MESSAGE_ERROR("send-0011", "Headers.Date"), OutcomeKind::bounced, Cause::content},
        Outcome{"no_body", 400, MESSAGE_ERROR("send-0003", "TextPart"), OutcomeKind::bounced, Cause::content},
        Outcome{"sender", 403, MESSAGE_ERROR("send-0008", "From"), OutcomeKind::deferred, Cause::route},
        Outcome{"size", 413, MESSAGE_ERROR("mj-0011", "Attachments"), OutcomeKind::deferred, Cause::capability},
        Outcome{"key", 401, R"({"ErrorIdentifier":"i","ErrorCode":"mj-0015","ErrorMessage":"no","StatusCode":401})",
                OutcomeKind::deferred, Cause::route},
        Outcome{"suspended", 401, R"({"ErrorCode":"mj-0001","ErrorMessage":"suspended","StatusCode":401})",
                OutcomeKind::deferred, Cause::route},
        Outcome{"rate", 429, "Rate limit exceeded", OutcomeKind::deferred, Cause::throttle},
        Outcome{"trouble", 500, R"({"ErrorIdentifier":"i","ErrorMessage":"oops","StatusCode":500})",
                OutcomeKind::deferred, Cause::route},
        Outcome{"json", 400, R"({"ErrorCode":"mj-0002","StatusCode":400,"ErrorMessage":"Malformed JSON"})",
                OutcomeKind::deferred, Cause::route},
        Outcome{"success_without_status", 200, R"({"Messages":[{}]})", OutcomeKind::uncertain, Cause::uncertain},
        Outcome{"refused_with_200", 200, MESSAGE_ERROR("mj-9999", "x"), OutcomeKind::deferred, Cause::route},
        Outcome{"cut", 200, R"({"Messages":[{"Status":"succ)", OutcomeKind::uncertain, Cause::uncertain},
        Outcome{"somebody_else", 200, "<html>", OutcomeKind::deferred, Cause::route}),
    [](const auto& given) { return std::string(given.param.name); });

}  // namespace
}  // namespace postrider::providers
