#include <gmock/gmock.h>

#include "tests/unit/providers/callback_fixture.h"

namespace postrider::providers {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kTopic = "arn:aws:sns:eu-central-1:123456789012:mail";
constexpr std::string_view kAllEvents =
    R"(["SEND","DELIVERY","DELIVERY_DELAY","BOUNCE","REJECT","RENDERING_FAILURE","COMPLAINT","SUBSCRIPTION"])";

std::string destination(std::string_view name, std::string_view topic, std::string_view events, bool enabled = true) {
  return R"({"Name":")" + std::string(name) + R"(","Enabled":)" + (enabled ? "true" : "false") +
         R"(,"MatchingEventTypes":)" + std::string(events) + R"(,"SnsDestination":{"TopicArn":")" + std::string(topic) +
         "\"}}";
}

std::string list_of(const std::string& destinations) {
  return R"({"EventDestinations":[)" + destinations + "]}";
}

class SesHookTest : public CallbackTest {
 protected:
  SesHookTest() : CallbackTest(ses_callbacks, UpstreamType::ses) {
    upstream_.region = "eu-central-1";
    upstream_.access_key = "AKID";
    upstream_.secret_key = "SECRET";
    upstream_.configuration_set = "main";
    upstream_.topic_arns = {std::string(kTopic)};
  }
};

TEST_F(SesHookTest, ListsTheDestinationsOfTheSet) {
  const Request list = callbacks_.build_hook_list(upstream_, now_).value();
  EXPECT_EQ(list.method + " " + list.url,
            "GET https://email.eu-central-1.amazonaws.com/v2/email/configuration-sets/main/event-destinations");
  EXPECT_THAT(field_of(list, "Authorization"), HasSubstr("Credential=AKID/20260131/eu-central-1/ses/aws4_request"));
}

TEST_F(SesHookTest, MakesADestinationAndSubscribes) {
  const std::vector<HookChange> changes = plan(list_of(""));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(call_of(changes[0]),
            "POST https://email.eu-central-1.amazonaws.com/v2/email/configuration-sets/main/event-destinations");
  EXPECT_EQ(boost::json::parse(changes[0].request.body),
            (boost::json::value{{"EventDestinationName", "postrider"},
                                {"EventDestination",
                                 {{"Enabled", true},
                                  {"MatchingEventTypes", boost::json::parse(kAllEvents)},
                                  {"SnsDestination", {{"TopicArn", kTopic}}}}}}));
  EXPECT_EQ(call_of(changes[1]), "POST https://sns.eu-central-1.amazonaws.com/");
  EXPECT_EQ(changes[1].request.body,
            "Action=Subscribe&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A123456789012%3Amail&"
            "Protocol=https&"
            "Endpoint=https%3A%2F%2Fhooks.example.com%2Fhooks%2Fmain&ReturnSubscriptionArn=true");
  EXPECT_EQ(field_of(changes[1].request, "Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_THAT(field_of(changes[1].request, "Authorization"),
              HasSubstr("Credential=AKID/20260131/eu-central-1/sns/aws4_request"));
}

TEST_F(SesHookTest, DoesNotMakeSesWriteIntoTheMail) {
  EXPECT_THAT(plan(list_of("")).at(0).request.body, Not(HasSubstr("OPEN")));
}

TEST_F(SesHookTest, LeavesACompleteDestinationAlone) {
  const std::vector<HookChange> changes =
      plan(list_of(destination("mine", kTopic, R"(["BOUNCE"])") + "," + destination("all", kTopic, kAllEvents)));
  ASSERT_EQ(changes.size(), 1u) << "asking for a subscription that stands changes nothing";
  EXPECT_THAT(changes[0].request.body, HasSubstr("Action=Subscribe"));
}

TEST_F(SesHookTest, CompletesADestinationAndKeepsItsEvents) {
  const std::vector<HookChange> changes = plan(list_of(destination("my events", kTopic, R"(["OPEN","BOUNCE"])")));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(
      call_of(changes[0]),
      "PUT https://email.eu-central-1.amazonaws.com/v2/email/configuration-sets/main/event-destinations/my%20events");
  const boost::json::value events =
      boost::json::parse(changes[0].request.body).at("EventDestination").at("MatchingEventTypes");
  EXPECT_EQ(events.as_array().size(), 9u);
  EXPECT_EQ(events.at(0), "OPEN");
  EXPECT_EQ(plan(list_of(destination("d", kTopic, kAllEvents, false))).size(), 2u) << "it is switched off";
}

TEST_F(SesHookTest, LeavesTheDestinationsOfOthersAlone) {
  const std::vector<HookChange> changes =
      plan(list_of(destination("postrider", "arn:aws:sns:eu-central-1:1:other", kAllEvents) +
                   R"(,{"Name":"postrider-2","CloudWatchDestination":{}})"));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(boost::json::parse(changes[0].request.body).at("EventDestinationName"), "postrider-3");
}

TEST_F(SesHookTest, AsksTheRightSns) {
  upstream_.api_base = "https://email-fips.eu-central-1.amazonaws.com";
  EXPECT_EQ(call_of(plan(list_of("")).at(1)), "POST https://sns.eu-central-1.amazonaws.com/");
  upstream_.api_base = "http://127.0.0.1:4566";
  EXPECT_EQ(call_of(plan(list_of("")).at(1)), "POST http://127.0.0.1:4566/") << "a stand-in has both";
  upstream_.api_base.clear();
  upstream_.topic_arns = {"arn:aws-cn:sns:cn-north-1:123456789012:mail"};
  EXPECT_EQ(call_of(plan(list_of("")).at(1)), "POST https://sns.cn-north-1.amazonaws.com.cn/");
}

TEST_F(SesHookTest, SaysWhatTheConfigurationLacks) {
  for (const std::string_view arn :
       {"mail", "arn:aws:sqs:eu-central-1:1:mail", "arn:aws:sns::1:mail", "arn:aws:sns:r:1:"}) {
    upstream_.topic_arns = {std::string(arn)};
    EXPECT_THAT(refusal(list_of("")), HasSubstr("is not the ARN of an SNS topic")) << arn;
  }
  upstream_.topic_arns.clear();
  EXPECT_THAT(refusal(list_of("")), HasSubstr("no topic_arns"));
  EXPECT_THAT(callbacks_.build_hook_list(upstream_, now_).error().text, HasSubstr("no topic_arns"));
  upstream_.configuration_set.clear();
  EXPECT_THAT(refusal(list_of("")), HasSubstr("no configuration_set"));
  EXPECT_THAT(callbacks_.build_hook_list(upstream_, now_).error().text, HasSubstr("no configuration_set"));
}

TEST_F(SesHookTest, RefusesToGuess) {
  EXPECT_EQ(refusal("<html>"), "SES did not list the event destinations");
  EXPECT_THAT(refusal(list_of(""), "hooks.example.com"), HasSubstr("is not a URL for callbacks"));
}

TEST_F(SesHookTest, ReadsWhatBecameOfAChange) {
  std::string note;
  const auto kind = [&](int status, const std::string& body) {
    return callbacks_.read_hook({status, {}, body}, now_, note).kind;
  };
  EXPECT_EQ(kind(200, "{}"), OutcomeKind::sent);
  EXPECT_EQ(kind(200, "<SubscribeResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"></SubscribeResponse>"),
            OutcomeKind::sent);
  EXPECT_NE(kind(200, "<html>a proxy</html>"), OutcomeKind::sent);
  const Reading refused = callbacks_.read_hook(
      {403,
       {},
       "<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>not authorized to perform: "
       "SNS:Subscribe</Message></Error></ErrorResponse>"},
      now_, note);
  EXPECT_NE(refused.kind, OutcomeKind::sent);
  EXPECT_EQ(refused.reason.text, "AuthorizationError: not authorized to perform: SNS:Subscribe");
  const Reading unsigned_ = callbacks_.read_hook(
      {403,
       {},
       "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>It does not match. The Canonical String for "
       "this request should have been 'x-amz-security-token:TOKEN'</Message></Error></ErrorResponse>"},
      now_, note);
  EXPECT_THAT(unsigned_.reason.text, Not(HasSubstr("TOKEN")));
  EXPECT_EQ(note, "");
}

}  // namespace
}  // namespace postrider::providers
