#include <gmock/gmock.h>

#include "tests/unit/providers/callback_fixture.h"

namespace postrider::providers {
namespace {

using testing::HasSubstr;
using testing::Not;

// A record with these members besides those that every record has.
std::string record(std::string_view members) {
  return R"({"ServerID":23,"MessageStream":"outbound","Tag":"t","MessageID":"883953f4-6105-42a2-a16a-77a8eac79483",)"
         R"("Metadata":{"postrider_id":"01kg9jz5a8v3m2n4p6q8r0s1t3"},)" +
         std::string(members) + "}";
}
std::string bounce(std::string_view type, std::string_view members = "") {
  return record(
      R"("RecordType":"Bounce","ID":4323372036854775807,"Type":")" + std::string(type) +
      R"(","Email":"a@example.net","BouncedAt":"2026-01-31T02:00:00-05:00","Description":"The server refused.")" +
      std::string(members));
}

class PostmarkCallbackTest : public CallbackTest {
 protected:
  PostmarkCallbackTest() : CallbackTest(postmark_callbacks, UpstreamType::postmark) {
    upstream_.server_token = "token";
    upstream_.webhook_username = "hooks";
    upstream_.webhook_password = "secret";
  }
};

TEST_F(PostmarkCallbackTest, BelievesItsLogin) {
  EXPECT_EQ(authenticity("{}", {{"authorization", basic_login("hooks", "secret")}}), Authenticity::genuine);
  EXPECT_EQ(authenticity("{}", {{"authorization", basic_login("hooks", "guess")}}), Authenticity::forged);
  EXPECT_EQ(authenticity("{}"), Authenticity::forged);
  upstream_.webhook_password.clear();
  EXPECT_EQ(authenticity("{}", {{"authorization", basic_login("hooks", "")}}), Authenticity::unconfigured);
}

TEST_F(PostmarkCallbackTest, ReadsADelivery) {
  const ReportedEvent reported = read_one(record(
      R"("RecordType":"Delivery","Recipient":"a@example.net","DeliveredAt":"2026-01-31T03:10:00.2735393-05:00","Details":"250 2.6.0 queued")"));
  EXPECT_EQ(reported.type, EventType::delivered);
  EXPECT_EQ(reported.message, kOurId);
  EXPECT_EQ(reported.provider_id, "883953f4-6105-42a2-a16a-77a8eac79483");
  EXPECT_EQ(reported.recipient, "a@example.net");
  EXPECT_EQ(format_rfc3339(reported.at), "2026-01-31T08:10:00.273Z");
  EXPECT_EQ(reported.reason.code, 250);
  EXPECT_EQ(reported.reason.enhanced, "2.6.0");
}

TEST_F(PostmarkCallbackTest, ReadsABounceWithItsDiagnosis) {
  const ReportedEvent reported =
      read_one(bounce("HardBounce", R"(,"Details":"smtp;550 5.1.1 unknown user","Inactive":true)"));
  EXPECT_EQ(reported.type, EventType::bounced);
  EXPECT_EQ(reported.recipient, "a@example.net");
  EXPECT_EQ(reported.reason.code, 550);
  EXPECT_EQ(reported.reason.enhanced, "5.1.1");
  EXPECT_EQ(reported.reason.text, "550 5.1.1 unknown user");
  EXPECT_EQ(reported.reason.cause, Cause::recipient);
  EXPECT_EQ(read_one(bounce("HardBounce", R"(,"Details":"")")).reason.text, "The server refused.");
}

TEST_F(PostmarkCallbackTest, KnowsEachTypeOfBounce) {
  const std::pair<const char*, EventType> types[] = {{"HardBounce", EventType::bounced},
                                                     {"SoftBounce", EventType::bounced},
                                                     {"Blocked", EventType::bounced},
                                                     {"BadEmailAddress", EventType::bounced},
                                                     {"ManuallyDeactivated", EventType::bounced},
                                                     {"VirusNotification", EventType::bounced},
                                                     {"Unconfirmed", EventType::bounced},
                                                     {"DMARCPolicy", EventType::bounced},
                                                     {"SMTPApiError", EventType::bounced},
                                                     {"TemplateRenderingFailed", EventType::bounced},
                                                     {"Transient", EventType::deferred},
                                                     {"DnsError", EventType::deferred},
                                                     {"SpamNotification", EventType::complained},
                                                     {"SpamComplaint", EventType::complained},
                                                     {"Unsubscribe", EventType::unsubscribed}};
  for (const auto& [type, ours] : types) EXPECT_EQ(read_one(bounce(type)).type, ours) << type;
  for (const char* type : {"Subscribe", "AutoResponder", "AddressChange", "OpenRelayTest", "Unknown",
                           "ChallengeVerification", "InboundError", ""})
    EXPECT_TRUE(ignores(bounce(type))) << type;
  EXPECT_EQ(read_one(bounce("VirusNotification")).reason.cause, Cause::content);
  EXPECT_EQ(read_one(bounce("Blocked")).reason.cause, Cause::recipient);
}

TEST_F(PostmarkCallbackTest, ReadsOpensClicksAndComplaints) {
  EXPECT_EQ(
      read_one(
          record(
              R"("RecordType":"Open","FirstOpen":true,"Recipient":"a@example.net","ReceivedAt":"2026-01-31T08:00:00Z")"))
          .type,
      EventType::opened);
  const ReportedEvent clicked = read_one(record(
      R"("RecordType":"Click","OriginalLink":"https://example.com/x","Recipient":"a@example.net","ReceivedAt":"2026-01-31T08:00:00Z")"));
  EXPECT_EQ(clicked.type, EventType::clicked);
  EXPECT_EQ(clicked.reason.text, "https://example.com/x");
  EXPECT_EQ(
      read_one(record(R"("RecordType":"SpamComplaint","Type":"SpamComplaint","Email":"a@example.net","ID":42)")).type,
      EventType::complained);
}

TEST_F(PostmarkCallbackTest, ASubscriptionChangesByHandOnly) {
  const auto change = [](std::string_view members) {
    return record(
        R"("RecordType":"SubscriptionChange","Recipient":"a@example.net","ChangedAt":"2026-01-31T08:00:00Z",)" +
        std::string(members));
  };
  EXPECT_EQ(read_one(change(R"("SuppressSending":true,"SuppressionReason":"ManualSuppression")")).type,
            EventType::unsubscribed);
  EXPECT_TRUE(ignores(change(R"("SuppressSending":true,"SuppressionReason":"HardBounce")")));
  EXPECT_TRUE(ignores(change(R"("SuppressSending":true,"SuppressionReason":"SpamComplaint")")));
  EXPECT_TRUE(ignores(change(R"("SuppressSending":false,"SuppressionReason":null)")));
  EXPECT_TRUE(ignores(change(R"("SuppressSending":"true","SuppressionReason":"ManualSuppression")")));
  // Without a message that caused it.
  EXPECT_TRUE(ignores(
      R"({"RecordType":"SubscriptionChange","MessageID":"00000000-0000-0000-0000-000000000000","Metadata":{},"Recipient":"a@example.net","SuppressSending":true,"SuppressionReason":"ManualSuppression"})"));
}

TEST_F(PostmarkCallbackTest, IgnoresWhatSaysNothingOfAMessage) {
  EXPECT_TRUE(ignores(record(R"("RecordType":"Inbound","Recipient":"a@example.net")")));
  EXPECT_TRUE(ignores(record(R"("RecordType":1,"Recipient":"a@example.net")")));
  EXPECT_TRUE(ignores(record(R"("RecordType":"Delivery","Recipient":["a@example.net"])")));
  EXPECT_TRUE(ignores(R"({"RecordType":"Delivery","Recipient":"a@example.net","MessageID":null,"Metadata":"x"})"));
  EXPECT_TRUE(ignores("{}"));
}

TEST_F(PostmarkCallbackTest, RefusesWhatIsNoRecord) {
  for (const std::string_view body : {"", "[]", "null", "{", "RecordType=Open"}) EXPECT_FALSE(try_read(body)) << body;
  EXPECT_FALSE(try_read(std::string(50'000, '[')));
}

TEST_F(PostmarkCallbackTest, ReadsTextOfBrokenMailServers) {
  const ReportedEvent reported = read_one(bounce("HardBounce", ",\"Details\":\"550 caf\xe9 \\u0000 full\""));
  EXPECT_EQ(reported.reason.code, 550);
  EXPECT_THAT(reported.reason.text, Not(HasSubstr("\xe9")));
  EXPECT_EQ(reported.reason.text.find('\0'), std::string::npos);
}

TEST_F(PostmarkCallbackTest, ARepetitionHasTheSameKey) {
  const std::string one = bounce("HardBounce");
  std::string other = one;
  other.replace(other.find("4323372036854775807"), 19, "4323372036854775806");
  EXPECT_EQ(read_one(one).key, read_one(one).key);
  EXPECT_NE(read_one(one).key, read_one(other).key);
  const auto opened = [](std::string_view at, std::string_view who) {
    return record(R"("RecordType":"Open","Recipient":")" + std::string(who) + R"(","ReceivedAt":")" + std::string(at) +
                  "\"");
  };
  const std::string key = read_one(opened("2026-01-31T08:00:00Z", "a@example.net")).key;
  EXPECT_NE(read_one(opened("2026-01-31T08:00:01Z", "a@example.net")).key, key);
  EXPECT_NE(read_one(opened("2026-01-31T08:00:00Z", "b@example.net")).key, key);
}

TEST_F(PostmarkCallbackTest, ListsAllHooks) {
  const Request request = callbacks_.build_hook_list(upstream_, now_).value();
  EXPECT_EQ(request.method + " " + request.url, "GET https://api.postmarkapp.com/webhooks");
  EXPECT_EQ(field_of(request, "X-Postmark-Server-Token"), "token");
}

TEST_F(PostmarkCallbackTest, MakesAHookOfItsStreamWithTheLogin) {
  upstream_.message_stream = "broadcasts";
  const std::vector<HookChange> changes = plan(
      R"({"Webhooks":[{"ID":1,"Url":"https://hooks.example.com/hooks/main","MessageStream":"outbound"},{"ID":2,"Url":"https://x","MessageStream":"broadcasts"}]})");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(call_of(changes[0]), "POST https://api.postmarkapp.com/webhooks");
  EXPECT_EQ(boost::json::parse(changes[0].request.body),
            boost::json::parse(R"({"Url":"https://hooks.example.com/hooks/main",
    "MessageStream":"broadcasts","HttpAuth":{"Username":"hooks","Password":"secret"},
    "Triggers":{"Open":{"Enabled":true,"PostFirstOpenOnly":false},"Click":{"Enabled":true},"Delivery":{"Enabled":true},
      "Bounce":{"Enabled":true,"IncludeContent":false},"SpamComplaint":{"Enabled":true,"IncludeContent":false},
      "SubscriptionChange":{"Enabled":true}}})"));
  EXPECT_EQ(field_of(changes[0].request, "X-Postmark-Server-Token"), "token");
  EXPECT_THAT(changes[0].what, Not(HasSubstr("secret")));
}

std::string listed(std::string_view login, std::string_view subscription_change) {
  return R"({"Webhooks":[{"ID":1234567,"Url":"https://hooks.example.com/hooks/main","MessageStream":"outbound","HttpAuth":)" +
         std::string(login) +
         R"(,"Triggers":{"Open":{"Enabled":true},"Click":{"Enabled":true},"Delivery":{"Enabled":true},"Bounce":{"Enabled":true},"SpamComplaint":{"Enabled":true},"SubscriptionChange":{"Enabled":)" +
         std::string(subscription_change) + "}}}]}";
}

TEST_F(PostmarkCallbackTest, ChangesNothingWhenAllIsRegistered) {
  EXPECT_TRUE(plan(listed(R"({"Username":"hooks","Password":"secret"})", "true")).empty());
  EXPECT_TRUE(plan(listed(R"({"Username":"hooks","Password":null})", "true")).empty());
}

TEST_F(PostmarkCallbackTest, CompletesAHook) {
  for (const std::string& list : {listed(R"({"Username":"hooks","Password":"secret"})", "false"),
                                  listed(R"({"Username":"hooks","Password":"old"})", "true"),
                                  listed(R"({"Username":"old"})", "true"), listed("null", "true")}) {
    const std::vector<HookChange> changes = plan(list);
    ASSERT_EQ(changes.size(), 1u) << list;
    EXPECT_EQ(call_of(changes[0]), "PUT https://api.postmarkapp.com/webhooks/1234567");
    const boost::json::value body = boost::json::parse(changes[0].request.body);
    EXPECT_EQ(body.at("HttpAuth").at("Password").as_string(), "secret");
    EXPECT_FALSE(body.as_object().contains("MessageStream"));
  }
}

TEST_F(PostmarkCallbackTest, RefusesToRegisterWithoutALogin) {
  upstream_.webhook_username.clear();
  EXPECT_THAT(refusal(R"({"Webhooks":[]})"), HasSubstr("webhook_username"));
}

TEST_F(PostmarkCallbackTest, RefusesListsThatItCannotUse) {
  EXPECT_THAT(refusal("{}"), HasSubstr("not a list"));
  EXPECT_THAT(refusal(R"({"Webhooks":[]})", "https://a b"), HasSubstr("not an address"));
  EXPECT_THAT(refusal(R"({"Webhooks":[{"Url":"https://hooks.example.com/hooks/main","MessageStream":"outbound"}]})"),
              HasSubstr("no id"));
}

TEST_F(PostmarkCallbackTest, ReadsTheAnswersToRegistration) {
  std::string note;
  EXPECT_EQ(callbacks_.read_hook({200, {}, R"({"ID":1234567,"Url":"https://x"})"}, now_, note).kind, OutcomeKind::sent);
  const Reading refused =
      callbacks_.read_hook({422, {}, R"({"ErrorCode":1,"Message":"Maximum number of webhooks reached"})"}, now_, note);
  EXPECT_NE(refused.kind, OutcomeKind::sent);
  EXPECT_EQ(refused.reason.text, "Maximum number of webhooks reached");
  EXPECT_EQ(callbacks_.read_hook({401, {}, R"({"ErrorCode":10,"Message":"no token"})"}, now_, note).reason.cause,
            Cause::route);
  EXPECT_EQ(note, "");
}

}  // namespace
}  // namespace postrider::providers
