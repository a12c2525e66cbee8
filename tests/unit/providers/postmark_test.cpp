#include <gmock/gmock.h>

#include "tests/unit/providers/lossy_fixture.h"

namespace postrider::providers {
namespace {

using testing::HasSubstr;

class PostmarkTest : public LossyTest {
 protected:
  PostmarkTest() : LossyTest(postmark, UpstreamType::postmark) { upstream_.server_token = "token"; }
};

TEST_F(PostmarkTest, WritesTheWholeRequest) {
  tags_ = {"news", "other"};
  upstream_.message_stream = "broadcasts";
  const boost::json::object request = built(
      "From: \"App, the\" <app@example.com>\nTo: =?utf-8?Q?J=C3=BC?= <jo@example.net>\nCc: two@example.net\nReply-To: "
      "r@example.com, s@example.com\n"
      "Subject: Hi\nMessage-ID: <1@example.com>\nDate: now\nX-Tag: one\nX-Tag: two\nContent-Type: multipart/related; "
      "boundary=r\n\n"
      "--r\nContent-Type: text/html\n\n<img src=cid:logo>\n--r\nContent-Type: image/png\nContent-ID: "
      "<logo>\nContent-Transfer-Encoding: base64\n\nUE5H\n--r--\n",
      {"jo@example.net", "two@example.net", "hid@example.net"});
  EXPECT_EQ(boost::json::value(request), json(R"({
    "From": "\"App, the\" <app@example.com>", "To": "=?utf-8?B?SsO8?= <jo@example.net>", "Cc": "two@example.net", "Bcc": "hid@example.net",
    "ReplyTo": "r@example.com, s@example.com", "Subject": "Hi", "HtmlBody": "<img src=cid:logo>", "Tag": "news", "MessageStream": "broadcasts",
    "Headers": [{"Name": "X-Tag", "Value": "one"}, {"Name": "X-Tag", "Value": "two"}],
    "Metadata": {"postrider_id": "01kg9jz5a8v3m2n4p6q8r0s1t3"},
    "Attachments": [{"Name": "attachment.png", "Content": "UE5H", "ContentType": "image/png", "ContentID": "cid:logo"}]})"));
  EXPECT_EQ(request_.url, "https://api.postmarkapp.com/email");
  EXPECT_EQ(field("X-Postmark-Server-Token"), "token");
  EXPECT_EQ(field("Accept"), "application/json");
}

TEST_F(PostmarkTest, RefusesTextOfMoreThanFiveMegabytes) {
  EXPECT_THAT(
      refusal("From: a@example.com\nTo: one@example.net\n\n" + std::string(5'000'001, 'x'), {"one@example.net"}),
      HasSubstr("5 MB"));
}

TEST_F(PostmarkTest, RefusesToShowHiddenRecipientsToEachOther) {
  EXPECT_EQ(build("From: a@example.com\n\nx\n", {"one@example.net", "two@example.net"}).error().kind,
            FaultKind::conflict);
}

constexpr const char* kPartly =
    R"({"To":"a@example.net","MessageID":"0a129aee","ErrorCode":0,"Message":"Message OK, but will not deliver to these inactive addresses: gone@example.net, b@example.net. Inactive recipients are ones that have generated a hard bounce."})";

TEST_F(PostmarkTest, BouncesThoseThatItTookTheMessageWithout) {
  Reading reading = read(200, kPartly, {}, 3);
  EXPECT_EQ(reading.kind, OutcomeKind::sent);
  EXPECT_EQ(reading.provider_id, "0a129aee");
  const MessageRecord message = record_to({"a@example.net", "B@example.net", "Gone@example.net"});
  const std::vector<std::uint32_t> all = {0, 1, 2};
  place_named(reading, {message, all, ""});
  ASSERT_EQ(reading.singles.size(), 2u);
  EXPECT_EQ(reading.singles[0].place, 2u);
  EXPECT_EQ(reading.singles[1].place, 1u);
  for (const Reading::Single& single : reading.singles) {
    EXPECT_EQ(single.kind, OutcomeKind::bounced);
    EXPECT_EQ(single.reason.cause, Cause::recipient);
    EXPECT_THAT(single.reason.text, HasSubstr("inactive"));
  }
}

TEST_F(PostmarkTest, TakesAcceptanceWithoutErrorCode) {
  EXPECT_EQ(read(200, R"({"MessageID":"1","Message":"Message accepted, but delivery may be delayed."})").kind,
            OutcomeKind::sent);
}

TEST_F(PostmarkTest, AsksForItsServerAsAProbe) {
  const Request request = provider_.build_probe(upstream_, kNow).value();
  EXPECT_EQ(request.method + " " + request.url, "GET https://api.postmarkapp.com/server");
  EXPECT_EQ(read_probe(200, R"({"ID":1,"Name":"x"})").kind, OutcomeKind::sent);
  EXPECT_EQ(read_probe(401, R"({"ErrorCode":10,"Message":"bad"})").reason.cause, Cause::route);
  EXPECT_EQ(read_probe(200, "[]").reason.cause, Cause::route);
}

class PostmarkOutcome : public testing::TestWithParam<Outcome> {};
TEST_P(PostmarkOutcome, Means) {
  expect_outcome(postmark, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    All, PostmarkOutcome,
    testing::Values(
        Outcome{"token", 401, R"({"ErrorCode":10,"Message":"no token"})", OutcomeKind::deferred, Cause::route},
        Outcome{"maintenance", 503, R"({"ErrorCode":100,"Message":"offline"})", OutcomeKind::deferred, Cause::route},
        Outcome{"to", 422, R"({"ErrorCode":300,"Message":"Invalid 'To' address: 'x'."})", OutcomeKind::bounced,
                Cause::recipient, true},
        Outcome{"cc", 422,
                R"({"ErrorCode":300,"Message":"Error parsing 'Cc': Illegal email domain 'x' in address 'y'."})",
                OutcomeKind::bounced, Cause::recipient, true},
        Outcome{"bcc", 422, R"({"ErrorCode":300,"Message":"Error parsing 'Bcc': Illegal email address 'y'."})",
                OutcomeKind::bounced, Cause::recipient, true},
        Outcome{"reply_to", 422, R"({"ErrorCode":300,"Message":"Error parsing 'Reply-To': Illegal email domain"})",
                OutcomeKind::bounced, Cause::content},
        Outcome{"unverified_by_300", 422,
                R"({"ErrorCode":300,"Message":"Invalid 'From' address: 'a' is not a verified sender signature."})",
                OutcomeKind::deferred, Cause::route},
        Outcome{"signature", 422, R"({"ErrorCode":400,"Message":"not a Sender Signature"})", OutcomeKind::deferred,
                Cause::route},
        Outcome{"unconfirmed", 422, R"({"ErrorCode":401,"Message":"not confirmed"})", OutcomeKind::deferred,
                Cause::route},
        Outcome{"json", 422, R"({"ErrorCode":402,"Message":"Invalid JSON"})", OutcomeKind::deferred, Cause::route},
        Outcome{"incompatible", 422, R"({"ErrorCode":403,"Message":"Incompatible JSON"})", OutcomeKind::deferred,
                Cause::route},
        Outcome{"credits", 422, R"({"ErrorCode":405,"Message":"Not allowed to send"})", OutcomeKind::deferred,
                Cause::throttle},
        Outcome{"inactive", 422, R"({"ErrorCode":406,"Message":"Found inactive addresses: a@b. Inactive"})",
                OutcomeKind::bounced, Cause::recipient, true},
        Outcome{"attachment", 422, R"({"ErrorCode":411,"Message":"Forbidden attachment type"})", OutcomeKind::deferred,
                Cause::capability},
        Outcome{"pending", 422, R"({"ErrorCode":412,"Message":"pending"})", OutcomeKind::deferred, Cause::route},
        Outcome{"may_not", 422, R"({"ErrorCode":413,"Message":"may not send"})", OutcomeKind::deferred, Cause::route},
        Outcome{"stream", 422,
                R"({"ErrorCode":1235,"Message":"The message stream 'x' does not exist on this server."})",
                OutcomeKind::deferred, Cause::route},
        Outcome{"rate", 429, R"({"ErrorCode":429,"Message":"slow down"})", OutcomeKind::deferred, Cause::throttle},
        Outcome{"rate_without_json", 429, "slow down", OutcomeKind::deferred, Cause::throttle},
        Outcome{"size", 413, "", OutcomeKind::deferred, Cause::capability},
        Outcome{"unknown", 422, R"({"ErrorCode":9999,"Message":"?"})", OutcomeKind::deferred, Cause::route},
        Outcome{"refused_with_200", 200, R"({"ErrorCode":9999,"Message":"?"})", OutcomeKind::deferred, Cause::route},
        Outcome{"no_id", 200, R"({"ErrorCode":0,"Message":"OK"})", OutcomeKind::uncertain, Cause::uncertain},
        Outcome{"cut", 200, R"({"MessageID":"b7bc)", OutcomeKind::uncertain, Cause::uncertain},
        Outcome{"trouble", 500, "", OutcomeKind::deferred, Cause::route},
        Outcome{"somebody_else", 200, "<html>", OutcomeKind::deferred, Cause::route}),
    [](const auto& given) { return std::string(given.param.name); });

}  // namespace
}  // namespace postrider::providers
