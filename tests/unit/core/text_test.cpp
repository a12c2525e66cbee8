#include "core/nearest.h"
#include "core/outcome.h"
#include "core/reply.h"
#include "core/utf8.h"

namespace postrider {
namespace {

TEST(Reply, WireFormOfOneLine) {
  EXPECT_EQ(Reply(250, "2.0.0", "Ok").wire(), "250 2.0.0 Ok\r\n");
  EXPECT_EQ(Reply(354, "", "Go on").wire(), "354 Go on\r\n");
}

TEST(Reply, WireFormOfSeveralLines) {
  Reply reply(250, "", "relay.example.com");
  reply.lines.push_back("PIPELINING");
  reply.lines.push_back("8BITMIME");
  EXPECT_EQ(reply.wire(), "250-relay.example.com\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
  reply.enhanced = "2.1.0";  // RFC 2034 4.: on every line
  EXPECT_EQ(reply.wire(), "250-2.1.0 relay.example.com\r\n250-2.1.0 PIPELINING\r\n250 2.1.0 8BITMIME\r\n");
  EXPECT_EQ(reply.text(), "relay.example.com PIPELINING 8BITMIME");
}

TEST(Reply, ClassesOfCodes) {
  EXPECT_TRUE(Reply(250, "", "").positive());
  EXPECT_TRUE(Reply(354, "", "").positive());
  EXPECT_TRUE(Reply(421, "", "").transient());
  EXPECT_TRUE(Reply(550, "", "").permanent());
  EXPECT_FALSE(Reply(600, "", "").permanent());
}

TEST(Utf8, AcceptsWhatRfc3629Allows) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("a\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

TEST(Utf8, RefusesTheRest) {
  for (const char* text : {"\x80", "\xc1\xbf", "\xc2", "\xc2x", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
                           "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xfe"})
    EXPECT_FALSE(is_utf8(text)) << text;
}

TEST(ReasonText, LosesControlsAndBrokenUtf8) {
  EXPECT_EQ(sanitize_reason_text("mailbox\r\n\tfull\x1b[2J\x7f"), "mailbox   full [2J ");
  EXPECT_EQ(sanitize_reason_text("caf\xc3\xa9 \xc3 \xff"), "caf\xc3\xa9 ? ?");
  EXPECT_EQ(sanitize_reason_text("a\xc2\x9b"
                                 "b"),
            "a b");  // CSI as one character
}

TEST(ReasonText, IsCutAtACharacter) {
  const std::string almost(kMaxReasonText - 1, 'x');
  EXPECT_EQ(sanitize_reason_text(almost + "yz"), almost + "y");
  EXPECT_EQ(sanitize_reason_text(almost + "\xc3\xa9"), almost);
}

TEST(ReasonText, CleaningTwiceChangesNothing) {
  const std::string once = sanitize_reason_text("\x01\xff caf\xc3\xa9");
  EXPECT_EQ(sanitize_reason_text(once), once);
}

TEST(Nearest, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("retries", "retires"), 1u);  // a swap
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, FindsTheNearestOrNothing) {
  const std::vector<std::string_view> words = {"retries", "retry_interval", "max_age"};
  EXPECT_EQ(nearest("retrys", words), "retries");
  EXPECT_EQ(nearest("MAX_AGE", words), "max_age");
  EXPECT_EQ(nearest("hostname", words), "");
  EXPECT_EQ(nearest("", words), "");
}

}  // namespace
}  // namespace postrider
