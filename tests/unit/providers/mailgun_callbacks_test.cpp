#include <gmock/gmock.h>

#include <algorithm>

#include "providers/hmac.h"
#include "providers/sigv4.h"
#include "tests/unit/providers/callback_fixture.h"

namespace postrider::providers {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A callback with these members of event-data besides those that every event has.
std::string event(std::string_view members) {
  return R"({"signature":{"timestamp":"1769847000","token":"tok","signature":"x"},"event-data":{"id":"Ase7i2zsRYeDXztHGENqRA",)"
         R"("timestamp":1769846400.25,"log-level":"info","tags":[],"user-variables":{"postrider_id":"01kg9jz5a8v3m2n4p6q8r0s1t3"},)"
         R"("message":{"headers":{"to":"a@example.net","message-id":"20260131.1@mg.example.com"},"size":5},)" +
         std::string(members) + "}}";
}

class MailgunCallbackTest : public CallbackTest {
 protected:
  MailgunCallbackTest() : CallbackTest(mailgun_callbacks, UpstreamType::mailgun) {
    upstream_.webhook_key = "signing-key";
    upstream_.api_key = "api-key";
    upstream_.domain = "mg.example.com";
  }
  std::string signed_at(Time at, std::string_view key, std::string_view member = "signature") const {
    const std::string timestamp = std::to_string(to_ms(at) / 1000);
    return R"({"signature":{"timestamp":")" + timestamp + R"(","token":"t0k","signature":"00",")" +
           std::string(member) + R"(":")" + hex(hmac_sha256(key, timestamp + "t0k")) + R"("},"event-data":{}})";
  }
};

TEST_F(MailgunCallbackTest, BelievesItsSignature) {
  EXPECT_EQ(authenticity(signed_at(now_, "signing-key")), Authenticity::genuine);
  EXPECT_EQ(authenticity(signed_at(now_, "signing-key", "parent-signature")), Authenticity::genuine);
}

TEST_F(MailgunCallbackTest, BelievesWhatItMayStillRepeat) {
  EXPECT_EQ(authenticity(signed_at(now_ - hours(8), "signing-key")), Authenticity::genuine);
  EXPECT_EQ(authenticity(signed_at(now_ - hours(10), "signing-key")), Authenticity::stale);
  EXPECT_EQ(authenticity(signed_at(now_ + minutes(20), "signing-key")), Authenticity::stale);
}

// The signature covers no event: what it was seen with is told, so that it is believed for that alone.
TEST_F(MailgunCallbackTest, SaysWhatItsNonceWasUsedFor) {
  const std::string body = signed_at(now_, "signing-key");
  const auto with = [&](std::string_view event) {
    std::string other = body;
    other.replace(other.rfind("{}"), 2, event);
    const Verdict told = verify(other);
    EXPECT_EQ(told.authenticity, Authenticity::genuine);
    EXPECT_EQ(told.nonce, std::to_string(to_ms(now_) / 1000) + "t0k");
    return told.content;
  };
  const std::string opened =
      with(R"({"id":"e1","event":"opened","timestamp":1769846400.25,"recipient":"a@example.net"})");
  EXPECT_EQ(
      opened,
      with(
          R"({ "recipient":"a@example.net","timestamp":1.76984640025e9,"id":"e1","event":"opened","ip":"192.0.2.9" })"))
      << "a repetition need not be the same octet for octet";
  for (
      const std::string_view other :
      {R"({"id":"e2","event":"opened","timestamp":1769846400.25,"recipient":"a@example.net"})",
       R"({"id":"e1","event":"clicked","timestamp":1769846400.25,"recipient":"a@example.net"})",
       R"({"id":"e1","event":"opened","timestamp":1769846401.25,"recipient":"a@example.net"})",
       R"({"id":"e1","event":"opened","timestamp":1769846400.25,"recipient":"b@example.net"})",
       R"({"id":"e1","event":"opened","severity":"permanent","timestamp":1769846400.25,"recipient":"a@example.net"})",
       R"({"id":"e1","event":"opened","timestamp":1769846400.25,"recipient":"a@example.net","message":{"headers":{"message-id":"m"}}})",
       R"({"id":"e1","event":"opened","timestamp":1769846400.25,"recipient":"a@example.net","user-variables":{"postrider_id":"x"}})",
       "{}", "7"})
    EXPECT_NE(with(other), opened) << other;
}

TEST_F(MailgunCallbackTest, TellsForgeries) {
  const std::string genuine = signed_at(now_, "signing-key");
  std::string later = genuine;
  later.replace(later.find(R"("token":"t0k")"), 13, R"("token":"t1k")");
  for (const std::string& body :
       {signed_at(now_, "other-key"), signed_at(now_, ""), later, std::string("{}"), std::string("[]"), std::string(),
        std::string(R"({"signature":"x"})"), std::string(R"({"signature":{"timestamp":[],"token":{},"signature":1}})"),
        std::string(R"({"signature":{"timestamp":"1769847300","signature":"0a"}})"),
        std::string(R"({"signature":{"timestamp":"soon","token":"t","signature":"0a"}})"), std::string(50'000, '[')}) {
    const Verdict verdict = verify(body);
    EXPECT_EQ(verdict.authenticity, Authenticity::forged) << body.substr(0, 80);
    EXPECT_THAT(verdict.text, Not(HasSubstr("signing-key")));
  }
}

TEST_F(MailgunCallbackTest, WithoutItsKeyNothingIsBelieved) {
  const std::string body = signed_at(now_, "");
  upstream_.webhook_key.clear();
  EXPECT_EQ(authenticity(body), Authenticity::unconfigured);
  EXPECT_THAT(verify(body).text, HasSubstr("webhook_key"));
}

TEST_F(MailgunCallbackTest, ReadsADelivery) {
  const ReportedEvent reported = read_one(event(
      R"("event":"delivered","recipient":"a@example.net","delivery-status":{"tls":true,"mx-host":"mx.example.net","code":250,"message":"OK","attempt-no":1})"));
  EXPECT_EQ(reported.type, EventType::delivered);
  EXPECT_EQ(reported.message, kOurId);
  EXPECT_EQ(reported.provider_id, "20260131.1@mg.example.com");
  EXPECT_EQ(reported.recipient, "a@example.net");
  EXPECT_EQ(reported.at, from_ms(1'769'846'400'250));
  EXPECT_EQ(reported.reason.code, 250);
  EXPECT_EQ(reported.reason.text, "OK");
  EXPECT_EQ(reported.reason.cause, Cause::none);
}

TEST_F(MailgunCallbackTest, ReadsAPermanentFailure) {
  const ReportedEvent reported = read_one(event(
      R"("event":"failed","severity":"permanent","reason":"bounce","recipient":"no@example.net","delivery-status":{"code":550,"enhanced-code":"5.1.1","message":"5.1.1 The email account does not exist","description":""})"));
  EXPECT_EQ(reported.type, EventType::bounced);
  EXPECT_EQ(reported.reason.cause, Cause::recipient);
  EXPECT_EQ(reported.reason.code, 550);
  EXPECT_EQ(reported.reason.enhanced, "5.1.1");
  EXPECT_EQ(reported.reason.text, "5.1.1 The email account does not exist");
}

TEST_F(MailgunCallbackTest, ReadsItsOwnSuppression) {
  const ReportedEvent reported = read_one(event(
      R"("event":"failed","severity":"permanent","reason":"suppress-bounce","recipient":"a@example.net","delivery-status":{"code":605,"message":"","description":"Not delivering to previously bounced address"})"));
  EXPECT_EQ(reported.type, EventType::bounced);
  EXPECT_EQ(reported.reason.code, 605);
  EXPECT_EQ(reported.reason.text, "Not delivering to previously bounced address");
}

TEST_F(MailgunCallbackTest, ARejectionIsOfAllRecipients) {
  const ReportedEvent reported =
      read_one(event(R"("event":"rejected","reject":{"reason":"Sandbox subdomains are for test purposes only"})"));
  EXPECT_EQ(reported.type, EventType::bounced);
  EXPECT_EQ(reported.recipient, "");
  EXPECT_EQ(reported.reason.cause, Cause::content);
  EXPECT_THAT(reported.reason.text, HasSubstr("Sandbox"));
}

TEST_F(MailgunCallbackTest, KnowsEachKindOfEvent) {
  const std::pair<const char*, EventType> kinds[] = {
      {R"("event":"accepted")", EventType::processed},
      {R"("event":"failed","severity":"temporary")", EventType::deferred},
      {R"("event":"opened","ip":"192.0.2.1","client-info":{"bot":""})", EventType::opened},
      {R"("event":"complained")", EventType::complained},
      {R"("event":"unsubscribed")", EventType::unsubscribed},
  };
  for (const auto& [members, type] : kinds)
    EXPECT_EQ(read_one(event(std::string(members) + R"(,"recipient":"a@example.net")")).type, type) << members;
  const ReportedEvent clicked =
      read_one(event(R"("event":"clicked","recipient":"a@example.net","url":"https://example.com/?q=1")"));
  EXPECT_EQ(clicked.type, EventType::clicked);
  EXPECT_EQ(clicked.reason.text, "https://example.com/?q=1");
}

TEST_F(MailgunCallbackTest, IgnoresWhatSaysNothingOfAMessage) {
  EXPECT_TRUE(ignores(event(R"("event":"stored")")));
  EXPECT_TRUE(ignores(event(R"("event":"failed","severity":"odd")")));
  EXPECT_TRUE(ignores(event(R"("event":["delivered"])")));
  EXPECT_TRUE(ignores(event(R"("event":"delivered","message":{},"user-variables":[])")));
}

TEST_F(MailgunCallbackTest, ReadsOddMembersAsAbsent) {
  const ReportedEvent reported = read_one(event(
      R"("event":"delivered","timestamp":"never","recipient":{"a":1},"message":7,"delivery-status":{"code":"x","message":[1],"enhanced-code":"9.9"})"));
  EXPECT_EQ(reported.type, EventType::delivered);
  EXPECT_EQ(reported.at, now_);
  EXPECT_EQ(reported.recipient, "");
  EXPECT_EQ(reported.provider_id, "");
  EXPECT_EQ(reported.reason.code, 0);
  EXPECT_EQ(reported.reason.enhanced, "");
}

TEST_F(MailgunCallbackTest, RefusesWhatIsNoCallback) {
  for (const std::string_view body : {"", "[]", "{}", "null", R"({"event-data":[]})", "event=delivered&token=t"}) {
    const result<CallbackReading> reading = try_read(body);
    ASSERT_FALSE(reading) << body;
    EXPECT_EQ(reading.error().kind, FaultKind::invalid);
  }
}

TEST_F(MailgunCallbackTest, ARepetitionHasTheSameKeyThoughItsSignatureDiffers) {
  const std::string one = event(R"("event":"opened","recipient":"a@example.net")");
  std::string again = one, next_day = one;
  again.replace(again.find("\"tok\""), 5, "\"new\"");
  next_day.replace(next_day.find("1769846400.25"), 13, "1769843200.25");
  EXPECT_EQ(read_one(one).key, read_one(again).key);
  EXPECT_NE(read_one(one).key, read_one(next_day).key);
  std::string without = one;
  without.replace(without.find(R"("id":"Ase7i2zsRYeDXztHGENqRA",)"), 30, "");
  EXPECT_EQ(read_one(without).key, "tok@1769846400250");
}

TEST_F(MailgunCallbackTest, ListsTheHooksOfItsDomain) {
  const Request request = callbacks_.build_hook_list(upstream_, now_).value();
  EXPECT_EQ(request.method + " " + request.url, "GET https://api.mailgun.net/v3/domains/mg.example.com/webhooks");
  EXPECT_EQ(field_of(request, "Authorization"), basic_login("api", "api-key"));
  upstream_.api_base = "https://api.eu.mailgun.net/";
  EXPECT_EQ(callbacks_.build_hook_list(upstream_, now_)->url,
            "https://api.eu.mailgun.net/v3/domains/mg.example.com/webhooks");
  upstream_.domain = "mg.example.com/x";
  EXPECT_FALSE(callbacks_.build_hook_list(upstream_, now_));
}

TEST_F(MailgunCallbackTest, RegistersEachEventThatLacksOurAddress) {
  const std::vector<HookChange> changes = plan(
      R"({"webhooks":{"accepted":{"urls":["https://hooks.example.com/hooks/main"]},"delivered":{"urls":["https://other.example.com/"]},)"
      R"("opened":{"url":"https://old.example.com/"},"clicked":null,"permanent_fail":{"urls":[]}}})");
  std::vector<std::string> calls(changes.size());
  std::transform(changes.begin(), changes.end(), calls.begin(), call_of);
  const std::string base = "https://api.mailgun.net/v3/domains/mg.example.com/webhooks";
  EXPECT_THAT(calls, ElementsAre("PUT " + base + "/delivered", "POST " + base, "POST " + base,
                                 "PUT " + base + "/opened", "POST " + base, "POST " + base, "POST " + base));
  EXPECT_EQ(changes[0].request.body,
            "--postrider-hooks\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\nhttps://other.example.com/\r\n"
            "--postrider-hooks\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\n"
            "https://hooks.example.com/hooks/main\r\n--postrider-hooks--\r\n");
  EXPECT_EQ(changes[1].request.body,
            "--postrider-hooks\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\ntemporary_fail\r\n"
            "--postrider-hooks\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\n"
            "https://hooks.example.com/hooks/main\r\n--postrider-hooks--\r\n");
  EXPECT_EQ(field_of(changes[1].request, "Content-Type"), "multipart/form-data; boundary=postrider-hooks");
  EXPECT_EQ(field_of(changes[1].request, "Authorization"), basic_login("api", "api-key"));
  EXPECT_EQ(changes[1].what, "register the event temporary_fail");
}

TEST_F(MailgunCallbackTest, ChangesNothingWhenAllIsRegistered) {
  boost::json::object hooks;
  for (const char* name :
       {"accepted", "delivered", "temporary_fail", "permanent_fail", "opened", "clicked", "unsubscribed", "complained"})
    hooks[name] = boost::json::object{{"urls", boost::json::array{"https://x.example.com/", kHookUrl}}};
  EXPECT_TRUE(plan(boost::json::serialize(boost::json::object{{"webhooks", hooks}})).empty());
}

TEST_F(MailgunCallbackTest, RefusesAFourthAddressAndWhatIsNoList) {
  EXPECT_THAT(refusal(R"({"webhooks":{"opened":{"urls":["https://a","https://b","https://c"]}}})"),
              HasSubstr("opened"));
  for (const char* list : {"", "[]", "{}", R"({"webhooks":[]})", "Mailgun Magnificent API"})
    EXPECT_THAT(refusal(list), HasSubstr("not a list")) << list;
  EXPECT_THAT(refusal(R"({"webhooks":{}})", "https://a\r\nb"), HasSubstr("not an address"));
}

TEST_F(MailgunCallbackTest, ReadsTheAnswersToRegistration) {
  std::string note;
  const auto read_hook = [&](int status, std::string body) {
    return callbacks_.read_hook({status, {}, std::move(body)}, now_, note);
  };
  EXPECT_EQ(read_hook(200, R"({"message":"Webhook has been created","webhook":{"urls":["https://x"]}})").kind,
            OutcomeKind::sent);
  EXPECT_EQ(read_hook(401, R"({"message":"Invalid private key"})").reason.text, "Invalid private key");
  EXPECT_EQ(read_hook(404, R"({"message":"Domain not found: x"})").reason.cause, Cause::route);
  EXPECT_EQ(read_hook(400, R"({"Reason":"bad url"})").reason.text, "bad url");
  EXPECT_NE(read_hook(200, "Mailgun Magnificent API").kind, OutcomeKind::sent);
  EXPECT_EQ(note, "");
}

}  // namespace
}  // namespace postrider::providers
