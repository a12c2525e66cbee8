#include <gmock/gmock.h>

#include "tests/unit/providers/callback_fixture.h"
#include "tests/unit/providers/sns_signer.h"

namespace postrider::providers {
namespace {

using testing::HasSubstr;

constexpr std::string_view kTopic = "arn:aws:sns:eu-central-1:123456789012:mail";
constexpr std::string_view kCertificateUrl =
    "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem";
constexpr std::string_view kSubscribeUrl =
    "https://sns.eu-central-1.amazonaws.com/"
    "?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-central-1:123456789012:mail&Token=233";

const SnsSigner& signer() {
  static const SnsSigner kSigner;
  return kSigner;
}

class SesCallbackTest : public CallbackTest {
 protected:
  SesCallbackTest() : CallbackTest(ses_callbacks, UpstreamType::ses) { upstream_.topic_arns = {std::string(kTopic)}; }

  boost::json::object notification(std::string_view message) const {
    return {{"Type", "Notification"},
            {"MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"},
            {"TopicArn", kTopic},
            {"Message", message},
            {"Timestamp", format_rfc3339(now_)},
            {"SigningCertURL", kCertificateUrl}};
  }
  boost::json::object confirmation(std::string_view type) const {
    boost::json::object object = notification("You have chosen to subscribe to the topic.");
    object["Type"] = type;
    object["Token"] = "233";
    object["SubscribeURL"] = kSubscribeUrl;
    return object;
  }
  static std::string signed_notification(const boost::json::object& object, std::string_view version = "2") {
    return signer().sign(object, {"Message", "MessageId", "Timestamp", "TopicArn", "Type"}, version);
  }
  static std::string signed_confirmation(const boost::json::object& object) {
    return signer().sign(object, {"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"});
  }
  std::string certificate() const {
    return signer().certificate(now_ - std::chrono::hours(1), now_ + std::chrono::hours(9));
  }
  Verdict verdict(const std::string& body, const std::string& certificate, const Headers& headers = {}) const {
    return callbacks_.verify(upstream_, {headers, body}, certificate, now_);
  }
  Authenticity believed(const std::string& body) const { return verdict(body, certificate()).authenticity; }

  // An event in its envelope, which read() takes without a signature.
  std::string event(std::string_view type, std::string_view members = "",
                    std::string_view destination = R"("a@example.net")") const {
    std::string text = R"({"eventType":")" + std::string(type) + R"(","mail":{"timestamp":"2026-01-31T08:00:00.000Z",)";
    text.append(R"("messageId":"0107018a-000000","destination":[)").append(destination);
    text.append(R"(],"tags":{"ses:configuration-set":["cs"],"postrider_id":[")").append(kOurId).append("\"]}}");
    return boost::json::serialize(notification(text.append(members).append("}")));
  }
};

// ---- the signature --------------------------------------------------------------------------------------------------

TEST_F(SesCallbackTest, BelievesBothSignatureVersions) {
  EXPECT_EQ(believed(signed_notification(notification("{}"), "1")), Authenticity::genuine);
  EXPECT_EQ(believed(signed_notification(notification("{}"), "2")), Authenticity::genuine);
  boost::json::object other = boost::json::parse(signed_notification(notification("{}"), "2")).as_object();
  other["SignatureVersion"] = "3";
  EXPECT_EQ(believed(boost::json::serialize(other)), Authenticity::forged);
}

TEST_F(SesCallbackTest, SignsTheSubjectWhereThereIsOne) {
  boost::json::object object = notification("{}");
  object["Subject"] = "Amazon SES Email Event Notification";
  EXPECT_EQ(believed(signer().sign(object, {"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"})),
            Authenticity::genuine);
  EXPECT_EQ(believed(signed_notification(object)), Authenticity::forged);
  object["Subject"] = nullptr;
  EXPECT_EQ(believed(signed_notification(object)), Authenticity::genuine);
}

TEST_F(SesCallbackTest, BelievesConfirmations) {
  for (const std::string_view type : {"SubscriptionConfirmation", "UnsubscribeConfirmation"})
    EXPECT_EQ(believed(signed_confirmation(confirmation(type))), Authenticity::genuine) << type;
  EXPECT_EQ(believed(signed_notification(confirmation("SubscriptionConfirmation"))), Authenticity::forged);
  EXPECT_EQ(believed(signed_notification(confirmation("Another"))), Authenticity::forged);
}

TEST_F(SesCallbackTest, RefusesWhatWasChangedAfterwards) {
  const boost::json::object whole = boost::json::parse(signed_notification(notification("a sentence"))).as_object();
  for (const std::string_view member : {"Message", "MessageId", "Timestamp", "Type", "Signature"}) {
    boost::json::object changed = whole;
    changed[member] = std::string(whole.at(member).get_string().subview(0, 3));
    EXPECT_EQ(believed(boost::json::serialize(changed)), Authenticity::forged) << member;
    changed.erase(member);
    EXPECT_EQ(believed(boost::json::serialize(changed)), Authenticity::forged) << member;
    changed[member] = 7;
    EXPECT_EQ(believed(boost::json::serialize(changed)), Authenticity::forged) << member;
  }
  EXPECT_EQ(believed("{"), Authenticity::forged);
  EXPECT_EQ(believed("[]"), Authenticity::forged);
}

TEST_F(SesCallbackTest, BelievesItsOwnTopicsOnly) {
  boost::json::object object = notification("{}");
  object["TopicArn"] = "arn:aws:sns:eu-central-1:666666666666:mail";
  const Verdict other = verdict(signed_notification(object), certificate());
  EXPECT_EQ(other.authenticity, Authenticity::forged) << "SNS signs for everybody";
  EXPECT_THAT(other.text, HasSubstr("666666666666:mail\" is not in topic_arns"));
  upstream_.topic_arns.clear();
  const Verdict none = verdict(signed_notification(notification("{}")), certificate());
  EXPECT_EQ(none.authenticity, Authenticity::unconfigured);
  EXPECT_THAT(none.text, HasSubstr("topic_arns"));
}

TEST_F(SesCallbackTest, NeedsACertificateInItsTime) {
  const std::string body = signed_notification(notification("{}"));
  const auto hours = [](int count) { return std::chrono::hours(count); };
  EXPECT_EQ(verdict(body, signer().certificate(now_ - hours(9), now_ - hours(1))).authenticity, Authenticity::forged);
  EXPECT_EQ(verdict(body, signer().certificate(now_ + hours(1), now_ + hours(9))).authenticity, Authenticity::forged);
  EXPECT_EQ(verdict(body, SnsSigner().certificate(now_ - hours(1), now_ + hours(1))).authenticity, Authenticity::forged)
      << "of another key";
  EXPECT_THAT(verdict(body, "").text, HasSubstr("certificate"));
  EXPECT_THAT(verdict(body, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").text,
              HasSubstr("certificate"));
}

TEST_F(SesCallbackTest, BelievesWhatSnsRepeatsForAnHour) {
  const auto at = [&](Duration ago) {
    boost::json::object object = notification("{}");
    object["Timestamp"] = format_rfc3339(now_ - ago);
    return believed(signed_notification(object));
  };
  EXPECT_EQ(at(std::chrono::minutes(75)), Authenticity::genuine);
  EXPECT_EQ(at(std::chrono::minutes(76)), Authenticity::stale);
  EXPECT_EQ(at(-std::chrono::minutes(16)), Authenticity::stale);
  boost::json::object object = notification("{}");
  object["Timestamp"] = "yesterday";
  EXPECT_EQ(believed(signed_notification(object)), Authenticity::forged);
}

TEST_F(SesCallbackTest, SaysWhatIsWrongWithRawDelivery) {
  EXPECT_THAT(verdict("{}", "", {{"x-amz-sns-rawdelivery", "true"}}).text, HasSubstr("raw message delivery"));
}

TEST_F(SesCallbackTest, FetchesCertificatesOfAmazonOnly) {
  const auto fetched = [&](std::string_view url, std::string_view topic = kTopic) {
    boost::json::object object = notification("{}");
    object["SigningCertURL"] = url;
    object["TopicArn"] = topic;
    const std::string body = boost::json::serialize(object);
    const result<std::string> certificate = callbacks_.certificate_url(upstream_, {{}, body});
    EXPECT_TRUE(!certificate || *certificate == url);
    return certificate.has_value();
  };
  EXPECT_TRUE(fetched(kCertificateUrl));
  constexpr std::string_view kChinese = "arn:aws-cn:sns:cn-north-1:123456789012:mail";
  upstream_.topic_arns.emplace_back(kChinese);
  EXPECT_TRUE(fetched("https://sns.cn-north-1.amazonaws.com.cn/a.pem", kChinese));
  EXPECT_FALSE(fetched("https://sns.cn-north-1.amazonaws.com.cn/a.pem")) << "of another region than the topic";
  EXPECT_FALSE(fetched("https://sns.s3-us-west-2.amazonaws.com/a.pem")) << "a bucket, which anybody may own";
  for (const std::string_view topic :
       {"", "mail", "arn:aws:sns", "arn:aws:sns::123456789012:mail", "a:b:c:d.e/f:g:h"}) {
    upstream_.topic_arns.emplace_back(topic);
    EXPECT_FALSE(fetched(kCertificateUrl, topic)) << topic;
    EXPECT_FALSE(fetched("https://sns..amazonaws.com/a.pem", topic)) << topic;
    EXPECT_FALSE(fetched("https://sns.d.e/f.amazonaws.com/a.pem", topic)) << topic;
  }
  for (const std::string_view url :
       {"", "http://sns.eu-central-1.amazonaws.com/a.pem", "https://sns.eu-central-1.amazonaws.com/a.txt",
        "https://sns.eu-central-1.amazonaws.com.example.org/a.pem", "https://sns.example.org/.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com@example.org/a.pem", "https://u@sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/a.pem", "https://sns.amazonaws.com/a.pem",
        "https://sns.eu-central-1.s3.amazonaws.com/a.pem", "https://sns.eu-central-1.amazonaws.com/x?y=a.pem",
        "https://sns.eu-central-1.amazonaws.com/a#.pem", "https://sns.eu-central-1.amazonaws.com/a\n.pem",
        "https://sns.eu\\-central-1.amazonaws.com/a.pem", "HTTPS://sns.eu-central-1.amazonaws.com/a.pem"})
    EXPECT_FALSE(fetched(url)) << url;
  EXPECT_FALSE(fetched("https://sns.eu-central-1.amazonaws.com/" + std::string(3000, 'a') + ".pem"));
  EXPECT_FALSE(callbacks_.certificate_url(upstream_, {{}, "{"}));
  upstream_.topic_arns = {"arn:aws:sns:eu-central-1:123456789012:another"};
  EXPECT_FALSE(fetched(kCertificateUrl)) << "nothing is fetched for whoever points a topic here";
}

TEST_F(SesCallbackTest, ConfirmsSubscriptionsAtAmazonOnly) {
  boost::json::object object = confirmation("SubscriptionConfirmation");
  EXPECT_EQ(read(boost::json::serialize(object)).confirm_url, kSubscribeUrl);
  for (const std::string_view url : {"https://example.org/?Action=ConfirmSubscription",
                                     "https://sns.s3-us-west-2.amazonaws.com/?Action=ConfirmSubscription",
                                     "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription"}) {
    object["SubscribeURL"] = url;
    EXPECT_FALSE(try_read(boost::json::serialize(object))) << url;
  }
  EXPECT_TRUE(ignores(boost::json::serialize(confirmation("UnsubscribeConfirmation"))));
}

// ---- the events -----------------------------------------------------------------------------------------------------

TEST_F(SesCallbackTest, ReadsADeliveryForEachRecipient) {
  const CallbackReading reading = read(event(
      "Delivery",
      R"(,"delivery":{"timestamp":"2026-01-31T08:14:00.250Z","recipients":["a@example.net","b@example.net"],"smtpResponse":"250 2.6.0 Message received"})"));
  ASSERT_EQ(reading.events.size(), 2u);
  const ReportedEvent& first = reading.events[0];
  EXPECT_EQ(first.type, EventType::delivered);
  EXPECT_EQ(first.message, kOurId);
  EXPECT_EQ(first.provider_id, "0107018a-000000");
  EXPECT_EQ(first.recipient, "a@example.net");
  EXPECT_EQ(format_rfc3339(first.at), "2026-01-31T08:14:00.250Z");
  EXPECT_EQ(first.reason.code, 250);
  EXPECT_EQ(first.reason.enhanced, "2.6.0");
  EXPECT_EQ(reading.events[1].recipient, "b@example.net");
  EXPECT_NE(reading.events[1].key, first.key);
}

TEST_F(SesCallbackTest, ReadsWhyItBounced) {
  const ReportedEvent refused = read_one(event(
      "Bounce",
      R"(,"bounce":{"bounceType":"Permanent","bounceSubType":"General","timestamp":"2026-01-31T08:14:00Z","feedbackId":"f","bouncedRecipients":[)"
      R"({"emailAddress":"a@example.net","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]})"));
  EXPECT_EQ(refused.type, EventType::bounced);
  EXPECT_EQ(refused.reason.text, "550 5.1.1 user unknown");
  EXPECT_EQ(refused.reason.code, 550);
  EXPECT_EQ(refused.reason.enhanced, "5.1.1");
  EXPECT_EQ(refused.reason.cause, Cause::recipient);
  const ReportedEvent full = read_one(event(
      "Bounce",
      R"(,"bounce":{"bounceType":"Transient","bounceSubType":"MailboxFull","bouncedRecipients":[{"emailAddress":"a@example.net","status":"5.2.2"}]})"));
  EXPECT_EQ(full.type, EventType::bounced) << "SES has given up when it says so";
  EXPECT_EQ(full.reason.text, "Transient: MailboxFull");
  EXPECT_EQ(full.reason.enhanced, "5.2.2");
  EXPECT_EQ(
      read_one(
          event(
              "Bounce",
              R"(,"bounce":{"bounceType":"Transient","bounceSubType":"ContentRejected","bouncedRecipients":[{"emailAddress":"a@example.net"}]})"))
          .reason.cause,
      Cause::content);
}

TEST_F(SesCallbackTest, ReadsADelayAndAComplaint) {
  const ReportedEvent delayed = read_one(event(
      "DeliveryDelay",
      R"(,"deliveryDelay":{"delayType":"MailboxFull","delayedRecipients":[{"emailAddress":"a@example.net","status":"4.2.2","diagnosticCode":"smtp;452 4.2.2 full"}]})"));
  EXPECT_EQ(delayed.type, EventType::deferred);
  EXPECT_EQ(delayed.reason.code, 452);
  EXPECT_EQ(delayed.reason.text, "452 4.2.2 full");
  const ReportedEvent complained = read_one(event(
      "Complaint",
      R"(,"complaint":{"complainedRecipients":[{"emailAddress":"a@example.net"}],"complaintFeedbackType":"abuse"})"));
  EXPECT_EQ(complained.type, EventType::complained);
  EXPECT_EQ(complained.reason.text, "abuse");
}

TEST_F(SesCallbackTest, ReadsWhatIsOfTheWholeMessage) {
  const ReportedEvent sent = read_one(event("Send", R"(,"send":{})", R"("a@example.net","b@example.net")"));
  EXPECT_EQ(sent.type, EventType::processed);
  EXPECT_EQ(sent.recipient, "");
  EXPECT_EQ(format_rfc3339(sent.at), "2026-01-31T08:00:00.000Z");
  const ReportedEvent rejected = read_one(event("Reject", R"(,"reject":{"reason":"Bad content"})"));
  EXPECT_EQ(rejected.type, EventType::bounced);
  EXPECT_EQ(rejected.reason.cause, Cause::content);
  EXPECT_EQ(rejected.reason.text, "Bad content");
  EXPECT_EQ(read_one(event("Rendering Failure", R"(,"failure":{"errorMessage":"no name","templateName":"t"})")).type,
            EventType::bounced);
}

TEST_F(SesCallbackTest, KnowsWhoOpenedOnlyWhenThereIsOneRecipient) {
  EXPECT_EQ(read_one(event("Open", R"(,"open":{"ipAddress":"192.0.2.1"})")).recipient, "a@example.net");
  const ReportedEvent one_of_two = read_one(event("Open", R"(,"open":{})", R"("a@example.net","b@example.net")"));
  EXPECT_EQ(one_of_two.recipient, "");
  EXPECT_EQ(one_of_two.reason.text, "one of the recipients, SES does not say which");
  EXPECT_EQ(read_one(event("Click", R"(,"click":{"link":"https://example.com/x"})")).reason.text,
            "https://example.com/x");
}

TEST_F(SesCallbackTest, ReadsWhatIsUnsubscribed) {
  const auto change = [](std::string_view before, std::string_view after) {
    return R"(,"subscription":{"contactList":"news","newTopicPreferences":)" + std::string(after) +
           R"(,"oldTopicPreferences":)" + std::string(before) + "}";
  };
  constexpr std::string_view kIn =
      R"({"unsubscribeAll":false,"topicSubscriptionStatus":[{"topicName":"t","subscriptionStatus":"OptIn"}]})";
  constexpr std::string_view kOut =
      R"({"unsubscribeAll":false,"topicSubscriptionStatus":[{"topicName":"t","subscriptionStatus":"OptOut"}]})";
  constexpr std::string_view kAll = R"({"unsubscribeAll":true,"topicSubscriptionStatus":[]})";
  EXPECT_EQ(read_one(event("Subscription", change(kIn, kOut))).type, EventType::unsubscribed);
  EXPECT_EQ(read_one(event("Subscription", change(kIn, kAll))).reason.text, "news");
  EXPECT_TRUE(ignores(event("Subscription", change(kOut, kOut))));
  EXPECT_TRUE(ignores(event("Subscription", change(kOut, kIn))));
}

TEST_F(SesCallbackTest, TakesTheSameReportOfAnIdentityForARepetition) {
  const std::string of_set =
      event("Delivery", R"(,"delivery":{"timestamp":"2026-01-31T08:14:00Z","recipients":["a@example.net"]})");
  std::string of_identity = of_set;
  of_identity.replace(of_identity.find("eventType"), 9, "notificationType");
  const std::size_t tags = of_identity.find(R"(,\"tags\")"), end = of_identity.find('}', tags);
  ASSERT_LT(tags, end);
  of_identity.erase(tags, end + 1 - tags);
  EXPECT_EQ(read_one(of_identity).message, "");
  of_identity.replace(of_identity.find("22b80b92"), 8, "99999999");
  EXPECT_EQ(read_one(of_identity).key, read_one(of_set).key);
  EXPECT_NE(read_one(event("Open", R"(,"open":{"timestamp":"2026-01-31T08:14:00Z"})")).key,
            read_one(event("Open", R"(,"open":{"timestamp":"2026-01-31T08:14:01Z"})")).key);
}

TEST_F(SesCallbackTest, IgnoresWhatIsNoEvent) {
  EXPECT_TRUE(ignores(
      boost::json::serialize(notification("Successfully validated SNS topic for Amazon SES event publishing."))));
  EXPECT_TRUE(ignores(event("Received")));
  EXPECT_TRUE(ignores(event("")));
  EXPECT_TRUE(ignores(boost::json::serialize(notification(R"({"eventType":"Send","mail":{}})"))));
  EXPECT_TRUE(ignores(event("Delivery", R"(,"delivery":{"recipients":[]})")));
}

TEST_F(SesCallbackTest, SurvivesAnyJson) {
  EXPECT_FALSE(try_read("{"));
  EXPECT_TRUE(ignores("[]"));
  EXPECT_TRUE(ignores(boost::json::serialize(notification(std::string(10'000, '[')))));
  EXPECT_TRUE(ignores(event("Bounce", R"(,"bounce":[])")));
  const CallbackReading mixed = read(
      event("Bounce",
            R"(,"bounce":{"timestamp":7,"bouncedRecipients":[7,{},{"emailAddress":["x"]},{"emailAddress":"a\u0000@b"},)"
            R"({"emailAddress":"a@example.net","diagnosticCode":{},"status":9}]})"));
  ASSERT_EQ(mixed.events.size(), 1u);
  EXPECT_EQ(mixed.ignored, 4u);
  EXPECT_EQ(mixed.events[0].recipient, "a@example.net");
  std::string recipients = R"("a@example.net")";
  for (std::size_t i = 0; i < kMaxReports; ++i) recipients.append(R"(,"a@example.net")");
  EXPECT_FALSE(try_read(event("Delivery", R"(,"delivery":{"recipients":[)" + recipients + "]}")));
}

}  // namespace
}  // namespace postrider::providers
