#include <gtest/gtest.h>

#include "tests/unit/providers/mail_sample.h"

namespace postrider::providers {

namespace {

const Time kNow = *parse_rfc3339("2026-11-22T08:00:00Z");
constexpr const char* kId = "01arz3ndektsv4rrffq69g5fav";

UpstreamConfig account() {
  UpstreamConfig upstream;
  upstream.name = "mg";
  upstream.type = UpstreamType::mailgun;
  upstream.api_key = "key-1";
  upstream.domain = "mg.example.com";
  return upstream;
}

Request request_of(const UpstreamConfig& upstream, const MailSample& sample) {
  const result<Request> request = mailgun.build(upstream, sample.mail(), kNow);
  return request ? *request : Request{};
}

Reading reading(int status, std::string body, std::size_t recipients = 1) {
  return mailgun.read(account(), {status, {}, std::move(body)}, recipients, kNow);
}

std::string said(std::string_view message) {
  return "{\"message\":\"" + std::string(message) + "\"}";
}

TEST(MailgunRequest, GivesTheOctetsAsAFile) {
  const MailSample sample({"b@example.net", "c@example.net"});
  const Request request = request_of(account(), sample);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://api.mailgun.net/v3/mg.example.com/messages.mime");
  EXPECT_EQ(header_of(request, "Authorization"), "Basic YXBpOmtleS0x");  // api:key-1
  const std::string boundary = "postrider-" + std::string(kId);
  EXPECT_EQ(header_of(request, "Content-Type"), "multipart/form-data; boundary=" + boundary);
  const std::string open = "--" + boundary + "\r\nContent-Disposition: form-data; name=";
  EXPECT_EQ(request.body,
            open + "\"to\"\r\n\r\nb@example.net\r\n" +  //
                open + "\"to\"\r\n\r\nc@example.net\r\n" + open + "\"v:postrider_id\"\r\n\r\n" + kId + "\r\n" + open +
                "\"message\"; filename=\"message.mime\"\r\nContent-Type: application/octet-stream\r\n\r\n" +
                sample.body + "\r\n--" + boundary + "--\r\n");
}

TEST(MailgunRequest, NamesOnlyTheRecipientsOfTheCall) {
  MailSample sample({"b@example.net", "c@example.net",
                     "d@b\xc3\xbc"
                     "cher.example"});
  sample.recipients = {2};
  const std::string body = request_of(account(), sample).body;
  EXPECT_NE(body.find("name=\"to\"\r\n\r\nd@xn--bcher-kva.example\r\n"), std::string::npos);
  EXPECT_EQ(body.find("c@example.net"), std::string::npos);
}

TEST(MailgunRequest, BoundaryDoesNotOccurInTheBody) {
  MailSample sample({"b@example.net"});
  const std::string first = "postrider-" + std::string(kId);
  sample.body += first + "\r\n" + first + "-0\r\n";
  EXPECT_EQ(header_of(request_of(account(), sample), "Content-Type"), "multipart/form-data; boundary=" + first + "-1");
}

TEST(MailgunRequest, GivesThreeTagsThatMailgunTakes) {
  MailSample sample({"b@example.net"});
  sample.message.envelope.tags = {"one",
                                  "gr\xc3\xbc\xc3\x9f"
                                  "e",
                                  "two\r\nx",
                                  "two",
                                  "three",
                                  "four"};
  const std::string body = request_of(account(), sample).body;
  std::string tags;
  for (std::size_t at = 0; (at = body.find("name=\"o:tag\"\r\n\r\n", at)) != std::string::npos;) {
    at += 16;
    tags += body.substr(at, body.find("\r\n", at) - at) + ",";
  }
  EXPECT_EQ(tags, "one,two,three,");
}

TEST(MailgunRequest, SandboxIsTestMode) {
  const MailSample sample({"b@example.net"});
  UpstreamConfig upstream = account();
  EXPECT_EQ(request_of(upstream, sample).body.find("o:testmode"), std::string::npos);
  upstream.sandbox = true;
  EXPECT_NE(request_of(upstream, sample).body.find("name=\"o:testmode\"\r\n\r\nyes\r\n"), std::string::npos);
}

TEST(MailgunRequest, GoesToAnotherBase) {
  UpstreamConfig upstream = account();
  upstream.api_base = "https://api.eu.mailgun.net/";
  EXPECT_EQ(request_of(upstream, MailSample({"b@example.net"})).url,
            "https://api.eu.mailgun.net/v3/mg.example.com/messages.mime");
}

TEST(MailgunRequest, RefusesADomainThatWouldChangeThePath) {
  for (const char* domain : {"", "mg.example.com/x", "mg%2fexample", "a b", "mg.example.com?x"}) {
    UpstreamConfig upstream = account();
    upstream.domain = domain;
    EXPECT_FALSE(mailgun.build(upstream, MailSample({"b@example.net"}).mail(), kNow)) << domain;
    EXPECT_FALSE(mailgun.build_probe(upstream, kNow)) << domain;
  }
}

TEST(MailgunAnswer, IdIsWhatEventsCarry) {
  const Reading taken = reading(200, R"({"id":"<20160306.25145@mg.example.com>","message":"Queued. Thank you."})");
  EXPECT_EQ(taken.kind, OutcomeKind::sent);
  EXPECT_EQ(taken.provider_id, "20160306.25145@mg.example.com");
  EXPECT_EQ(taken.reason.text, "Queued. Thank you.");
  EXPECT_EQ(taken.reason.code, 200);
  EXPECT_EQ(reading(200, R"({"id":"x"})").provider_id, "x");
}

TEST(MailgunAnswer, A200WithoutAnIdLeavesDoubt) {
  for (const char* body : {"", "{\"id\":", "{\"id\":\"\"}", "[]", "{\"id\":5}", "OK"}) {
    const Reading nothing = reading(200, body, 3);
    EXPECT_EQ(nothing.kind, OutcomeKind::uncertain) << body;
    EXPECT_EQ(nothing.reason.cause, Cause::uncertain) << body;
    EXPECT_FALSE(nothing.split) << body;
  }
}

TEST(MailgunAnswer, A200OfAnotherServerIsARouteFailure) {
  for (const char* body : {"Mailgun Magnificent API", "<html>login</html>", " \r\n<!DOCTYPE html>"}) {
    const Reading nothing = reading(200, body, 3);
    EXPECT_EQ(nothing.kind, OutcomeKind::deferred) << body;
    EXPECT_EQ(nothing.reason.cause, Cause::route) << body;
  }
  EXPECT_EQ(reading(200, "Mailgun Magnificent API").reason.text, "Mailgun Magnificent API");
}

struct Row {
  int status;
  std::string body;
  OutcomeKind kind;
  Cause cause;
};

TEST(MailgunAnswer, MeansWhatTheTableSays) {
  const Row rows[] = {
      {400, said("'to' parameter is not a valid address. please check documentation"), OutcomeKind::bounced,
       Cause::recipient},
      {400, said("'message' parameter is missing"), OutcomeKind::bounced, Cause::content},
      {400, said("Sandbox subdomains are for test purposes only. Please add your own domain"), OutcomeKind::deferred,
       Cause::route},
      {400, said("Domain mg.example.com is not allowed to send: unverified"), OutcomeKind::deferred, Cause::route},
      {400, said("Your account is on probation and domains are limited to 100 messages / hour."), OutcomeKind::deferred,
       Cause::throttle},
      {401, "Forbidden", OutcomeKind::deferred, Cause::route},
      {402, "", OutcomeKind::deferred, Cause::route},
      {403, "Forbidden", OutcomeKind::deferred, Cause::route},
      {404, said("Domain not found: mg.example.com"), OutcomeKind::deferred, Cause::route},
      {413, "", OutcomeKind::deferred, Cause::capability},
      {429, said("too many requests"), OutcomeKind::deferred, Cause::throttle},
      {500, "", OutcomeKind::deferred, Cause::route},
      {502, "<html>", OutcomeKind::deferred, Cause::route},
      {504, "", OutcomeKind::deferred, Cause::route},
  };
  for (const Row& row : rows) {
    const Reading one = reading(row.status, row.body);
    EXPECT_EQ(one.kind, row.kind) << row.status << " " << row.body;
    EXPECT_EQ(one.reason.cause, row.cause) << row.status << " " << row.body;
    EXPECT_EQ(one.reason.code, row.status);
    EXPECT_FALSE(one.split);
    // Only what would bounce is asked again in halves.
    EXPECT_EQ(reading(row.status, row.body, 2).split, row.kind == OutcomeKind::bounced)
        << row.status << " " << row.body;
  }
}

TEST(MailgunAnswer, HonoursRetryAfter) {
  const Reading slow = mailgun.read(account(), {429, {{"retry-after", "17"}}, said("too many requests")}, 1, kNow);
  EXPECT_EQ(slow.throttled_until, kNow + std::chrono::seconds(17));
  EXPECT_EQ(reading(429, "").throttled_until, Time{});
}

TEST(MailgunProbe, AsksForAMessageWithoutRecipient) {
  const result<Request> request = mailgun.build_probe(account(), kNow);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->url, "https://api.mailgun.net/v3/mg.example.com/messages.mime");
  EXPECT_EQ(header_of(*request, "Authorization"), "Basic YXBpOmtleS0x");
  EXPECT_NE(request->body.find("name=\"o:testmode\"\r\n\r\nyes"), std::string::npos);
  EXPECT_EQ(request->body.find("name=\"to\""), std::string::npos);
  EXPECT_EQ(request->body.find("name=\"message\""), std::string::npos);
}

TEST(MailgunProbe, TheMissingRecipientShowsThatTheRestIsGood) {
  EXPECT_EQ(mailgun.read_probe({400, {}, said("'to' parameter is missing")}, kNow).kind, OutcomeKind::sent);
  EXPECT_EQ(mailgun.read_probe({400, {}, said("'to' parameter is missing")}, kNow).reason.cause, Cause::none);
  for (const Answer& bad : {Answer{401, {}, "Forbidden"}, Answer{404, {}, said("Domain not found: x")},
                            Answer{400, {}, said("Domain x is not allowed to send: unverified")},
                            Answer{200, {}, "Mailgun Magnificent API"}, Answer{200, {}, "{}"}, Answer{500, {}, ""}}) {
    EXPECT_EQ(mailgun.read_probe(bad, kNow).kind, OutcomeKind::deferred) << bad.status;
    EXPECT_EQ(mailgun.read_probe(bad, kNow).reason.cause, Cause::route) << bad.status;
  }
}

}  // namespace

}  // namespace postrider::providers
