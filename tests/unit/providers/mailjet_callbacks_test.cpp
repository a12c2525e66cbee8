#include <gmock/gmock.h>

#include "tests/unit/providers/callback_fixture.h"

namespace postrider::providers {
namespace {

using testing::HasSubstr;
using testing::Not;

// An event as Mailjet documents it, with an id beyond 2^53.
std::string event(std::string_view type, std::string_view members = "") {
  std::string text = R"({"event":")" + std::string(type) + R"(","time":1769847240,"MessageID":70650219165027411,)";
  text.append(R"("Message_GUID":"1ab23cd4","email":"a@example.net","mj_campaign_id":7257,"mj_contact_id":4,)");
  return text.append(R"("customcampaign":"","CustomID":")").append(kOurId).append(R"(","Payload":"")").append(members) +
         "}";
}

std::string hook(std::string_view type, std::string_view url,
                 std::string_view rest = R"("Version":2,"Status":"alive","IsBackup":false)") {
  return R"({"APIKeyID":1,"ID":7,"EventType":")" + std::string(type) + R"(","Url":")" + std::string(url) + "\"," +
         std::string(rest) + "}";
}

constexpr std::string_view kFullUrl = "https://ho%40oks:s%3Acret@hooks.example.com/hooks/main";

class MailjetCallbackTest : public CallbackTest {
 protected:
  MailjetCallbackTest() : CallbackTest(mailjet_callbacks, UpstreamType::mailjet) {
    upstream_.api_key = "key";
    upstream_.api_secret = "secret";
    upstream_.webhook_username = "ho@oks";
    upstream_.webhook_password = "s:cret";
  }
  // All of them stand, but for what is given instead.
  static std::string hooks(const std::string& sent) {
    std::string list = R"({"Count":7,"Data":[)" + sent;
    for (const std::string_view type : {"open", "click", "bounce", "blocked", "spam", "unsub"})
      list.append(",").append(hook(type, kFullUrl));
    return list + "]}";
  }
};

TEST_F(MailjetCallbackTest, BelievesItsLogin) {
  EXPECT_EQ(authenticity("[]", {{"authorization", basic_login("ho@oks", "s:cret")}}), Authenticity::genuine);
  EXPECT_EQ(authenticity("[]", {{"authorization", basic_login("ho@oks", "guess")}}), Authenticity::forged);
  EXPECT_EQ(authenticity("[]"), Authenticity::forged);
  upstream_.webhook_username.clear();
  EXPECT_EQ(authenticity("[]", {{"authorization", basic_login("", "s:cret")}}), Authenticity::unconfigured);
}

TEST_F(MailjetCallbackTest, ReadsADeliveryByItsWholeId) {
  const ReportedEvent reported = read_one(event(
      "sent", R"j(,"mj_message_id":"70650219165027411","smtp_reply":"sent (250 2.0.0 OK 1433333948 x.199 - gsmtp)")j"));
  EXPECT_EQ(reported.type, EventType::delivered);
  EXPECT_EQ(reported.message, kOurId);
  EXPECT_EQ(reported.provider_id, "70650219165027411") << "exactly: a double would round it";
  EXPECT_EQ(reported.recipient, "a@example.net");
  EXPECT_EQ(format_rfc3339(reported.at), "2026-01-31T08:14:00.000Z");
  EXPECT_EQ(reported.reason.text, "250 2.0.0 OK 1433333948 x.199 - gsmtp");
  EXPECT_EQ(reported.reason.code, 250);
  EXPECT_EQ(reported.reason.enhanced, "2.0.0");
}

TEST_F(MailjetCallbackTest, KnowsEveryKind) {
  const std::pair<std::string_view, EventType> kinds[] = {
      {"open", EventType::opened},     {"click", EventType::clicked},   {"bounce", EventType::bounced},
      {"blocked", EventType::bounced}, {"spam", EventType::complained}, {"unsub", EventType::unsubscribed}};
  for (const auto& [name, type] : kinds) EXPECT_EQ(read_one(event(name)).type, type) << name;
  for (const std::string_view name : {"typofix", "parseapi", "newsender", ""})
    EXPECT_TRUE(ignores(event(name))) << name;
  EXPECT_EQ(read_one(event("click", R"(,"url":"https://example.com/x")")).reason.text, "https://example.com/x");
  EXPECT_EQ(read_one(event("spam", R"(,"source":"JMRPP")")).reason.text, "JMRPP");
}

TEST_F(MailjetCallbackTest, ReadsWhyItBounced) {
  const Reason reason =
      read_one(
          event(
              "bounce",
              R"(,"blocked":true,"hard_bounce":true,"error_related_to":"recipient","error":"user unknown","comment":"550 5.1.1 no such user")"))
          .reason;
  EXPECT_EQ(reason.text, "recipient: user unknown (550 5.1.1 no such user)");
  EXPECT_EQ(reason.code, 550);
  EXPECT_EQ(reason.enhanced, "5.1.1");
  EXPECT_EQ(reason.cause, Cause::recipient);
  const auto cause = [&](std::string_view related_to) {
    return read_one(event("blocked", R"(,"error":"e","error_related_to":")" + std::string(related_to) + "\""))
        .reason.cause;
  };
  EXPECT_EQ(cause("domain"), Cause::recipient);
  EXPECT_EQ(cause("mailjet"), Cause::recipient);
  EXPECT_EQ(cause("content"), Cause::content);
  EXPECT_EQ(cause("spam"), Cause::content);
  EXPECT_EQ(cause("system"), Cause::route);
}

TEST_F(MailjetCallbackTest, TakesGreylistingForNoEnd) {
  constexpr std::string_view kGrey = R"(,"error_related_to":"domain","error":"greylisted","hard_bounce":)";
  EXPECT_EQ(read_one(event("bounce", std::string(kGrey) + "false")).type, EventType::deferred);
  EXPECT_EQ(read_one(event("bounce", std::string(kGrey) + "true")).type, EventType::bounced);
  EXPECT_EQ(read_one(event("blocked", std::string(kGrey) + "false")).type, EventType::bounced);
}

TEST_F(MailjetCallbackTest, ReadsGroupedEventsAndLeavesOutWhatItCannot) {
  const CallbackReading reading =
      read("[" + event("sent") + "," + event("open") + ",7,{\"event\":\"sent\",\"time\":1}," + event("click") + "]");
  ASSERT_EQ(reading.events.size(), 3u);
  EXPECT_EQ(reading.ignored, 2u);
  EXPECT_EQ(reading.events[2].type, EventType::clicked);
}

TEST_F(MailjetCallbackTest, ReadsTheIdOfOlderEvents) {
  EXPECT_EQ(
      read_one(R"({"event":"sent","email":"a@example.net","mj_message_id":"18858825588804172","time":1424873938})")
          .provider_id,
      "18858825588804172");
}

TEST_F(MailjetCallbackTest, NamesAReportByWhatItSays) {
  const std::string key = read_one(event("click", R"(,"url":"https://example.com/1")")).key;
  EXPECT_EQ(read_one(event("click", R"(,"ip":"127.0.0.1","url":"https://example.com/1")")).key, key);
  EXPECT_NE(read_one(event("click", R"(,"url":"https://example.com/2")")).key, key);
  EXPECT_NE(read_one(event("open")).key, read_one(event("sent")).key);
}

TEST_F(MailjetCallbackTest, SurvivesAnyJson) {
  EXPECT_FALSE(try_read("["));
  EXPECT_FALSE(try_read("7"));
  EXPECT_FALSE(try_read(std::string(10'000, '[')));
  EXPECT_TRUE(ignores("{}"));
  EXPECT_TRUE(ignores(R"({"event":["sent"],"MessageID":7})"));
  EXPECT_TRUE(ignores(R"({"event":"sent","MessageID":1.5,"CustomID":{}})"));
  const ReportedEvent odd =
      read_one("{\"event\":\"bounce\",\"MessageID\":7,\"time\":\"soon\",\"email\":[],\"error\":\"\xff\\u0000\"}");
  EXPECT_EQ(odd.at, now_);
  EXPECT_EQ(odd.recipient, "");
  EXPECT_THAT(odd.reason.text, Not(HasSubstr("\xff")));
  EXPECT_EQ(read_one(R"({"event":"open","MessageID":7,"time":99999999999})").at, now_) << "never later than ours";
}

TEST_F(MailjetCallbackTest, RefusesTooManyAtOnce) {
  std::string body = "[";
  for (std::size_t i = 0; i < kMaxReports; ++i) body.append("0,");
  EXPECT_EQ(read(body.substr(0, body.size() - 1) + "]").ignored, kMaxReports);
  EXPECT_FALSE(try_read(body + "0]"));
}

TEST_F(MailjetCallbackTest, RegistersEveryEvent) {
  const Request list = callbacks_.build_hook_list(upstream_, now_).value();
  EXPECT_EQ(list.method + " " + list.url, "GET https://api.mailjet.com/v3/REST/eventcallbackurl?Limit=1000");
  EXPECT_EQ(field_of(list, "Authorization"), basic_login("key", "secret"));
  const std::vector<HookChange> changes = plan(R"({"Count":0,"Data":[],"Total":0})");
  ASSERT_EQ(changes.size(), 7u);
  EXPECT_EQ(call_of(changes[3]), "POST https://api.mailjet.com/v3/REST/eventcallbackurl");
  EXPECT_EQ(changes[3].what, "register the event bounce");
  EXPECT_EQ(boost::json::parse(changes[3].request.body),
            (boost::json::value{
                {"EventType", "bounce"}, {"Url", kFullUrl}, {"Version", 2}, {"Status", "alive"}, {"IsBackup", false}}));
}

TEST_F(MailjetCallbackTest, ChangesOnlyWhatIsMissing) {
  EXPECT_TRUE(plan(hooks(hook("sent", kFullUrl))).empty());
  const std::string other = hook("sent", "https://u:p@other.example.com/hooks/main");
  EXPECT_EQ(call_of(plan(hooks(other)).at(0)), "POST https://api.mailjet.com/v3/REST/eventcallbackurl");
  for (const std::string& ours :
       {hook("sent", "https://hooks.example.com/hooks/main"), hook("sent", "https://u:p@hooks.example.com/hooks/main"),
        hook("sent", kFullUrl, R"("Version":1,"Status":"alive","IsBackup":false)"),
        hook("sent", kFullUrl, R"("Version":2,"Status":"dead","IsBackup":false)"),
        hook("sent", kFullUrl, R"("Version":2,"Status":"alive","IsBackup":true)")}) {
    const std::vector<HookChange> changes = plan(hooks(ours));
    ASSERT_EQ(changes.size(), 1u) << ours;
    EXPECT_EQ(call_of(changes[0]), "PUT https://api.mailjet.com/v3/REST/eventcallbackurl/7");
    EXPECT_EQ(changes[0].what, "renew the event sent");
    EXPECT_EQ(boost::json::parse(changes[0].request.body).at("Url"), boost::json::string_view(kFullUrl));
  }
}

TEST_F(MailjetCallbackTest, RefusesToRegisterWhatItWouldNotBelieve) {
  EXPECT_EQ(refusal("[]"), "Mailjet did not list its event callbacks");
  EXPECT_THAT(refusal(R"({"Data":[]})", "https://example.com/a b"), HasSubstr("is not a URL for callbacks"));
  upstream_.webhook_password.clear();
  EXPECT_THAT(refusal(R"({"Data":[]})"), HasSubstr("webhook_password"));
}

TEST_F(MailjetCallbackTest, ReadsWhatBecameOfAChange) {
  std::string note;
  EXPECT_EQ(callbacks_.read_hook({201, {}, R"({"Count":1,"Data":[{"ID":7}]})"}, now_, note).kind, OutcomeKind::sent);
  const Reading refused =
      callbacks_.read_hook({400, {}, R"({"ErrorMessage":"Object already exists","StatusCode":400})"}, now_, note);
  EXPECT_NE(refused.kind, OutcomeKind::sent);
  EXPECT_EQ(refused.reason.text, "Object already exists");
  EXPECT_EQ(note, "");
}

}  // namespace
}  // namespace postrider::providers
