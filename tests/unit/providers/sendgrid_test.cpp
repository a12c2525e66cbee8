#include <gmock/gmock.h>

#include "tests/unit/providers/lossy_fixture.h"

namespace postrider::providers {
namespace {

using testing::HasSubstr;

class Sendgrid : public LossyTest {
 protected:
  Sendgrid() : LossyTest(sendgrid, UpstreamType::sendgrid) { upstream_.api_key = "SG.secret"; }
};

constexpr std::string_view kRich =
    "From: App <app@example.com>\nTo: \"Doe, Jo\" <jo@example.net>\nCc: two@example.net\nReply-To: "
    "r@example.com\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n"
    "Message-ID: <1@example.com>\nDate: Sat, 31 Jan 2026 08:15:00 +0000\nX-Order: 5\nContent-Type: multipart/related; "
    "boundary=r\n\n"
    "--r\nContent-Type: multipart/alternative; boundary=a\n\n--a\n\nplain\n--a\nContent-Type: text/html\n\n<img "
    "src=cid:logo>\n"
    "--a\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN\n--a--\n"
    "--r\nContent-Type: image/png; name=logo.png\nContent-ID: <logo>\nContent-Transfer-Encoding: "
    "base64\n\nUE5H\n--r--\n";

TEST_F(Sendgrid, WritesTheWholeRequest) {
  tags_ = {"one", "two", "one"};
  const boost::json::object request = built(kRich, {"jo@example.net", "two@example.net", "hid@example.net"});
  EXPECT_EQ(boost::json::value(request), json(R"({
    "personalizations": [{"to": [{"email": "jo@example.net", "name": "\"Doe, Jo\""}], "cc": [{"email": "two@example.net"}],
                          "bcc": [{"email": "hid@example.net"}]}],
    "from": {"email": "app@example.com", "name": "App"}, "reply_to": {"email": "r@example.com"}, "subject": "Grüße",
    "content": [{"type": "text/plain", "value": "plain"}, {"type": "text/html", "value": "<img src=cid:logo>"},
                {"type": "text/calendar; method=REQUEST", "value": "BEGIN"}],
    "attachments": [{"content": "UE5H", "type": "image/png", "filename": "logo.png", "disposition": "inline", "content_id": "logo"}],
    "headers": {"Message-ID": "<1@example.com>", "Date": "Sat, 31 Jan 2026 08:15:00 +0000", "X-Order": "5"},
    "custom_args": {"postrider_id": "01kg9jz5a8v3m2n4p6q8r0s1t3"}, "categories": ["one", "two"]})"));
  EXPECT_EQ(request_.method, "POST");
  EXPECT_EQ(request_.url, "https://api.sendgrid.com/v3/mail/send");
  EXPECT_EQ(field("Authorization"), "Bearer SG.secret");
  EXPECT_EQ(field("Content-Type"), "application/json");
}

TEST_F(Sendgrid, WritesALetterForEachHiddenRecipient) {
  const boost::json::object request =
      built("From: a@example.com\nTo: undisclosed-recipients:;\n\nx\n", {"one@example.net", "two@example.net"});
  EXPECT_EQ(request.at("personalizations"),
            json(R"([{"to": [{"email": "one@example.net"}]}, {"to": [{"email": "two@example.net"}]}])"));
}

TEST_F(Sendgrid, LeavesMailWithAnEmptyFileToOthers) {
  EXPECT_THAT(refusal("From: a@example.com\nTo: one@example.net\nContent-Type: multipart/mixed; boundary=m\n\n"
                      "--m\n\nx\n--m\nContent-Type: image/png; name=a.png\n\n\n--m--\n",
                      {"one@example.net"}),
              HasSubstr("empty"));
}

TEST_F(Sendgrid, MakesUpWhatTheApiInsistsOn) {
  const boost::json::object request = built("From: a@example.com\nTo: one@example.net\n\n", {"one@example.net"});
  EXPECT_EQ(request.at("subject"), "(no subject)");
  EXPECT_EQ(request.at("content"), json(R"([{"type": "text/plain", "value": " "}])"));
  EXPECT_FALSE(request.contains("headers"));
  EXPECT_FALSE(request.contains("categories"));
}

TEST_F(Sendgrid, SendsSeveralReplyAddressesAndTheSandboxSwitch) {
  upstream_.sandbox = true;
  upstream_.api_base = "http://127.0.0.1:9999";
  const boost::json::object request =
      built("From: a@example.com\nTo: one@example.net\nReply-To: r@example.com, S <s@example.com>\n\nx\n",
            {"one@example.net"});
  EXPECT_EQ(request.at("reply_to_list"),
            json(R"([{"email": "r@example.com"}, {"email": "s@example.com", "name": "S"}])"));
  EXPECT_EQ(request.at("mail_settings"), json(R"({"sandbox_mode": {"enable": true}})"));
  EXPECT_EQ(request_.url, "http://127.0.0.1:9999/v3/mail/send");
}

TEST_F(Sendgrid, RefusesSignedMail) {
  EXPECT_THAT(refusal("From: a@example.com\nContent-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b--\n",
                      {"one@example.net"}),
              HasSubstr("sendgrid cannot express this message: it is signed"));
}

TEST_F(Sendgrid, ReadsTheIdOfWhatItTook) {
  const Reading reading = read(202, "", {{"x-message-id", "14c5d75ce93"}});
  EXPECT_EQ(reading.kind, OutcomeKind::sent);
  EXPECT_EQ(reading.provider_id, "14c5d75ce93");
  EXPECT_EQ(read(202, "").kind, OutcomeKind::sent) << "the documented answer has no body";
  EXPECT_EQ(read(202, "<html>").reason.cause, Cause::route);
}

TEST_F(Sendgrid, A200IsAnAnswerOfTheSandboxOnly) {
  EXPECT_EQ(read(200, "").kind, OutcomeKind::uncertain) << "not documented, and the shape of one that takes";
  EXPECT_EQ(read(200, "taken", {{"x-message-id", "1"}}).kind, OutcomeKind::uncertain);
  for (const char* body : {"{}", "OK", "<html>"}) EXPECT_EQ(read(200, body).reason.cause, Cause::route) << body;
  upstream_.sandbox = true;
  EXPECT_EQ(read(200, "").kind, OutcomeKind::sent);
  EXPECT_EQ(read(200, "{}").kind, OutcomeKind::sent);
  EXPECT_EQ(read(200, "<html>").reason.cause, Cause::route);
}

TEST_F(Sendgrid, WaitsUntilTheLimitIsNew) {
  const Reading reading =
      read(429, R"({"errors":[{"field":null,"message":"too many requests"}]})", {{"x-ratelimit-reset", "1769847330"}});
  EXPECT_EQ(reading.reason.cause, Cause::throttle);
  EXPECT_EQ(reading.throttled_until, kNow + std::chrono::seconds(30));
}

TEST_F(Sendgrid, AsksForItsScopesAsAProbe) {
  const Request request = provider_.build_probe(upstream_, kNow).value();
  EXPECT_EQ(request.method + " " + request.url, "GET https://api.sendgrid.com/v3/scopes");
  EXPECT_EQ(request.body, "");
  EXPECT_EQ(read_probe(200, R"({"scopes":["alerts.read","mail.send"]})").kind, OutcomeKind::sent);
  EXPECT_EQ(read_probe(200, R"({"scopes":["alerts.read"]})").reason.cause, Cause::route);
  EXPECT_EQ(read_probe(401, R"({"errors":[{"message":"authorization required"}]})").kind, OutcomeKind::deferred);
  EXPECT_EQ(read_probe(200, "<html>").kind, OutcomeKind::deferred);
}

class SendgridOutcome : public testing::TestWithParam<Outcome> {};
TEST_P(SendgridOutcome, Means) {
  expect_outcome(sendgrid, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    All, SendgridOutcome,
    testing::Values(
        Outcome{
            "address", 400,
            R"({"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.1.email","help":null}]})",
            OutcomeKind::bounced, Cause::recipient, true},
        Outcome{
            "duplicate", 400,
            R"({"errors":[{"message":"Each unique email address in the personalizations array should only be included once.","field":"personalizations"}]})",
            OutcomeKind::bounced, Cause::recipient, true},
        Outcome{
            "address_and_content", 400,
            R"({"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to"},{"message":"The content is bad","field":"content"}]})",
            OutcomeKind::bounced, Cause::content},
        Outcome{"content", 400,
                R"({"errors":[{"message":"The content value must be a string","field":"content.0.value"}]})",
                OutcomeKind::bounced, Cause::content},
        Outcome{"opaque", 400, R"({"errors":[{"field":null,"message":"Bad Request","help":null}]})",
                OutcomeKind::bounced, Cause::content},
        Outcome{
            "key", 401,
            R"({"errors":[{"message":"The provided authorization grant is invalid, expired, or revoked","field":null}]})",
            OutcomeKind::deferred, Cause::route},
        Outcome{"credits", 401, R"({"errors":[{"message":"Maximum credits exceeded","field":null}]})",
                OutcomeKind::deferred, Cause::throttle},
        Outcome{
            "sender", 403,
            R"({"errors":[{"message":"The from address does not match a verified Sender Identity.","field":"from"}]})",
            OutcomeKind::deferred, Cause::route},
        Outcome{"scope", 403, R"({"errors":[{"message":"access forbidden"}]})", OutcomeKind::deferred, Cause::route},
        Outcome{"path", 404, R"({"errors":[{"message":"not found"}]})", OutcomeKind::deferred, Cause::route},
        Outcome{"size", 413, R"({"errors":[{"message":"too large"}]})", OutcomeKind::deferred, Cause::capability},
        Outcome{"rate", 429, R"({"errors":[{"message":"too many requests"}]})", OutcomeKind::deferred, Cause::throttle},
        Outcome{"trouble", 500, R"({"errors":[{"message":"oops"}]})", OutcomeKind::deferred, Cause::route},
        Outcome{"gateway", 502, "<html>Bad gateway</html>", OutcomeKind::deferred, Cause::route},
        Outcome{"odd_success", 204, "", OutcomeKind::uncertain, Cause::uncertain},
        Outcome{"somebody_else", 200, "<html>Welcome</html>", OutcomeKind::deferred, Cause::route},
        Outcome{"odd_json", 400, R"({"errors":"none"})", OutcomeKind::bounced, Cause::content}),
    [](const auto& given) { return std::string(given.param.name); });

}  // namespace
}  // namespace postrider::providers
