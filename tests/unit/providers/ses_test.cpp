#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "providers/sigv4.h"
#include "tests/unit/providers/mail_sample.h"

namespace postrider::providers {

namespace {

const Time kNow = *parse_rfc3339("2026-11-22T08:00:00Z");

UpstreamConfig account() {
  UpstreamConfig upstream;
  upstream.type = UpstreamType::ses;
  upstream.region = "eu-west-1";
  upstream.access_key = "AKIDEXAMPLE";
  upstream.secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  return upstream;
}

Request request_of(const UpstreamConfig& upstream, const MailSample& sample) {
  const result<Request> request = ses.build(upstream, sample.mail(), kNow);
  return request ? *request : Request{};
}

Answer refusal(int status, const std::string& name, const std::string& message) {
  return {status, {{"x-amzn-errortype", name}}, "{\"message\":\"" + message + "\"}"};
}

Reading reading(const Answer& answer, std::size_t recipients = 1) {
  return ses.read(account(), answer, recipients, kNow);
}

TEST(SesRequest, GivesTheOctetsAndTheEnvelope) {
  const MailSample sample({"b@example.net", "\"c d\"@example.net"});
  const Request request = request_of(account(), sample);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails");
  EXPECT_EQ(header_of(request, "Content-Type"), "application/json");
  const boost::json::value expected = {
      {"Content", {{"Raw", {{"Data", base64(sample.body)}}}}},
      {"Destination", {{"ToAddresses", boost::json::array{"b@example.net", "\"c d\"@example.net"}}}},
      {"EmailTags", boost::json::array{{{"Name", "postrider_id"}, {"Value", "01arz3ndektsv4rrffq69g5fav"}}}}};
  EXPECT_EQ(boost::json::parse(request.body), expected);
}

TEST(SesRequest, NamesTheConfigurationSet) {
  UpstreamConfig upstream = account();
  upstream.configuration_set = "events";
  const boost::json::value body = boost::json::parse(request_of(upstream, MailSample({"b@example.net"})).body);
  EXPECT_EQ(body.at("ConfigurationSetName").as_string(), "events");
}

TEST(SesRequest, IsSignedForSesInItsRegion) {
  UpstreamConfig upstream = account();
  upstream.api_base = "http://127.0.0.1:9999";
  upstream.session_token = "token";
  const Request request = request_of(upstream, MailSample({"b@example.net"}));
  EXPECT_EQ(request.url, "http://127.0.0.1:9999/v2/email/outbound-emails");
  AwsRequest seen{"POST", "/v2/email/outbound-emails", "", {{"host", "127.0.0.1:9999"}}, sha256_hex(request.body)};
  for (const auto& header : request.headers)
    if (header.first != "Authorization") seen.headers.push_back(header);
  EXPECT_EQ(header_of(request, "Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-west-1/ses/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=" +
                aws_signature(seen, upstream.secret_key, "20261122T080000Z", {"20261122", "eu-west-1", "ses"}));
}

TEST(SesRequest, CannotCarryInternationalisedAddresses) {
  EXPECT_FALSE(ses.build(account(),
                         MailSample({"b@example.net",
                                     "gr\xc3\xbc\xc3\x9f"
                                     "e@example.net"})
                             .mail(),
                         kNow));
  MailSample asked({"b@example.net"});
  asked.message.envelope.smtputf8 = true;
  EXPECT_FALSE(ses.build(account(), asked.mail(), kNow));
  // A domain alone is the same name in A-labels.
  const boost::json::value body = boost::json::parse(request_of(account(), MailSample({"b@b\xc3\xbc"
                                                                                       "cher.example"}))
                                                         .body);
  EXPECT_EQ(body.at("Destination").at("ToAddresses").at(0).as_string(), "b@xn--bcher-kva.example");
}

TEST(SesRequest, ANullSenderIsNothingSpecial) {
  MailSample sample({"b@example.net"});
  const std::string body = request_of(account(), sample).body;
  sample.message.envelope.sender = {};
  EXPECT_EQ(request_of(account(), sample).body, body);
}

TEST(SesAnswer, MessageIdIsWhatEventsCarry) {
  const Reading taken = reading({200, {}, R"({"MessageId":"0100018-abc-000000"})"});
  EXPECT_EQ(taken.kind, OutcomeKind::sent);
  EXPECT_EQ(taken.provider_id, "0100018-abc-000000");
}

TEST(SesAnswer, A200WithoutAnIdLeavesDoubt) {
  for (const char* body : {"", "{}", "{\"MessageId\":", "{\"MessageId\":null}"}) {
    const Reading nothing = reading({200, {}, body}, 3);
    EXPECT_EQ(nothing.kind, OutcomeKind::uncertain) << body;
    EXPECT_EQ(nothing.reason.cause, Cause::uncertain) << body;
    EXPECT_FALSE(nothing.split) << body;
  }
  EXPECT_EQ(reading({200, {}, "<html>"}).reason.cause, Cause::route);
}

struct Row {
  int status;
  const char* name;
  const char* message;
  OutcomeKind kind;
  Cause cause;
};

TEST(SesAnswer, MeansWhatTheTableSays) {
  const Row rows[] = {
      {400, "AccountSuspendedException", "", OutcomeKind::deferred, Cause::route},
      {400, "BadRequestException", "Illegal address", OutcomeKind::bounced, Cause::recipient},
      {400, "BadRequestException", "Missing required header 'From'.", OutcomeKind::bounced, Cause::content},
      {400, "BadRequestException", "Message length is more than 41943040 bytes long", OutcomeKind::deferred,
       Cause::capability},
      {400, "LimitExceededException", "", OutcomeKind::deferred, Cause::throttle},
      {400, "MailFromDomainNotVerifiedException", "", OutcomeKind::deferred, Cause::route},
      {400, "MessageRejected", "Email address is not verified. The following identities failed", OutcomeKind::deferred,
       Cause::route},
      {400, "MessageRejected", "contains a virus", OutcomeKind::bounced, Cause::content},
      {404, "NotFoundException", "Configuration set <x> does not exist.", OutcomeKind::deferred, Cause::route},
      {400, "SendingPausedException", "", OutcomeKind::deferred, Cause::route},
      {429, "TooManyRequestsException", "", OutcomeKind::deferred, Cause::throttle},
      {400, "ThrottlingException", "Rate exceeded", OutcomeKind::deferred, Cause::throttle},
      {400, "Throttling", "Maximum sending rate exceeded.", OutcomeKind::deferred, Cause::throttle},
      {403, "AccessDeniedException", "", OutcomeKind::deferred, Cause::route},
      {400, "AccessDeniedException", "", OutcomeKind::deferred, Cause::route},
      {403, "ExpiredTokenException", "", OutcomeKind::deferred, Cause::route},
      {400, "IncompleteSignature", "", OutcomeKind::deferred, Cause::route},
      {403, "InvalidClientTokenId", "", OutcomeKind::deferred, Cause::route},
      {403, "SignatureDoesNotMatch", "", OutcomeKind::deferred, Cause::route},
      {400, "RequestExpired", "", OutcomeKind::deferred, Cause::route},
      {500, "InternalServiceErrorException", "", OutcomeKind::deferred, Cause::route},
      {500, "InternalFailure", "", OutcomeKind::deferred, Cause::route},
      {503, "ServiceUnavailable", "", OutcomeKind::deferred, Cause::route},
      {400, "SomethingNew", "", OutcomeKind::deferred, Cause::route},
      {422, "SomethingNew", "", OutcomeKind::deferred, Cause::route},
      {502, "", "", OutcomeKind::deferred, Cause::route},
  };
  for (const Row& row : rows) {
    const Reading one = reading(refusal(row.status, row.name, row.message));
    EXPECT_EQ(one.kind, row.kind) << row.name << " " << row.message;
    EXPECT_EQ(one.reason.cause, row.cause) << row.name << " " << row.message;
    EXPECT_EQ(one.reason.code, row.status);
    EXPECT_FALSE(one.split);
  }
}

TEST(SesAnswer, NameIsLookedForInHeaderThenCodeThenType) {
  const Reading header = reading({400,
                                  {{"x-amzn-errortype", "TooManyRequestsException:http://internal.amazon.com/"}},
                                  R"({"code":"MessageRejected","message":"slow"})"});
  EXPECT_EQ(header.reason.cause, Cause::throttle);
  EXPECT_EQ(header.reason.text, "TooManyRequestsException: slow");
  const Reading code = reading({400, {}, R"({"code":"SendingPausedException","__type":"MessageRejected"})"});
  EXPECT_EQ(code.reason.text, "SendingPausedException");
  EXPECT_EQ(code.reason.cause, Cause::route);
  const Reading type = reading({400, {}, R"({"__type":"com.amazonaws.ses#ThrottlingException","Message":"later"})"});
  EXPECT_EQ(type.reason.text, "ThrottlingException: later");
  EXPECT_EQ(type.reason.cause, Cause::throttle);
}

TEST(SesAnswer, RatePausesForSecondsQuotaForAnHour) {
  const Reading rate = reading(refusal(400, "ThrottlingException", "Maximum sending rate exceeded"));
  EXPECT_GT(rate.throttled_until, kNow);
  EXPECT_LE(rate.throttled_until, kNow + std::chrono::seconds(10));
  const Reading quota = reading(refusal(400, "ThrottlingException", "Daily message quota exceeded"));
  EXPECT_EQ(quota.throttled_until, kNow + std::chrono::hours(1));
  Answer told = refusal(429, "TooManyRequestsException", "");
  told.headers.emplace_back("retry-after", "30");
  EXPECT_EQ(reading(told).throttled_until, kNow + std::chrono::seconds(30));
}

TEST(SesAnswer, SplitsWhatOneAddressMayHaveCaused) {
  EXPECT_TRUE(reading(refusal(400, "BadRequestException", "Illegal address"), 50).split);
  EXPECT_TRUE(reading(refusal(400, "BadRequestException", "Domain starts with dot"), 2).split);
  EXPECT_FALSE(reading(refusal(400, "BadRequestException", "Illegal address"), 1).split);
  EXPECT_FALSE(reading(refusal(400, "MessageRejected", "contains a virus"), 50).split);
  EXPECT_FALSE(reading(refusal(429, "TooManyRequestsException", ""), 50).split);
}

TEST(SesAnswer, DoesNotRepeatTheRequestThatItQuotes) {
  const Reading refused =
      reading(refusal(403, "InvalidSignatureException",
                      "The request signature we calculated does not match.\\n\\nThe Canonical String for "
                      "this request should have been\\n'POST x-amz-security-token:secret'"));
  EXPECT_EQ(refused.reason.text, "InvalidSignatureException: The request signature we calculated does not match.  ");
}

TEST(SesProbe, AsksForTheAccount) {
  const result<Request> request = ses.build_probe(account(), kNow);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->url, "https://email.eu-west-1.amazonaws.com/v2/email/account");
  EXPECT_EQ(request->body, "");
  EXPECT_EQ(header_of(*request, "x-amz-content-sha256"), sha256_hex(""));
  EXPECT_TRUE(header_of(*request, "Authorization")
                  .starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-west-1/ses/"));
}

TEST(SesProbe, SaysWhetherTheAccountMaySend) {
  const auto probe = [](const Answer& answer) { return ses.read_probe(answer, kNow); };
  EXPECT_EQ(probe({200, {}, R"({"SendingEnabled":true,"ProductionAccessEnabled":true})"}).kind, OutcomeKind::sent);
  EXPECT_EQ(probe({200, {}, R"({"SendingEnabled":false})"}).reason.cause, Cause::route);
  // A key that may send and nothing else.
  EXPECT_EQ(probe(refusal(403, "AccessDeniedException", "not authorized to perform ses:GetAccount")).kind,
            OutcomeKind::sent);
  EXPECT_EQ(probe(refusal(403, "InvalidClientTokenId", "")).reason.cause, Cause::route);
  EXPECT_EQ(probe(refusal(403, "SignatureDoesNotMatch", "")).kind, OutcomeKind::deferred);
  EXPECT_EQ(probe({200, {}, "<html>"}).kind, OutcomeKind::deferred);
  EXPECT_EQ(probe({200, {}, "hello"}).reason.cause, Cause::route);
  EXPECT_EQ(probe({503, {}, ""}).kind, OutcomeKind::deferred);
}

}  // namespace

}  // namespace postrider::providers
