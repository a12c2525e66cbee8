// What becomes of the message on stdin: line ends, the lone dot, the header, and where it is kept meanwhile.
#include <gmock/gmock.h>

#include "cmd/sendmail_author.h"
#include "cmd/sendmail_header.h"
#include "cmd/sendmail_spool.h"
#include "cmd/sendmail_text.h"

namespace postrider::cmd {
namespace {

std::string text_of(const std::string& input, LoneDot dot, std::size_t piece = std::string::npos) {
  SendmailText text(dot);
  std::string out;
  smtp::Spans spans;
  const auto keep = [&] {
    for (const std::string_view span : spans) out += span;
    spans.clear();
  };
  for (std::size_t at = 0; at < input.size(); at += std::min(piece, input.size())) {
    const std::string copy = input.substr(at, piece);
    const bool more = text.feed(copy, spans);
    keep();
    if (!more) break;
  }
  text.finish(spans);
  keep();
  return out;
}

struct Case {
  const char* input;
  const char* dot_ends;
  const char* dot_is_text;
};

TEST(SendmailText, LineEndsAndTheLoneDotHoweverTheInputIsCut) {
  const Case cases[] = {
      {"", "", ""},
      {"a\nb\n", "a\r\nb\r\n", "a\r\nb\r\n"},
      {"a\r\nb", "a\r\nb\r\n", "a\r\nb\r\n"},
      {"a\rb\n", "a\r\nb\r\n", "a\r\nb\r\n"},
      {"a\n.\nb\n", "a\r\n", "a\r\n.\r\nb\r\n"},
      {"a\r\n.\r\nb\n", "a\r\n", "a\r\n.\r\nb\r\n"},
      {".\nb\n", "", ".\r\nb\r\n"},
      {"a\n.b\n..\n. \n.\r.\n", "a\r\n.b\r\n..\r\n. \r\n.\r\n.\r\n", "a\r\n.b\r\n..\r\n. \r\n.\r\n.\r\n"},
      {"a\n.", "a\r\n", "a\r\n.\r\n"},
      {"a.\n.\n", "a.\r\n", "a.\r\n.\r\n"},
  };
  for (const Case& c : cases)
    for (const std::size_t piece : {std::string::npos, std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
      EXPECT_EQ(text_of(c.input, LoneDot::ends, piece), c.dot_ends) << c.input << piece;
      EXPECT_EQ(text_of(c.input, LoneDot::is_text, piece), c.dot_is_text) << c.input << piece;
    }
}

TEST(SendmailText, NulIsAFaultAndEightBitIsSeen) {
  SendmailText text(LoneDot::is_text), high(LoneDot::is_text);
  smtp::Spans spans;
  EXPECT_FALSE(text.feed(std::string_view("a\0b", 3), spans));
  EXPECT_EQ(text.fault(), smtp::BodyFault::nul);
  EXPECT_TRUE(
      high.feed("Gr\xc3\xbc\xc3\x9f"
                "e\n",
                spans));
  EXPECT_TRUE(high.eight_bit());
}

SendmailHeader header_of(const std::string& message, const HeaderWishes& wishes) {
  smtp::HeaderScanner scanner(1 << 20);
  const auto step = scanner.feed(message);
  if (step.status != smtp::HeaderScanner::Status::complete) scanner.finish();
  auto header = prepare_header(scanner, !scanner.body_prefix().empty(), wishes);
  if (!header) ADD_FAILURE() << header.error().text;
  return header ? *header : SendmailHeader();
}

std::vector<std::string> recipients_of(const std::string& message) {
  std::vector<std::string> all;
  for (const Address& address : header_of(message, {true, ""}).recipients) all.push_back(address.str());
  return all;
}

TEST(SendmailHeader, RecipientsAreThoseOfToCcAndBcc) {
  EXPECT_THAT(recipients_of("To: a@x.example,\r\n\tB <b@x.example>\r\nSubject: to: z@x.example\r\ncc : c@x.example\r\n"
                            "BCC: Team: d@x.example, e;\r\nReply-To: f@x.example\r\n\r\nTo: g@x.example\r\n"),
              testing::ElementsAre("a@x.example", "b@x.example", "c@x.example", "d@x.example", "e"));
}

TEST(SendmailHeader, ResentFieldsReplaceTheOthers) {
  EXPECT_THAT(recipients_of("Resent-To: r@x.example\r\nResent-Bcc: s@x.example\r\nTo: a@x.example\r\n\r\n"),
              testing::ElementsAre("r@x.example", "s@x.example"));
  EXPECT_THAT(recipients_of("Resent-From: r@x.example\r\nTo: a@x.example\r\n\r\n"),
              testing::ElementsAre("a@x.example"));
}

TEST(SendmailHeader, AFieldThatIsNoListIsNamed) {
  smtp::HeaderScanner scanner(1000);
  scanner.feed("Cc: Ann Example\r\n\r\n");
  const auto header = prepare_header(scanner, false, {true, ""});
  ASSERT_FALSE(header);
  EXPECT_TRUE(header.error().text.starts_with("Cc: not a list of addresses: ")) << header.error().text;
}

TEST(SendmailHeader, BccGoesAndTheRestStaysAsItIs) {
  const std::string message = "Subject:  odd   spacing\r\n folded\r\nX: y\r\n\r\nbody";
  const SendmailHeader header =
      header_of("Bcc: a@x.example,\r\n b@x.example\r\nFrom: c\r\nResent-BCC: d\r\n" + message, {});
  EXPECT_EQ(header.text, "From: c\r\n" + message.substr(0, message.size() - 4));
}

TEST(SendmailHeader, FromIsAddedOnlyWhenItIsMissing) {
  const HeaderWishes wishes{false, "From: added\r\n"};
  EXPECT_EQ(header_of("Subject: x\r\n\r\n", wishes).text, "Subject: x\r\nFrom: added\r\n\r\n");
  EXPECT_EQ(header_of("FROM: x\r\n\r\n", wishes).text, "FROM: x\r\n\r\n");
  EXPECT_EQ(header_of("From root Sat Jan 31\r\nTo: x\r\n\r\n", wishes).text, "To: x\r\nFrom: added\r\n\r\n");
  EXPECT_EQ(header_of("just text\r\n", wishes).text, "From: added\r\n\r\njust text\r\n");
  EXPECT_EQ(header_of("", wishes).text, "From: added\r\n");
}

TEST(SendmailHeader, TheIdempotencyKeyIsRead) {
  EXPECT_EQ(header_of("X-Idempotency-Key: order-17\r\n\r\n", {}).idempotency_key, "order-17");
}

TEST(SendmailHeader, NamesInFromAreQuotedOrEncodedAsTheyNeed) {
  const Address root{"root", "web1.example"};
  EXPECT_EQ(from_field("", root), "From: root@web1.example\r\n");
  EXPECT_EQ(from_field("Charlie Root", root), "From: Charlie Root <root@web1.example>\r\n");
  EXPECT_EQ(from_field("Root, \"C\"", root), "From: \"Root, \\\"C\\\"\" <root@web1.example>\r\n");
  EXPECT_EQ(from_field("a\r\nBcc: b", root), "From: \"a  Bcc: b\" <root@web1.example>\r\n");
  EXPECT_EQ(from_field("J\xc3\xbcrgen", root), "From: =?UTF-8?B?SsO8cmdlbg==?= <root@web1.example>\r\n");
  EXPECT_EQ(from_field("J\xfcrgen", root), "From: \"J?rgen\" <root@web1.example>\r\n");
  std::string umlauts;
  for (int i = 0; i < 60; ++i) umlauts += "\xc3\xbc";
  const std::string field = from_field(umlauts, root);
  EXPECT_EQ(field.find("?= =?UTF-8?B?"), std::string("From: ").size() + 10 + 56);
}

TEST(SendmailAuthor, GecosNames) {
  EXPECT_EQ(gecos_name("Ann Example,Room 1,555", "ann"), "Ann Example");
  EXPECT_EQ(gecos_name("& Example", "ann"), "Ann Example");
  EXPECT_EQ(gecos_name("", "ann"), "");
}

TEST(SendmailSpool, GivesBackWhatItGotInMemoryAndOnDisk) {
  for (const std::size_t memory : {std::size_t{1} << 20, std::size_t{1000}}) {
    SendmailSpool spool(memory);
    std::string all;
    for (int i = 0; i < 3000; ++i) {
      const std::string line = std::to_string(i) + " 0123456789012345678901234567890123456789\r\n";
      spool.append(line);
      all += line;
    }
    EXPECT_EQ(spool.in_file(), memory == 1000);
    ASSERT_EQ(spool.size(), all.size());
    for (int round = 0; round < 2; ++round) {
      std::string back;
      for (std::string piece = spool.read(0); !piece.empty(); piece = spool.read(back.size())) back += piece;
      EXPECT_EQ(back, all);
    }
  }
}

}  // namespace
}  // namespace postrider::cmd
