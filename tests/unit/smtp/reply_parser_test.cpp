#include "relay/smtp/reply_parser.h"

#include <gtest/gtest.h>

#include <optional>

#include "relay/smtp/ehlo_reply.h"

namespace postrider::smtp {
namespace {

struct Read {
  std::optional<Reply> reply;
  bool fault = false;
  std::string left;
};

Read read(const std::string& wire, std::size_t step) {
  ReplyParser parser;
  Read result;
  for (std::size_t pos = 0; pos < wire.size(); pos += step) {
    const auto s = parser.feed(std::string_view(wire).substr(pos, step));
    if (s.status == ReplyParser::Status::need_more) continue;
    result.fault = s.status == ReplyParser::Status::fault;
    if (!result.fault) result.reply = parser.take();
    result.left = wire.substr(pos + s.consumed);
    break;
  }
  return result;
}

TEST(ReplyParser, ReadsAMultiLineReplyHoweverItIsCut) {
  const std::string wire = "250-2.1.0 first\r\n250-\r\n250 2.1.0 last\r\n354 next\r\n";
  for (std::size_t step = 1; step <= wire.size(); ++step) {
    const Read r = read(wire, step);
    ASSERT_TRUE(r.reply) << step;
    EXPECT_EQ(r.reply->code, 250);
    EXPECT_EQ(r.reply->enhanced, "2.1.0");
    EXPECT_EQ(r.reply->lines, (std::vector<std::string>{"first", "", "last"}));
    EXPECT_EQ(r.left, "354 next\r\n");
  }
}

TEST(ReplyParser, TakesWhatServersReallySend) {
  EXPECT_EQ(read("250\r\n", 2).reply->lines, std::vector<std::string>{""});
  EXPECT_EQ(read("220 lone lf\n", 3).reply->lines, std::vector<std::string>{"lone lf"});
  EXPECT_EQ(read("250-a\r\n550 5.1.1 changed its mind\r\n", 5).reply->code, 550);
  EXPECT_EQ(read("250 4.0.0 other class\r\n", 5).reply->enhanced, "");
  EXPECT_EQ(read("421 4.7.0\r\n", 5).reply->enhanced, "4.7.0");
  EXPECT_EQ(read("550 5.1.1x\r\n", 5).reply->enhanced, "");
  EXPECT_EQ(read("550 5.1234.1 x\r\n", 5).reply->enhanced, "");
}

TEST(ReplyParser, RefusesWhatIsNoReply) {
  for (const char* wire :
       {"HTTP/1.1 400 Bad\r\n", "\r\n", "25\r\n", "150 x\r\n", "650 x\r\n", "2500 x\r\n", "ab\r\n"}) {
    EXPECT_TRUE(read(wire, 4).fault) << wire;
  }
}

TEST(ReplyParser, CutsALongLineAndKeepsFewLines) {
  EXPECT_EQ(read("250 " + std::string(5000, 'x') + "\r\n", 100).reply->lines[0].size(), ReplyParser::kMaxLine - 4);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "250-x\r\n";
  EXPECT_EQ(read(many + "250 end\r\n", 100).reply->lines.size(), ReplyParser::kKeptLines);
}

TEST(ReplyParser, IsBounded) {
  EXPECT_TRUE(read(std::string(70000, 'x'), 1000).fault);
  std::string endless;
  for (int i = 0; i < 10000; ++i) endless += "250-again\r\n";
  EXPECT_TRUE(read(endless, 1000).fault);
}

TEST(ReplyParser, IsReadyForTheNextReply) {
  ReplyParser parser;
  parser.feed("250 one\r\n");
  parser.take();
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.feed("5").status, ReplyParser::Status::need_more);
  EXPECT_TRUE(parser.started());
  parser.feed("50 two\r\n");
  EXPECT_EQ(parser.take().lines[0], "two");
}

TEST(EhloReply, ReadsEveryExtension) {
  ReplyParser parser;
  parser.feed(
      "250-mx.example.com size 8bitmime\r\n250-SIZE 1000\r\n250-8bitmime\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n"
      "250-DSN\r\n250-STARTTLS\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250-AUTH=LOGIN\r\n"
      "250-AUTH plain LOGIN CRAM-MD5\r\n250-X-UNKNOWN 1\r\n250 LIMITS RCPTMAX=50 MAILMAX=x RCPTDOMAINMAX=2\r\n");
  const Capabilities c = parse_ehlo_reply(parser.take());
  EXPECT_TRUE(c.esmtp && c.eight_bit && c.smtputf8 && c.pipelining && c.dsn && c.starttls && c.chunking);
  EXPECT_TRUE(c.enhanced_codes && c.size_parameter);
  EXPECT_EQ(c.size, 1000u);
  EXPECT_EQ(c.auth, (std::vector<std::string>{"LOGIN", "PLAIN", "CRAM-MD5"}));
  EXPECT_TRUE(c.offers_auth("PLAIN"));
  EXPECT_EQ(c.rcpt_max, 50u);
  EXPECT_EQ(c.mail_max, 0u);
  EXPECT_EQ(c.rcpt_domain_max, 2u);
}

TEST(EhloReply, FirstLineIsAGreetingAndSizeZeroIsNoLimit) {
  EXPECT_FALSE(parse_ehlo_reply(Reply(250, "", "PIPELINING")).pipelining);
  Reply reply(250, "", "mx");
  reply.lines.push_back("SIZE 0");
  EXPECT_TRUE(parse_ehlo_reply(reply).size_parameter);
  EXPECT_FALSE(parse_ehlo_reply(reply).size);
}

}  // namespace
}  // namespace postrider::smtp
