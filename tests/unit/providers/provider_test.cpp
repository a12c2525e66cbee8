#include "providers/provider.h"

#include <gtest/gtest.h>

namespace postrider::providers {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Time kNow = *parse_rfc3339("2026-11-22T08:00:00Z");

Time pause(Headers headers) {
  return throttle_end({429, std::move(headers), ""}, kNow);
}

TEST(Providers, EveryHttpTypeHasOneOfItsName) {
  for (const UpstreamType type : {UpstreamType::mailgun, UpstreamType::sendgrid, UpstreamType::mailjet,
                                  UpstreamType::ses, UpstreamType::postmark, UpstreamType::resend}) {
    const Provider* provider = provider_for(type);
    ASSERT_NE(provider, nullptr) << to_string(type);
    EXPECT_EQ(provider->type, type);
    EXPECT_EQ(provider->name, to_string(type));
    EXPECT_EQ(provider->lossy, is_lossy(type));
    EXPECT_EQ(provider_named(to_string(type)), provider);
    EXPECT_GT(provider->max_recipients, 0u);
    EXPECT_GT(provider->max_octets, 0u);
  }
  EXPECT_EQ(provider_for(UpstreamType::smtp), nullptr);
  EXPECT_EQ(provider_for(UpstreamType::capture), nullptr);
  EXPECT_EQ(provider_named("smtp"), nullptr);
}

TEST(Providers, ApiBaseIsTheConfiguredOneWithoutASlash) {
  UpstreamConfig upstream;
  EXPECT_EQ(api_base(upstream, "https://api.example"), "https://api.example");
  upstream.api_base = "http://127.0.0.1:9999//";
  EXPECT_EQ(api_base(upstream, "https://api.example"), "http://127.0.0.1:9999");
}

TEST(Answers, HeaderIsTheFirstOfItsName) {
  const Answer answer{200, {{"a", "1"}, {"b", "2"}, {"a", "3"}}, ""};
  EXPECT_EQ(answer.header("a"), "1");
  EXPECT_EQ(answer.header("c"), "");
}

TEST(Answers, PlainTextIsNoPage) {
  EXPECT_EQ(plain_text({401, {}, "Forbidden\nmore"}), "Forbidden");
  EXPECT_EQ(plain_text({502, {}, "\r\n<html><body>502"}), "");
  EXPECT_EQ(plain_text({502, {}, std::string(5000, 'x')}).size(), kMaxReasonText);
}

TEST(Answers, JsonThatCannotBeReadIsNull) {
  EXPECT_TRUE(json_of({200, {}, "{\"id\":"}).is_null());
  EXPECT_TRUE(json_of({200, {}, std::string(100000, '[')}).is_null());
  EXPECT_EQ(text_at(json_of({200, {}, R"({"id":"x","n":1})"}), "id"), "x");
  EXPECT_EQ(text_at(json_of({200, {}, R"({"id":"x","n":1})"}), "n"), "");
  EXPECT_EQ(text_at(json_of({200, {}, "[1]"}), "id"), "");
}

TEST(LookUp, TheFirstRowThatFitsDecides) {
  constexpr OutcomeRow kTable[] = {{400, "E1", "", Meaning::bad_sender},
                                   {400, "", "no such user", Meaning::bad_recipient},
                                   {0, "E2", "quota", Meaning::quota_used_up}};
  EXPECT_EQ(look_up(kTable, 400, "E1", "no such user"), Meaning::bad_sender);
  EXPECT_EQ(look_up(kTable, 400, "E9", "There is No Such User here"), Meaning::bad_recipient);
  EXPECT_EQ(look_up(kTable, 503, "E2", "QUOTA"), Meaning::quota_used_up);
  EXPECT_EQ(look_up(kTable, 400, "E2", "else"), Meaning::bad_message);
}

TEST(LookUp, OtherwiseTheStatusDecides) {
  const std::pair<int, Meaning> rows[] = {
      {0, Meaning::transient},       {200, Meaning::uncertain},     {202, Meaning::uncertain},
      {302, Meaning::misconfigured}, {400, Meaning::bad_message},   {401, Meaning::bad_login},
      {403, Meaning::bad_login},     {404, Meaning::misconfigured}, {405, Meaning::misconfigured},
      {408, Meaning::transient},     {413, Meaning::too_big},       {422, Meaning::bad_message},
      {425, Meaning::transient},     {429, Meaning::throttled},     {500, Meaning::transient},
      {503, Meaning::transient},     {599, Meaning::transient},     {402, Meaning::misconfigured},
      {409, Meaning::misconfigured}, {421, Meaning::misconfigured}, {431, Meaning::misconfigured}};
  for (const auto& [status, meaning] : rows) EXPECT_EQ(look_up({}, status, "", ""), meaning) << status;
}

TEST(ReadingOf, EachMeaningHasItsOutcome) {
  struct Row {
    Meaning meaning;
    OutcomeKind kind;
    Cause cause;
  };
  const Row rows[] = {{Meaning::accepted, OutcomeKind::sent, Cause::none},
                      {Meaning::bad_message, OutcomeKind::bounced, Cause::content},
                      {Meaning::bad_recipient, OutcomeKind::bounced, Cause::recipient},
                      {Meaning::bad_sender, OutcomeKind::deferred, Cause::route},
                      {Meaning::bad_login, OutcomeKind::deferred, Cause::route},
                      {Meaning::misconfigured, OutcomeKind::deferred, Cause::route},
                      {Meaning::throttled, OutcomeKind::deferred, Cause::throttle},
                      {Meaning::quota_used_up, OutcomeKind::deferred, Cause::throttle},
                      {Meaning::too_big, OutcomeKind::deferred, Cause::capability},
                      {Meaning::transient, OutcomeKind::deferred, Cause::route}};
  for (const Row& row : rows) {
    const Reading reading = reading_of(row.meaning, 400, "because", 1);
    EXPECT_EQ(reading.kind, row.kind);
    EXPECT_EQ(reading.reason.cause, row.cause);
    EXPECT_EQ(reading.reason.stage, Stage::final_dot);
    EXPECT_EQ(reading.reason.code, 400);
    EXPECT_EQ(reading.reason.text, "because");
    EXPECT_FALSE(reading.split);
  }
}

TEST(ReadingOf, OnlyARecipientAmongSeveralSplits) {
  EXPECT_TRUE(reading_of(Meaning::bad_recipient, 400, "", 2).split);
  EXPECT_FALSE(reading_of(Meaning::bad_recipient, 400, "", 1).split);
  EXPECT_FALSE(reading_of(Meaning::bad_message, 400, "", 2).split);
}

TEST(ReadingOf, TextIsMadeHarmless) {
  EXPECT_EQ(reading_of(Meaning::transient, 502, "", 1).reason.text, "HTTP status 502");
  EXPECT_EQ(reading_of(Meaning::transient, 500, "a\r\nb\x1b[1m", 1).reason.text, "a  b [1m");
  EXPECT_LE(reading_of(Meaning::transient, 500, std::string(5000, 'x'), 1).reason.text.size(), kMaxReasonText);
}

TEST(ReadingOf, DoubtNamesItsPrice) {
  const Reading doubt = reading_of(Meaning::uncertain, 200, "o\nk", 2);
  EXPECT_EQ(doubt.kind, OutcomeKind::uncertain);
  EXPECT_EQ(doubt.reason.cause, Cause::uncertain);
  EXPECT_EQ(doubt.reason.text,
            "HTTP status 200 without what the API documents: the message may be sent more than once (o k)");
  EXPECT_FALSE(doubt.split);
  const Reading probe = of_probe(doubt);
  EXPECT_EQ(probe.kind, OutcomeKind::deferred);
  EXPECT_EQ(probe.reason.cause, Cause::route);
  EXPECT_EQ(probe.reason.text, "HTTP status 200");
}

TEST(ReadingOf, OnlyTheApiItselfJudgesMail) {
  const auto kind = [](const char* body) {
    return reading_of(Meaning::bad_message, Answer{400, {}, body}, "", 1, kNow).kind;
  };
  EXPECT_EQ(kind("{\"message\":\"bad\"}"), OutcomeKind::bounced);
  EXPECT_EQ(kind("<html>The plain HTTP request was sent to HTTPS port</html>"), OutcomeKind::deferred);
  EXPECT_EQ(kind(""), OutcomeKind::deferred);
}

TEST(ReadingOf, PausesOnlyWhatIsThrottled) {
  const Answer answer{429, {{"retry-after", "30"}}, ""};
  EXPECT_EQ(reading_of(Meaning::throttled, answer, "", 1, kNow).throttled_until, kNow + seconds(30));
  EXPECT_EQ(reading_of(Meaning::transient, answer, "", 1, kNow).throttled_until, Time{});
  EXPECT_EQ(reading_of(Meaning::throttled, Answer{429, {}, ""}, "", 1, kNow).throttled_until, Time{});
  EXPECT_EQ(reading_of(Meaning::quota_used_up, answer, "", 1, kNow).throttled_until, kNow + seconds(30));
  EXPECT_EQ(reading_of(Meaning::quota_used_up, Answer{429, {}, ""}, "", 1, kNow).throttled_until, kNow + hours(1));
}

TEST(ThrottleEnd, ReadsSecondsDatesAndEpochs) {
  EXPECT_EQ(pause({}), Time{});
  EXPECT_EQ(pause({{"retry-after", "0"}}), kNow);
  EXPECT_EQ(pause({{"retry-after", "120"}}), kNow + minutes(2));
  EXPECT_EQ(pause({{"retry-after", "Sun, 22 Nov 2026 08:05:00 GMT"}}), kNow + minutes(5));
  EXPECT_EQ(pause({{"x-ratelimit-reset", std::to_string(to_ms(kNow + minutes(3)) / 1000)}}), kNow + minutes(3));
  EXPECT_EQ(pause({{"ratelimit-reset", "7"}}), kNow + seconds(7));
}

TEST(ThrottleEnd, TheLatestCounts) {
  EXPECT_EQ(pause({{"retry-after", "10"}, {"ratelimit-reset", "60"}}), kNow + minutes(1));
  EXPECT_EQ(pause({{"retry-after", "90"}, {"ratelimit-reset", "60"}}), kNow + seconds(90));
}

TEST(ThrottleEnd, IsNeverLaterThanADay) {
  EXPECT_EQ(pause({{"retry-after", "864000"}}), kNow + hours(24));
  EXPECT_EQ(pause({{"retry-after", "9223372036854775807"}}), kNow + hours(24));
  EXPECT_EQ(pause({{"retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"}}), kNow + hours(24));
  EXPECT_EQ(pause({{"x-ratelimit-reset", "253402300799"}}), kNow + hours(24));
}

TEST(ThrottleEnd, IgnoresWhatIsPastOrCannotBeRead) {
  for (const char* value :
       {"", "-5", "soon", "12x", "1e3", "99999999999999999999", "Sun, 22 Nov 2026 07:59:59 GMT",
        "Sun, 31 Feb 2026 08:05:00 GMT", "Sun, 22 Nov 2026 25:05:00 GMT", "Sun, 22 Foo 2026 08:05:00 GMT",
        "Sun, 22 Nov 2026 08:05:00 CET", "Sunday, 22-Nov-26 08:05:00 GMT", "Sun, xx Nov 2026 08:05:00 GMT"})
    EXPECT_EQ(pause({{"retry-after", value}}), Time{}) << value;
  EXPECT_EQ(pause({{"x-ratelimit-reset", "60"}}), Time{});
  EXPECT_EQ(pause({{"x-ratelimit-reset", "9223372036854775807"}}), Time{});
}

TEST(NextUtcMidnight, IsAfterNow) {
  EXPECT_EQ(next_utc_midnight(kNow), *parse_rfc3339("2026-11-23T00:00:00Z"));
  EXPECT_EQ(next_utc_midnight(*parse_rfc3339("2026-11-23T00:00:00Z")), *parse_rfc3339("2026-11-24T00:00:00Z"));
}

// RFC 4648 10
TEST(Base64, GivesTheExamplesOfTheRfc) {
  const std::pair<const char*, const char*> rows[] = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [octets, text] : rows) EXPECT_EQ(base64(octets), text);
  EXPECT_EQ(basic_login("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617 2
}

TEST(AddressText, HasTheDomainInAscii) {
  MessageRecord message;
  for (const char* text : {"a@example.com",
                           "b@b\xc3\xbc"
                           "cher.example",
                           "c@[192.0.2.1]"}) {
    Recipient recipient;
    recipient.address = *parse_address(text);
    message.recipients.push_back(recipient);
  }
  const std::uint32_t some[] = {2, 1};
  const Mail mail{message, some, ""};
  EXPECT_EQ(address_text(mail, 0), "c@[192.0.2.1]");
  EXPECT_EQ(address_text(mail, 1), "b@xn--bcher-kva.example");
}

}  // namespace

}  // namespace postrider::providers
