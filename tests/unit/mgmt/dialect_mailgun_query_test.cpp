// What Mailgun's events API can be asked: ranges, expressions, links; and which of our events are which of its.
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "mgmt/dialects/mailgun_event.h"
#include "mgmt/dialects/mailgun_query.h"

namespace postrider::mgmt {
namespace {

using Match = MailgunExpression::Match;
using Fields = std::vector<std::pair<std::string, std::string>>;

const Time kNow = *parse_rfc3339("2026-01-31T08:00:00Z");

bool fits(std::string_view expression, std::vector<std::string> values, Match match = Match::part) {
  const auto parsed = MailgunExpression::parse(expression, match);
  EXPECT_TRUE(parsed) << expression;
  return parsed && parsed->fits(values);
}

TEST(MailgunExpression, HasWordsPhrasesAndOperators) {
  EXPECT_TRUE(fits("foo bar", {"a Bar, a FOO"}));
  EXPECT_FALSE(fits("foo AND bar", {"foo"}));
  EXPECT_TRUE(fits("foo OR bar", {"bar"}));
  EXPECT_FALSE(fits("foo OR bar baz", {"bar"}));
  EXPECT_TRUE(fits("\"foo bar\"", {"a foo bar"}));
  EXPECT_FALSE(fits("\"foo bar\"", {"bar foo"}));
  EXPECT_TRUE(fits("\"OR\"", {"this OR that"}));
  EXPECT_TRUE(fits("foo -bar", {"foo"}));
  EXPECT_FALSE(fits("foo NOT bar", {"foo bar"}));
  EXPECT_TRUE(fits("foo", {"a", "foo"}));
  EXPECT_FALSE(fits("foo", {}));
  EXPECT_TRUE(fits("-foo", {}));
  EXPECT_TRUE(fits("fail OR failed", {"failed"}, Match::whole));
  EXPECT_FALSE(fits("fail", {"failed"}, Match::whole));
}

TEST(MailgunExpression, RefusesWhatItDoesNotKnow) {
  for (const char* bad : {"", "  ", "OR foo", "foo OR", "foo NOT", "foo -", "\"foo", "(foo)", ">10 <20"})
    EXPECT_FALSE(MailgunExpression::parse(bad, Match::part)) << bad;
  std::string many;
  for (int i = 0; i < 51; ++i) many += "a ";
  EXPECT_FALSE(MailgunExpression::parse(many, Match::part));
}

TEST(MailgunQuery, HasTheDirectionsOfItsDocumentation) {
  const auto plain = read_mailgun_query({}, kNow);
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->ascending);
  EXPECT_EQ(plain->newest(), kNow);
  EXPECT_EQ(plain->oldest(), std::nullopt);
  EXPECT_EQ(plain->limit, 100u);
  const auto polling = read_mailgun_query({{"begin", "1318528920"}, {"ascending", "yes"}}, kNow);
  ASSERT_TRUE(polling);
  EXPECT_EQ(polling->oldest(), Time(std::chrono::seconds(1318528920)));
  EXPECT_EQ(polling->newest(), std::nullopt);
  const auto backwards = read_mailgun_query({{"begin", "Fri, 3 May 2013 09:00:00 -0000"}, {"end", "1318528920"}}, kNow);
  ASSERT_TRUE(backwards);
  EXPECT_FALSE(backwards->ascending);
  EXPECT_EQ(backwards->oldest(), Time(std::chrono::seconds(1318528920)));
  const auto forwards = read_mailgun_query({{"begin", "1"}, {"end", "2"}, {"limit", "300"}, {"pretty", "no"}}, kNow);
  ASSERT_TRUE(forwards);
  EXPECT_TRUE(forwards->ascending);
  EXPECT_EQ(forwards->limit, 300u);
}

TEST(MailgunQuery, NamesTheParameterThatIsWrong) {
  const Fields wrong[] = {{{"begin", "tomorrow"}},
                          {{"end", "2013-05-03"}},
                          {{"limit", "301"}},
                          {{"limit", "0"}},
                          {{"ascending", "perhaps"}},
                          {{"size", ">10"}},
                          {{"list", "l"}},
                          {{"event", ""}},
                          {{"ascending", "no"}, {"begin", "1"}, {"end", "2"}}};
  for (const Fields& fields : wrong) {
    const auto query = read_mailgun_query(fields, kNow);
    ASSERT_FALSE(query) << fields.front().first;
    EXPECT_NE(query.error().text.find("'" + fields.front().first + "'"), std::string::npos) << query.error().text;
  }
}

TEST(MailgunQuery, LinksSayEverything) {
  auto query =
      read_mailgun_query({{"event", "failed OR rejected"}, {"recipient", "a b@example.net"}, {"limit", "7"}}, kNow);
  ASSERT_TRUE(query);
  const auto again = read_mailgun_link(mailgun_link(*query, true, MailgunPlace{12, 3}));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->fields, query->fields);
  EXPECT_EQ(again->begin, kNow) << "not the time at which it is read";
  EXPECT_EQ(again->limit, 7u);
  EXPECT_TRUE(again->backwards);
  EXPECT_EQ(again->place, (MailgunPlace{12, 3}));
  ASSERT_EQ(again->filters.size(), 2u);
  EXPECT_TRUE(again->filters[1].second.fits({"A+B@example.net"}));
  const auto first = read_mailgun_link(mailgun_link(*query, false, std::nullopt));
  EXPECT_TRUE(first && !first->backwards && !first->place);
}

TEST(MailgunQuery, OtherLinksAreRefused) {
  for (const char* link :
       {"", "x", "e30", "W10", "eyJxIjpbXX0", "eyJxIjpbWyJhIl1dLCJub3ciOjEsImJhY2siOnRydWV9",
        "eyJxIjpbXSwibm93IjotMSwiYmFjayI6dHJ1ZX0", "eyJxIjpbXSwibm93IjoxLCJiYWNrIjp0cnVlLCJzZXEiOjF9"})
    EXPECT_FALSE(read_mailgun_link(link)) << link;
  EXPECT_FALSE(read_mailgun_link(std::string(9000, 'a')));
}

TEST(MailgunPlace, HasNeighbours) {
  EXPECT_EQ((MailgunPlace{5, 1}.next()), (MailgunPlace{5, 2}));
  EXPECT_EQ((MailgunPlace{5, 0xffffffff}.next()), (MailgunPlace{6, 0}));
  EXPECT_EQ((MailgunPlace{5, 0}.previous()), (MailgunPlace{4, 0xffffffff}));
  EXPECT_EQ((MailgunPlace{0, 0}.previous()), (MailgunPlace{0, 0}));
}

MessageRecord two_recipients() {
  MessageRecord message;
  message.envelope.sender = {"app", "shop.example"};
  message.envelope.subject = "Grüße";
  message.envelope.message_id_header = "<m@shop.example>";
  message.envelope.tags = {"one"};
  message.envelope.metadata = {{"order", "5"}};
  message.envelope.tenant = "shop";
  message.envelope.door = Door::http;
  message.recipients.resize(2);
  message.recipients[0].address = {"a", "example.net"};
  message.recipients[1].address = {"b", "example.org"};
  message.recipients[1].upstream = "primary";
  return message;
}

std::string item(EventType type, Reason reason = {}) {
  Event event;
  event.seq = 9;
  event.type = type;
  event.at = kNow + Duration(250);
  event.recipient = 1;
  event.reason = std::move(reason);
  return boost::json::serialize(mailgun_item(*mailgun_event(type), event, two_recipients(), 1));
}

bool has(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

TEST(MailgunEvent, HasTheFieldsThatApplicationsRead) {
  const std::string sent = item(EventType::sent, {Cause::none, Stage::final_dot, 250, "2.0.0", "Ok"});
  for (
      const char* part :
      {R"("id":"9-1")", R"("event":"delivered")", R"("timestamp":1.76984640025E9)", R"("recipient":"b@example.org")",
       R"("recipient-domain":"example.org")", R"("tags":["one"])", R"("user-variables":{"order":"5"})",
       R"("message-id":"m@shop.example")",
       R"("delivery-status":{"code":250,"message":"Ok","description":"taken by upstream primary","enhanced-code":"2.0.0"})",
       R"("is-authenticated":true)", R"("method":"http")", R"("log-level":"info")"})
    EXPECT_TRUE(has(sent, part)) << part << "\n" << sent;
  const std::string bounced = item(EventType::bounced, {Cause::recipient, Stage::rcpt, 550, "5.1.1", "no such user"});
  EXPECT_TRUE(has(bounced, R"("severity":"permanent","reason":"bounce")")) << bounced;
  EXPECT_TRUE(has(bounced, R"("code":550)"));
  EXPECT_TRUE(has(item(EventType::deferred), R"("severity":"temporary")"));
  EXPECT_TRUE(has(item(EventType::suppressed), R"("code":605)"));
  EXPECT_TRUE(has(item(EventType::cancelled), R"("event":"rejected")"));
  EXPECT_TRUE(has(item(EventType::accepted), R"("recipients":["a@example.net","b@example.org"])"));
}

TEST(MailgunEvent, HasNoWordForOurOwnDoings) {
  for (const EventType type : {EventType::attempted, EventType::held, EventType::delivered, EventType::upstream_paused})
    EXPECT_FALSE(mailgun_event(type)) << to_string(type);
}

}  // namespace
}  // namespace postrider::mgmt
