#include <gmock/gmock.h>

#include "providers/hmac.h"
#include "tests/unit/providers/callback_fixture.h"

namespace postrider::providers {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";

// An event with the tags of a mail to one, or to `recipients`.
std::string event(std::string_view type, std::string_view members = "", std::string_view to = R"("a@example.net")",
                  std::string_view recipients = "") {
  std::string text = R"({"type":")" + std::string(type) + R"(","created_at":"2026-01-31T08:14:00.250Z","data":{)";
  text.append(R"("created_at":"2026-01-31T08:00:00Z","email_id":"56761188-7520-42d8-8898-ff6fc54ce618",)");
  text.append(R"("from":"App <app@example.com>","subject":"s","to":[)").append(to).append(R"(],"tags":{)");
  if (!recipients.empty()) text.append(R"("postrider_recipients":")").append(recipients).append(R"(",)");
  return text.append(R"("postrider_id":")").append(kOurId).append("\"}").append(members).append("}}");
}

class ResendCallbackTest : public CallbackTest {
 protected:
  ResendCallbackTest() : CallbackTest(resend_callbacks, UpstreamType::resend) {
    upstream_.api_key = "re_key";
    upstream_.webhook_secret = "whsec_" + base64(kKey);
  }
  Headers signed_by(std::string_view key, std::string_view body, Time at) const {
    const std::string time = std::to_string(to_ms(at) / 1000);
    const std::string text = "msg_1." + time + "." + std::string(body);
    return {{"svix-id", "msg_1"}, {"svix-timestamp", time}, {"svix-signature", "v1," + base64(hmac_sha256(key, text))}};
  }
};

TEST_F(ResendCallbackTest, BelievesItsSignature) {
  const std::string body = event("email.sent");
  EXPECT_EQ(authenticity(body, signed_by(kKey, body, now_)), Authenticity::genuine);
  EXPECT_EQ(authenticity(body + " ", signed_by(kKey, body, now_)), Authenticity::forged);
  EXPECT_EQ(authenticity(body, signed_by("another key", body, now_)), Authenticity::forged);
  EXPECT_EQ(authenticity(body), Authenticity::forged);
}

TEST_F(ResendCallbackTest, KnowsThePublishedSignature) {
  // From the documentation of Svix, "How to verify webhooks with the Svix libraries".
  upstream_.webhook_secret = "whsec_plJ3nmyCDGBKInavdOK15jsl";
  now_ = Time(std::chrono::seconds(1'731'705'121));
  constexpr std::string_view kBody = R"({"event_type":"ping","data":{"success":true}})";
  const Headers headers = {{"svix-id", "msg_loFOjxBNrRLzqYUf"},
                           {"svix-timestamp", "1731705121"},
                           {"svix-signature", "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="}};
  EXPECT_EQ(authenticity(kBody, headers), Authenticity::genuine);
}

TEST_F(ResendCallbackTest, TakesAnyOfSeveralSignaturesAndTheOtherNames) {
  const std::string body = event("email.sent");
  Headers headers = signed_by(kKey, body, now_);
  headers[2].second = "v1,AAAA v1a,BBBB " + headers[2].second + " v1,CCCC";
  EXPECT_EQ(authenticity(body, headers), Authenticity::genuine);
  for (auto& [name, value] : headers) name.replace(0, 4, "webhook");
  EXPECT_EQ(authenticity(body, headers), Authenticity::genuine);
  headers[2].second = "v1,AAAA v1,";
  EXPECT_EQ(authenticity(body, headers), Authenticity::forged);
}

TEST_F(ResendCallbackTest, RefusesAnIdThatCouldMoveThePartsOfWhatIsSigned) {
  const std::string body = event("email.sent");
  Headers headers = signed_by(kKey, body, now_);
  headers[0].second = "msg_1." + headers[1].second;
  EXPECT_EQ(verify(body, headers).text, "the callback is not signed");
  headers = signed_by(kKey, body, now_);
  headers[1].second.push_back('x');
  EXPECT_EQ(verify(body, headers).text, "the callback is not signed");
}

TEST_F(ResendCallbackTest, DoesNotBelieveOldSignatures) {
  const std::string body = event("email.sent");
  EXPECT_EQ(authenticity(body, signed_by(kKey, body, now_ - kMaxCallbackAge)), Authenticity::genuine);
  EXPECT_EQ(authenticity(body, signed_by(kKey, body, now_ - kMaxCallbackAge - std::chrono::seconds(1))),
            Authenticity::stale);
  EXPECT_EQ(authenticity(body, signed_by(kKey, body, now_ + kMaxCallbackAge + std::chrono::seconds(1))),
            Authenticity::stale);
}

TEST_F(ResendCallbackTest, NeedsASecret) {
  const std::string body = event("email.sent");
  for (const std::string_view secret : {"", "whsec_", "whsec_no base64!"}) {
    upstream_.webhook_secret = secret;
    const Verdict verdict = verify(body, signed_by("", body, now_));
    EXPECT_EQ(verdict.authenticity, Authenticity::unconfigured) << secret;
    EXPECT_THAT(verdict.text, HasSubstr("webhook_secret"));
    EXPECT_THAT(verdict.text, Not(HasSubstr("base64!")));
  }
}

TEST_F(ResendCallbackTest, ReadsADelivery) {
  const ReportedEvent reported = read_one(event("email.delivered"));
  EXPECT_EQ(reported.type, EventType::delivered);
  EXPECT_EQ(reported.message, kOurId);
  EXPECT_EQ(reported.provider_id, "56761188-7520-42d8-8898-ff6fc54ce618");
  EXPECT_EQ(reported.recipient, "a@example.net");
  EXPECT_EQ(format_rfc3339(reported.at), "2026-01-31T08:14:00.250Z");
}

TEST_F(ResendCallbackTest, KnowsEveryKind) {
  const std::pair<std::string_view, EventType> kinds[] = {
      {"email.sent", EventType::processed},     {"email.delivery_delayed", EventType::deferred},
      {"email.bounced", EventType::bounced},    {"email.suppressed", EventType::bounced},
      {"email.failed", EventType::bounced},     {"email.complained", EventType::complained},
      {"email.opened", EventType::opened},      {"email.clicked", EventType::clicked},
      {"email.delivered", EventType::delivered}};
  for (const auto& [name, type] : kinds) EXPECT_EQ(read_one(event(name)).type, type) << name;
  for (const std::string_view name : {"email.received", "email.scheduled", "contact.created", "domain.updated", ""})
    EXPECT_TRUE(ignores(event(name))) << name;
}

TEST_F(ResendCallbackTest, ReadsWhyItBounced) {
  const ReportedEvent diagnosed = read_one(event(
      "email.bounced",
      R"(,"bounce":{"type":"Permanent","subType":"General","message":"It bounced.","diagnosticCode":["smtp; 550 5.1.1 no such user"]})"));
  EXPECT_EQ(diagnosed.reason.text, "550 5.1.1 no such user");
  EXPECT_EQ(diagnosed.reason.code, 550);
  EXPECT_EQ(diagnosed.reason.enhanced, "5.1.1");
  EXPECT_EQ(diagnosed.reason.cause, Cause::recipient);
  const ReportedEvent told = read_one(
      event("email.bounced", R"(,"bounce":{"type":"Transient","subType":"ContentRejected","message":"Spam."})"));
  EXPECT_EQ(told.reason.text, "Spam.");
  EXPECT_EQ(told.reason.cause, Cause::content);
  EXPECT_EQ(read_one(event("email.bounced", R"(,"bounce":{"type":"Permanent","subType":"Suppressed"})")).reason.text,
            "Permanent: Suppressed");
}

TEST_F(ResendCallbackTest, ReadsTheLinkAndWhyNothingWasSent) {
  EXPECT_EQ(read_one(event("email.clicked", R"(,"click":{"link":"https://example.com/a?b=1"})")).reason.text,
            "https://example.com/a?b=1");
  const ReportedEvent failed = read_one(event("email.failed", R"(,"failed":{"reason":"reached_daily_quota"})"));
  EXPECT_EQ(failed.reason.text, "reached_daily_quota");
  EXPECT_EQ(failed.reason.cause, Cause::route);
  EXPECT_EQ(read_one(event("email.suppressed",
                           R"(,"suppressed":{"type":"OnAccountSuppressionList","message":"On the list."})"))
                .reason.text,
            "On the list.");
}

TEST_F(ResendCallbackTest, MovesNobodyWhenItIsNotKnownWhom) {
  const ReportedEvent bounced = read_one(
      event("email.bounced", R"(,"bounce":{"message":"No such user."})", R"("a@example.net","b@example.net")"));
  EXPECT_EQ(bounced.type, EventType::processed);
  EXPECT_EQ(bounced.recipient, "");
  EXPECT_EQ(bounced.reason.cause, Cause::none);
  EXPECT_EQ(bounced.reason.text, "email.bounced for one of 2 recipients, Resend does not say which: No such user.");
  // One in To and two in Cc, whom the event does not name.
  const ReportedEvent delivered = read_one(event("email.delivered", "", R"("a@example.net")", "3"));
  EXPECT_EQ(delivered.type, EventType::processed);
  EXPECT_EQ(delivered.recipient, "");
  EXPECT_EQ(delivered.reason.text, "email.delivered for one of 3 recipients, Resend does not say which");
  const ReportedEvent complained = read_one(event("email.complained", "", R"("a@example.net")", "3"));
  EXPECT_EQ(complained.type, EventType::complained);
  EXPECT_EQ(complained.reason.text, "one of 3 recipients, Resend does not say which");
}

TEST_F(ResendCallbackTest, SaysOfAllWhatIsTrueOfTheWholeMail) {
  const ReportedEvent failed =
      read_one(event("email.failed", R"(,"failed":{"reason":"r"})", R"("a@example.net")", "3"));
  EXPECT_EQ(failed.type, EventType::bounced);
  EXPECT_EQ(failed.recipient, "");
  const ReportedEvent sent = read_one(event("email.sent", "", R"("a@example.net")", "3"));
  EXPECT_EQ(sent.type, EventType::processed);
  EXPECT_EQ(sent.reason.text, "");
}

TEST_F(ResendCallbackTest, ReadsTagsInBothFormsAndNamesOfRecipients) {
  const ReportedEvent reported = read_one(
      R"({"type":"email.sent","data":{"email_id":"1","to":["Doe, Jo <a@example.net>"],"tags":[{"name":"x","value":"y"},)"
      R"({"name":"postrider_id","value":"01kg9jz5a8v3m2n4p6q8r0s1t3"}]}})");
  EXPECT_EQ(reported.message, kOurId);
  EXPECT_EQ(reported.recipient, "a@example.net");
  EXPECT_EQ(reported.at, now_) << "no time is given";
}

TEST_F(ResendCallbackTest, NamesAReportByItsIdAtSvix) {
  const Headers headers = {{"svix-id", "msg_7"}};
  const std::string body = event("email.opened");
  const result<CallbackReading> reading = callbacks_.read(upstream_, {headers, body}, now_);
  ASSERT_TRUE(reading && reading->events.size() == 1);
  EXPECT_EQ(reading->events.front().key, "msg_7");
}

TEST_F(ResendCallbackTest, SurvivesAnyJson) {
  EXPECT_FALSE(try_read("{"));
  EXPECT_FALSE(try_read("[]"));
  EXPECT_FALSE(try_read(std::string(10'000, '[')));
  EXPECT_TRUE(ignores("{}"));
  EXPECT_TRUE(ignores(R"({"type":"email.sent","data":[]})"));
  EXPECT_TRUE(ignores(R"({"type":5,"data":{"email_id":"1"}})"));
  EXPECT_TRUE(ignores(R"({"type":"email.sent","data":{"email_id":"\u0000","tags":7}})"));
  const ReportedEvent odd = read_one(
      R"({"type":"email.bounced","created_at":7,"data":{"email_id":"1","to":[7,{}],"bounce":{"message":"\u0007)"
      "\xff"
      R"(","diagnosticCode":[7]}}})");
  EXPECT_EQ(odd.at, now_);
  EXPECT_THAT(odd.reason.text, Not(HasSubstr("\xff")));
}

TEST_F(ResendCallbackTest, RegistersAWebhook) {
  const Request list = callbacks_.build_hook_list(upstream_, now_).value();
  EXPECT_EQ(list.method + " " + list.url, "GET https://api.resend.com/webhooks?limit=100");
  EXPECT_EQ(field_of(list, "Authorization"), "Bearer re_key");
  const std::vector<HookChange> changes = plan(
      R"({"object":"list","has_more":false,"data":[{"id":"x","endpoint":"https://other.example.com/","events":null}]})");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(call_of(changes[0]), "POST https://api.resend.com/webhooks");
  EXPECT_EQ(boost::json::parse(changes[0].request.body), boost::json::parse(R"({
    "endpoint": "https://hooks.example.com/hooks/main",
    "events": ["email.sent", "email.delivered", "email.delivery_delayed", "email.bounced", "email.suppressed", "email.failed",
               "email.complained", "email.opened", "email.clicked"]})"));
  const std::string events = boost::json::serialize(boost::json::parse(changes[0].request.body).at("events"));
  EXPECT_TRUE(
      plan(R"({"data":[{"id":"1","status":"enabled","endpoint":"https://hooks.example.com/hooks/main","events":)" +
           events + "}]}")
          .empty());
}

TEST_F(ResendCallbackTest, RenewsAWebhookAndKeepsItsOtherEvents) {
  const std::vector<HookChange> changes = plan(
      R"({"data":[{"id":"a/b","status":"disabled","endpoint":"https://hooks.example.com/hooks/main","events":["email.received","email.sent"]}]})");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(call_of(changes[0]), "PATCH https://api.resend.com/webhooks/a%2Fb");
  const boost::json::value body = boost::json::parse(changes[0].request.body);
  EXPECT_EQ(body.at("status"), "enabled");
  EXPECT_EQ(body.at("events").as_array().size(), 10u);
  EXPECT_EQ(body.at("events").at(0), "email.received");
}

TEST_F(ResendCallbackTest, RefusesToGuess) {
  EXPECT_EQ(refusal(R"({"has_more":true,"data":[]})"),
            "there are more than 100 webhooks, and none of the first is this one");
  EXPECT_EQ(refusal("<html>"), "Resend did not list its webhooks");
  EXPECT_THAT(refusal(R"({"data":[]})", "ftp://example.com"), HasSubstr("is not a URL for callbacks"));
}

TEST_F(ResendCallbackTest, ShowsTheSecretOfANewWebhook) {
  std::string note;
  EXPECT_EQ(
      callbacks_.read_hook({201, {}, R"({"object":"webhook","id":"1","signing_secret":"whsec_abc"})"}, now_, note).kind,
      OutcomeKind::sent);
  EXPECT_EQ(note, R"(webhook_secret = "whsec_abc")");
  note.clear();
  const Reading refused = callbacks_.read_hook(
      {401, {}, R"({"statusCode":401,"name":"restricted_api_key","message":"This API key is restricted"})"}, now_,
      note);
  EXPECT_NE(refused.kind, OutcomeKind::sent);
  EXPECT_THAT(refused.reason.text, HasSubstr("restricted"));
  EXPECT_EQ(note, "");
}

}  // namespace
}  // namespace postrider::providers
