#include <gmock/gmock.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "tests/unit/providers/callback_fixture.h"

namespace postrider::providers {
namespace {

using std::chrono::hours;
using testing::HasSubstr;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;

std::string shown(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  std::string text = base64({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return text;
}

std::string sign(EVP_PKEY* key, const std::string& octets) {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  std::string signature(256, '\0');
  std::size_t size = signature.size();
  EXPECT_EQ(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key), 1);
  EXPECT_EQ(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(octets.data()), octets.size()),
            1);
  signature.resize(size);
  return base64(signature);
}

class SendgridCallbackTest : public CallbackTest {
 protected:
  SendgridCallbackTest() : CallbackTest(sendgrid_callbacks, UpstreamType::sendgrid), key_(EVP_EC_gen("P-256")) {
    upstream_.webhook_public_key = shown(key_.get());
    upstream_.api_key = "SG.key";
  }
  Headers signed_at(Time at, const std::string& body) const {
    const std::string timestamp = std::to_string(to_ms(at) / 1000);
    return {{"x-twilio-email-event-webhook-signature", sign(key_.get(), timestamp + body)},
            {"x-twilio-email-event-webhook-timestamp", timestamp}};
  }

  Key key_;
};

// One event with these members besides those that every event has.
std::string event(std::string_view members) {
  return R"({"email":"a@example.net","timestamp":1769846400,"smtp-id":"<x@ismtpd>","category":["cat"],"sg_event_id":"ev1",)"
         R"("sg_message_id":"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0","postrider_id":"01kg9jz5a8v3m2n4p6q8r0s1t3",)" +
         std::string(members) + "}";
}
std::string batch(std::string_view members) {
  return "[" + event(members) + "]";
}

TEST_F(SendgridCallbackTest, BelievesItsSignatureOverTimeAndOctets) {
  const std::string body = " [ {\"event\" : \"open\"} ]\r\n";  // not to be written anew in between
  EXPECT_EQ(authenticity(body, signed_at(now_, body)), Authenticity::genuine);
  EXPECT_EQ(authenticity(body, signed_at(now_ - hours(24), body)), Authenticity::genuine);
  EXPECT_EQ(authenticity(body, signed_at(now_ - hours(26), body)), Authenticity::stale);
  EXPECT_EQ(authenticity(body, signed_at(now_ + hours(1), body)), Authenticity::stale);
}

// The example that SendGrid's own libraries are tested with (sendgrid-python, test/unit/test_eventwebhook.py).
TEST_F(SendgridCallbackTest, BelievesSendgridsOwnExample) {
  upstream_.webhook_public_key =
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/"
      "7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
  const std::string body =
      R"([{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",)"
      R"("sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",)"
      R"("sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",)"
      R"("smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}])"
      "\r\n";
  const Headers headers = {{"x-twilio-email-event-webhook-signature",
                            "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+"
                            "luQAbPIqHh89M15TluLtEZtM="},
                           {"x-twilio-email-event-webhook-timestamp", "1600112502"}};
  now_ = from_ms(1'600'112'510'000);
  EXPECT_EQ(authenticity(body, headers), Authenticity::genuine);
  EXPECT_EQ(authenticity(body.substr(0, body.size() - 2), headers), Authenticity::forged);
  EXPECT_EQ(read_one(body).provider_id, "LRzXl_NHStOGhQ4kofSm_A");
}

TEST_F(SendgridCallbackTest, TellsForgeries) {
  const std::string body = "[]";
  const Headers genuine = signed_at(now_, body);
  EXPECT_EQ(authenticity("[ ]", genuine), Authenticity::forged);
  EXPECT_EQ(authenticity(body, {}), Authenticity::forged);
  EXPECT_EQ(authenticity(body, {genuine[0]}), Authenticity::forged);
  EXPECT_EQ(authenticity(body, {genuine[1]}), Authenticity::forged);
  EXPECT_EQ(authenticity(body, {genuine[0], {genuine[1].first, "1769847301"}}), Authenticity::forged);
  EXPECT_EQ(authenticity(body, {genuine[0], {genuine[1].first, "now"}}), Authenticity::forged);
  for (const char* signature : {"", "%%%%", "AAAA", "MEUCIQ=="})
    EXPECT_EQ(authenticity(body, {{genuine[0].first, signature}, genuine[1]}), Authenticity::forged) << signature;
  const Key other(EVP_EC_gen("P-256"));
  EXPECT_EQ(authenticity(body, {{genuine[0].first, sign(other.get(), genuine[1].second + body)}, genuine[1]}),
            Authenticity::forged);
}

TEST_F(SendgridCallbackTest, WithoutAPublicKeyOfItsKindNothingIsBelieved) {
  const std::string body = "[]";
  const Headers genuine = signed_at(now_, body);
  const Key rsa(EVP_RSA_gen(1024));
  for (const std::string& key : {std::string(), std::string("MFkw"), std::string("not base64"), shown(rsa.get())}) {
    upstream_.webhook_public_key = key;
    EXPECT_EQ(authenticity(body, genuine), Authenticity::unconfigured) << key;
    EXPECT_THAT(verify(body, genuine).text, HasSubstr("webhook_public_key"));
  }
}

TEST_F(SendgridCallbackTest, ReadsADelivery) {
  const ReportedEvent reported =
      read_one(batch(R"("event":"delivered","response":"250 2.0.0 OK queued","ip":"192.0.2.1","tls":1)"));
  EXPECT_EQ(reported.type, EventType::delivered);
  EXPECT_EQ(reported.message, kOurId);
  EXPECT_EQ(reported.provider_id, "14c5d75ce93.dfd.64b469");
  EXPECT_EQ(reported.recipient, "a@example.net");
  EXPECT_EQ(reported.at, from_ms(1'769'846'400'000));
  EXPECT_EQ(reported.reason.code, 250);
  EXPECT_EQ(reported.reason.enhanced, "2.0.0");
  EXPECT_EQ(reported.reason.text, "250 2.0.0 OK queued");
}

TEST_F(SendgridCallbackTest, KnowsTheMessageIdOfEachForm) {
  const std::pair<const char*, const char*> forms[] = {
      {"NhbRmDbOTAG6zkqTpHuYFA.recvd-5645d9c87f-78xxb-1-5F6B-1.0", "NhbRmDbOTAG6zkqTpHuYFA"},
      {"NhbRmDbOTAG6zkqTpHuYFA.filterdrecv-5645d9c87f-78xxb-1-5F6B-1.0", "NhbRmDbOTAG6zkqTpHuYFA"},
      {"NhbRmDbOTAG6zkqTpHuYFA", "NhbRmDbOTAG6zkqTpHuYFA"}};
  for (const auto& [given, id] : forms)
    EXPECT_EQ(read_one(R"([{"email":"a@b","event":"open","sg_message_id":")" + std::string(given) + "\"}]").provider_id,
              id);
}

TEST_F(SendgridCallbackTest, ReadsBouncesAndBlocks) {
  for (const char* type : {"bounce", "blocked"}) {
    const ReportedEvent reported = read_one(
        batch(R"("event":"bounce","type":")" + std::string(type) +
              R"(","reason":"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked","status":"5.7.1")"));
    EXPECT_EQ(reported.type, EventType::bounced);
    EXPECT_EQ(reported.reason.cause, Cause::recipient);
    EXPECT_EQ(reported.reason.code, 554);
    EXPECT_EQ(reported.reason.enhanced, "5.7.1");
  }
}

TEST_F(SendgridCallbackTest, ADropSaysWhoseFaultItWas) {
  const std::pair<const char*, Cause> reasons[] = {{"Bounced Address", Cause::recipient},
                                                   {"Unsubscribed Address", Cause::recipient},
                                                   {"Spam Content", Cause::content},
                                                   {"Invalid SMTPAPI header", Cause::content},
                                                   {"Something new", Cause::recipient},
                                                   {"Recipient List over Package Quota", Cause::route},
                                                   {"Spam Reporting Address", Cause::recipient}};
  for (const auto& [reason, cause] : reasons) {
    const ReportedEvent reported =
        read_one(batch(R"("event":"dropped","status":"5.0.0","reason":")" + std::string(reason) + "\""));
    EXPECT_EQ(reported.type, EventType::bounced);
    EXPECT_EQ(reported.reason.cause, cause) << reason;
    EXPECT_EQ(reported.reason.text, reason);
    EXPECT_EQ(reported.reason.enhanced, "5.0.0");
  }
}

TEST_F(SendgridCallbackTest, KnowsEachKindOfEvent) {
  const std::pair<const char*, EventType> kinds[] = {
      {R"("event":"processed","pool":{"name":"p","id":1})", EventType::processed},
      {R"("event":"deferred","response":"451 4.7.1 try again","attempt":"5")", EventType::deferred},
      {R"("event":"open","useragent":"x","ip":"192.0.2.1")", EventType::opened},
      {R"("event":"click","url":"https://example.com/","url_offset":{"index":0})", EventType::clicked},
      {R"("event":"spamreport")", EventType::complained},
      {R"("event":"unsubscribe")", EventType::unsubscribed},
      {R"("event":"group_unsubscribe","asm_group_id":10)", EventType::unsubscribed},
  };
  for (const auto& [members, type] : kinds) EXPECT_EQ(read_one(batch(members)).type, type) << members;
  EXPECT_EQ(read_one(batch(R"("event":"click","url":"https://example.com/")")).reason.text, "https://example.com/");
  EXPECT_EQ(read_one(batch(R"("event":"deferred","response":"451 4.7.1 try again")")).reason.code, 451);
}

TEST_F(SendgridCallbackTest, OneBadEventDoesNotSpoilTheOthers) {
  const CallbackReading reading = read(
      "[" + event(R"("event":"open")") + R"(,7,null,"x",[],{},{"event":"open"},{"event":{},"email":"a@b"},)" +
      R"({"event":"group_resubscribe","email":"a@b","sg_message_id":"x"},)" +
      R"({"event":"bounce","email":"a@b","sg_message_id":""},{"event":"open","email":["a@b"],"sg_message_id":"x"},)" +
      event(R"("event":"delivered","timestamp":[],"response":{})") + "]");
  ASSERT_EQ(reading.events.size(), 2u);
  EXPECT_EQ(reading.ignored, 10u);
  EXPECT_EQ(reading.events[0].type, EventType::opened);
  EXPECT_EQ(reading.events[1].type, EventType::delivered);
  EXPECT_EQ(reading.events[1].at, now_);
  EXPECT_EQ(reading.events[1].reason.text, "");
}

TEST_F(SendgridCallbackTest, RefusesWhatIsNoBatchOrTooLong) {
  for (const std::string_view body : {"", "{}", "null", "[", R"("x")"}) EXPECT_FALSE(try_read(body)) << body;
  std::string body = "[0";
  for (std::size_t i = 1; i < kMaxReports; ++i) body += ",0";
  EXPECT_EQ(read(body + "]").ignored, kMaxReports);
  EXPECT_THAT(try_read(body + ",0]").error().text, HasSubstr("10000"));
}

TEST_F(SendgridCallbackTest, ARepetitionHasTheSameKeyWhateverItsEventId) {
  const std::string one = batch(R"("event":"click","url":"https://example.com/1")");
  std::string again = one, other_link = one, other_time = one;
  again.replace(again.find("\"ev1\""), 5, "\"ev2\"");
  other_link.replace(other_link.find("com/1"), 5, "com/2");
  other_time.replace(other_time.find("1769846400"), 10, "1769846401");
  const std::string key = read_one(one).key;
  EXPECT_EQ(read_one(again).key, key);
  EXPECT_NE(read_one(other_link).key, key);
  EXPECT_NE(read_one(other_time).key, key);
  EXPECT_NE(read_one(batch(R"("event":"open")")).key, read_one(batch(R"("event":"processed")")).key);
}

TEST_F(SendgridCallbackTest, ListsAllHooks) {
  const Request request = callbacks_.build_hook_list(upstream_, now_).value();
  EXPECT_EQ(request.method + " " + request.url, "GET https://api.sendgrid.com/v3/user/webhooks/event/settings/all");
  EXPECT_EQ(field_of(request, "Authorization"), "Bearer SG.key");
}

std::string listed(std::string_view members) {
  return R"({"max_allowed":5,"webhooks":[{"enabled":true,"url":"https://other.example.com/","id":"1","public_key":"k"},)"
         R"({"enabled":true,"url":"https://hooks.example.com/hooks/main","processed":true,"delivered":true,"deferred":true,)"
         R"("bounce":true,"dropped":true,"open":true,"click":true,"spam_report":true,"unsubscribe":true,)" +
         std::string(members) + "}]}";
}

TEST_F(SendgridCallbackTest, MakesAHookThatIsMissing) {
  const std::vector<HookChange> changes = plan(R"({"max_allowed":1,"webhooks":[]})");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(call_of(changes[0]), "POST https://api.sendgrid.com/v3/user/webhooks/event/settings");
  EXPECT_EQ(boost::json::parse(changes[0].request.body), boost::json::parse(R"({"enabled":true,
    "url":"https://hooks.example.com/hooks/main","friendly_name":"Postrider","processed":true,"delivered":true,"deferred":true,
    "bounce":true,"dropped":true,"open":true,"click":true,"spam_report":true,"unsubscribe":true,"group_unsubscribe":true})"));
  EXPECT_EQ(field_of(changes[0].request, "Content-Type"), "application/json");
}

TEST_F(SendgridCallbackTest, CompletesAHookAndTurnsOnItsSignature) {
  const std::vector<HookChange> changes =
      plan(listed(R"("group_unsubscribe":false,"id":"77d4a5da-7015","public_key":"")"));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(call_of(changes[0]), "PATCH https://api.sendgrid.com/v3/user/webhooks/event/settings/77d4a5da-7015");
  EXPECT_TRUE(boost::json::parse(changes[0].request.body).at("group_unsubscribe").as_bool());
  EXPECT_EQ(call_of(changes[1]), "PATCH https://api.sendgrid.com/v3/user/webhooks/event/settings/signed/77d4a5da-7015");
  EXPECT_EQ(changes[1].request.body, R"({"enabled":true})");
}

TEST_F(SendgridCallbackTest, ChangesNothingWhenAllIsRegistered) {
  EXPECT_TRUE(plan(listed(R"("group_unsubscribe":true,"id":"77d4","public_key":"MFkw")")).empty());
}

TEST_F(SendgridCallbackTest, RefusesListsThatItCannotUse) {
  EXPECT_THAT(refusal("{}"), HasSubstr("not a list"));
  EXPECT_THAT(refusal(listed(R"("id":"../../x")")), HasSubstr("no id"));
  EXPECT_THAT(refusal(listed(R"("x":1)")), HasSubstr("no id"));
  EXPECT_THAT(refusal(R"({"webhooks":[]})", "hooks"), HasSubstr("not an address"));
}

TEST_F(SendgridCallbackTest, ShowsThePublicKeyToTheOperator) {
  std::string note;
  EXPECT_EQ(callbacks_.read_hook({200, {}, R"({"id":"77d4","public_key":"MFkw+/="})"}, now_, note).kind,
            OutcomeKind::sent);
  EXPECT_EQ(note, "webhook_public_key is MFkw+/=");
  note.clear();
  EXPECT_EQ(callbacks_.read_hook({200, {}, listed(R"("id":"2","public_key":"")")}, now_, note).kind, OutcomeKind::sent);
  EXPECT_EQ(note, "webhook_public_key for https://other.example.com/ is k");
}

TEST_F(SendgridCallbackTest, ReadsRefusalsOfRegistration) {
  std::string note;
  const Reading reading =
      callbacks_.read_hook({403, {}, R"({"errors":[{"field":null,"message":"access forbidden"}]})"}, now_, note);
  EXPECT_NE(reading.kind, OutcomeKind::sent);
  EXPECT_EQ(reading.reason.text, "access forbidden");
  EXPECT_EQ(callbacks_.read_hook({204, {}, ""}, now_, note).kind, OutcomeKind::sent);
  EXPECT_EQ(note, "");
}

}  // namespace
}  // namespace postrider::providers
