#include "providers/callbacks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

#include "providers/callback_parts.h"
#include "providers/hmac.h"
#include "providers/sigv4.h"

namespace postrider::providers {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const Time kNow = *parse_rfc3339("2026-01-31T08:15:00Z");

boost::json::value json(std::string_view text) {
  return boost::json::parse(text);
}

TEST(Callbacks, EveryHttpTypeHasThem) {
  for (const UpstreamType type : {UpstreamType::mailgun, UpstreamType::sendgrid, UpstreamType::mailjet,
                                  UpstreamType::ses, UpstreamType::postmark, UpstreamType::resend}) {
    const Callbacks* callbacks = callbacks_for(type);
    ASSERT_NE(callbacks, nullptr) << to_string(type);
    EXPECT_EQ(callbacks->type, type);
    EXPECT_NE(callbacks->verify, nullptr);
    EXPECT_NE(callbacks->read, nullptr);
  }
  EXPECT_EQ(callbacks_for(UpstreamType::smtp), nullptr);
  EXPECT_EQ(callbacks_for(UpstreamType::capture), nullptr);
}

TEST(Callbacks, HmacIsThatOfRfc4231) {
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");  // 4.3
}

TEST(Callbacks, SecretsAreTheSameOrNot) {
  EXPECT_TRUE(same_secret("", ""));
  EXPECT_TRUE(same_secret("secret", "secret"));
  EXPECT_FALSE(same_secret("secret", "secreT"));
  EXPECT_FALSE(same_secret("secret", "secret "));
}

TEST(Callbacks, ASignatureGrowsStale) {
  EXPECT_EQ(fresh(kNow - minutes(15), kNow).authenticity, Authenticity::genuine);
  EXPECT_EQ(fresh(kNow + minutes(15), kNow).authenticity, Authenticity::genuine);
  EXPECT_EQ(fresh(kNow - minutes(15) - seconds(1), kNow).authenticity, Authenticity::stale);
  EXPECT_EQ(fresh(kNow + minutes(15) + seconds(1), kNow).authenticity, Authenticity::stale);
  EXPECT_EQ(fresh(kNow - hours(2), kNow, hours(2)).authenticity, Authenticity::genuine);
  EXPECT_EQ(fresh(kNow + hours(1), kNow, hours(2)).authenticity, Authenticity::stale);
  EXPECT_THAT(fresh(kNow - hours(3), kNow, hours(2)).text, HasSubstr("2026-01-31T05:15:00"));
}

class BasicLogin : public testing::Test {
 protected:
  BasicLogin() {
    upstream_.webhook_username = "hooks";
    upstream_.webhook_password = "pass:word";
  }
  Authenticity of(std::string field) {
    const Headers headers = {{"host", "x"}, {"authorization", std::move(field)}};
    const Verdict verdict = verify_basic(upstream_, {headers, "body"});
    EXPECT_EQ(verdict.text.empty(), verdict.authenticity == Authenticity::genuine);
    EXPECT_THAT(verdict.text, Not(HasSubstr("pass:word")));
    return verdict.authenticity;
  }
  UpstreamConfig upstream_;
};

TEST_F(BasicLogin, IsTheConfiguredOne) {
  EXPECT_EQ(of(basic_login("hooks", "pass:word")), Authenticity::genuine);
  EXPECT_EQ(of("bASIC " + base64("hooks:pass:word")), Authenticity::genuine);
}

TEST_F(BasicLogin, AnythingElseIsForged) {
  for (const std::string& field :
       {basic_login("hooks", "pass"), basic_login("", "pass:word"), basic_login("hooks", "pass:word "),
        basic_login("Hooks", "pass:word"), std::string("Basic"), std::string("Basic "), std::string("Basic %%%%"),
        "Bearer " + base64("hooks:pass:word"), base64("hooks:pass:word"), std::string()})
    EXPECT_EQ(of(field), Authenticity::forged) << field;
  EXPECT_EQ(verify_basic(upstream_, {{}, ""}).authenticity, Authenticity::forged);
}

TEST_F(BasicLogin, WithoutBothKeysNothingIsBelieved) {
  const std::string right = basic_login("hooks", "pass:word");
  upstream_.webhook_password.clear();
  EXPECT_EQ(of(basic_login("hooks", "")), Authenticity::unconfigured);
  upstream_.webhook_password = "pass:word";
  upstream_.webhook_username.clear();
  EXPECT_EQ(of(right), Authenticity::unconfigured);
}

TEST(CallbackParts, ReadBase64Strictly) {
  EXPECT_EQ(base64_octets(""), "");
  EXPECT_EQ(base64_octets("Zm9vYmFy"), "foobar");  // RFC 4648 10
  EXPECT_EQ(base64_octets("Zm9vYg=="), "foob");
  EXPECT_EQ(base64_octets("Zm9vYmE="), "fooba");
  EXPECT_EQ(base64_octets("+/+/"), "\xfb\xff\xbf");
  for (const std::string_view text : {"Zm9", "Zm9vYg=", "Zm9=Zm9v", "Zm9v\n", "Zm9-", "====", "Z==="})
    EXPECT_EQ(base64_octets(text), std::nullopt) << text;
}

TEST(CallbackParts, RefuseWhatIsNoJson) {
  for (const std::string& body : {std::string(), std::string("{"), std::string("{}x"), std::string(100'000, '['),
                                  std::string("{\"a\":\"\0\"}", 9), std::string("signature=x&token=y")}) {
    const result<boost::json::value> value = parse_callback(body);
    ASSERT_FALSE(value) << body.substr(0, 40);
    EXPECT_EQ(value.error().kind, FaultKind::invalid);
  }
}

TEST(CallbackParts, LetInvalidUtf8InButNotIntoIds) {
  const result<boost::json::value> value = parse_callback("{\"text\":\"550 \xff no\",\"id\":\"a\xff\"}");
  ASSERT_TRUE(value);
  EXPECT_EQ(id_at(*value, "id"), "");
  EXPECT_THAT(reported_reason(EventType::bounced, text_at(*value, "text")).text, Not(HasSubstr("\xff")));
  EXPECT_EQ(reported_reason(EventType::bounced, text_at(*value, "text")).code, 550);
}

TEST(CallbackParts, AMemberOfAnotherTypeIsAbsent) {
  const boost::json::value value =
      json(R"({"text":"x","number":7,"flag":true,"list":[1],"nothing":null,"object":{"in":"side"}})");
  EXPECT_EQ(text_at(value_at(value, "object"), "in"), "side");
  EXPECT_TRUE(value_at(value_at(value, "text"), "in").is_null());
  EXPECT_TRUE(value_at(value, "absent").is_null());
  EXPECT_EQ(array_at(value, "list").size(), 1u);
  EXPECT_TRUE(array_at(value, "object").empty());
  EXPECT_TRUE(flag_at(value, "flag"));
  EXPECT_FALSE(flag_at(value, "number"));
  EXPECT_EQ(number_at(value, "number"), 7);
  EXPECT_EQ(number_at(value, "text"), std::nullopt);
  EXPECT_EQ(number_at(json(R"({"n":"-12"})"), "n"), -12);
  EXPECT_EQ(number_at(json(R"({"n":1e300})"), "n"), std::nullopt);
}

TEST(CallbackParts, IdsAreTextOrIntegersToTheLastDigit) {
  EXPECT_EQ(id_at(json(R"({"id":"abc"})"), "id"), "abc");
  EXPECT_EQ(id_at(json(R"({"id":70650219165027410})"), "id"), "70650219165027410");  // over 2^53
  EXPECT_EQ(id_at(json(R"({"id":18446744073709551615})"), "id"), "18446744073709551615");
  EXPECT_EQ(id_at(json(R"({"id":"ä"})"), "id"), "ä");
  for (const std::string_view body :
       {R"({"id":1.5})", R"({"id":null})", R"({"id":["a"]})", R"({"id":"a\u0000b"})", R"({"id":"a\r\nb"})"})
    EXPECT_EQ(id_at(json(body), "id"), "") << body;
  const std::string most(kMaxReportedId, 'x');
  EXPECT_EQ(id_at(boost::json::object{{"id", most}}, "id"), most);
  EXPECT_EQ(id_at(boost::json::object{{"id", most + "x"}}, "id"), "");
}

TEST(CallbackParts, TimesAreNeverLaterThanNow) {
  const auto at = [](const char* text) { return epoch_at(json(text), "at", kNow); };
  EXPECT_EQ(at(R"({"at":1500000000})"), from_ms(1'500'000'000'000));
  EXPECT_EQ(at(R"({"at":1500000000.25})"), from_ms(1'500'000'000'250));
  EXPECT_EQ(at(R"({"at":"1500000000"})"), from_ms(1'500'000'000'000));
  for (const char* text : {R"({"at":99999999999})", R"({"at":1e308})", R"({"at":-1})", R"({"at":9223372036854775807})",
                           R"({"at":"soon"})", R"({"at":null})", R"({})"})
    EXPECT_EQ(at(text), kNow) << text;
  EXPECT_EQ(rfc3339_at(json(R"({"at":"2026-01-31T03:00:00-05:00"})"), "at", kNow), kNow - minutes(15));
  EXPECT_EQ(rfc3339_at(json(R"({"at":"2027-01-01T00:00:00Z"})"), "at", kNow), kNow);
  EXPECT_EQ(rfc3339_at(json(R"({"at":5})"), "at", kNow), kNow);
}

TEST(CallbackParts, SecondsOfASignatureAreDigits) {
  EXPECT_EQ(epoch_seconds("1500000000"), from_ms(1'500'000'000'000));
  for (const std::string_view text : {"", "-1", "1.5", "15x", " 15", "253402300800", "99999999999999999999"})
    EXPECT_EQ(epoch_seconds(text), std::nullopt) << text;
}

TEST(CallbackParts, AReasonHasTheCodesOfAReply) {
  const Reason refused = reported_reason(EventType::bounced, "550 5.1.1 no such\x07 user");
  EXPECT_EQ(refused.code, 550);
  EXPECT_EQ(refused.enhanced, "5.1.1");
  EXPECT_EQ(refused.cause, Cause::recipient);
  EXPECT_EQ(refused.stage, Stage::final_dot);
  EXPECT_THAT(refused.text, Not(HasSubstr("\x07")));
  const Reason multi = reported_reason(EventType::deferred, "421-4.7.0 slow down");
  EXPECT_EQ(multi.code, 421);
  EXPECT_EQ(multi.enhanced, "4.7.0");
  EXPECT_EQ(reported_reason(EventType::delivered, "250 OK").cause, Cause::none);
  EXPECT_EQ(reported_reason(EventType::delivered, "250").code, 250);
  EXPECT_EQ(reported_reason(EventType::bounced, "5501 things").code, 0);
  EXPECT_EQ(reported_reason(EventType::bounced, "no such user").code, 0);
  EXPECT_EQ(reported_reason(EventType::bounced, "550 4.1.1 odd").enhanced, "");  // RFC 2034 4: classes agree
  EXPECT_EQ(reported_reason(EventType::bounced, std::string(5000, 'x')).text.size(), kMaxReasonText);
}

TEST(CallbackParts, EnhancedCodesHaveThreeParts) {
  for (const std::string_view code : {"5.1.1", "4.7.999", "2.0.0"}) EXPECT_TRUE(is_enhanced_code(code)) << code;
  for (const std::string_view code : {"", "5", "5.1", "3.1.1", "5..1", "5.1.", "5.1.1000", "5.1.1.1", "5.a.1", "550"})
    EXPECT_FALSE(is_enhanced_code(code)) << code;
}

TEST(CallbackParts, HooksAreAddressesThatFitIntoAnyRequest) {
  EXPECT_TRUE(is_hook_url("https://hooks.example.com/hooks/main?a=b"));
  EXPECT_TRUE(is_hook_url("http://127.0.0.1:8025/hooks/main"));
  for (const std::string_view url : {"", "ftp://x", "https://a b", "https://a\r\nb", "https://a\"b", "https://ä"})
    EXPECT_FALSE(is_hook_url(url)) << url;
}

TEST(CallbackParts, AHookIsDoneWhenTheAnswerIsTheVendors) {
  EXPECT_EQ(reading_of_hook({200, {}, "{}"}, "", kNow).kind, OutcomeKind::sent);
  EXPECT_EQ(reading_of_hook({204, {}, ""}, "", kNow).kind, OutcomeKind::sent);
  EXPECT_EQ(reading_of_hook({200, {}, "<html>"}, "", kNow).kind, OutcomeKind::deferred);
  EXPECT_EQ(reading_of_hook({200, {}, "Mailgun Magnificent API"}, "", kNow).kind, OutcomeKind::deferred);
  const Reading login = reading_of_hook({401, {}, "{}"}, "Invalid key", kNow);
  EXPECT_EQ(login.reason.cause, Cause::route);
  EXPECT_EQ(login.reason.text, "Invalid key");
  EXPECT_EQ(reading_of_hook({429, {{"retry-after", "30"}}, ""}, "", kNow).throttled_until, kNow + seconds(30));
}

}  // namespace
}  // namespace postrider::providers
