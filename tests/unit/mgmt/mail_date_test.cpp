#include "mgmt/mail_date.h"

#include <gtest/gtest.h>

namespace postrider::mgmt {
namespace {

TEST(MailDate, ReadsDatesOfMailAndSeconds) {
  const Time wanted = *parse_rfc3339("2011-10-13T18:02:00Z");
  for (const char* text :
       {"Thu, 13 Oct 2011 18:02:00 +0000", "13 Oct 2011 18:02:00 GMT", "Thu, 13 Oct 2011 18:02 -0000",
        "Thu, 13 Oct 2011 20:02:00 +0200", "13 Oct 2011 14:02:00 EDT", "1318528920"})
    EXPECT_EQ(parse_mail_date(text), wanted) << text;
  EXPECT_EQ(parse_mail_date("1318528920.5"), wanted + Duration(500));
  EXPECT_EQ(parse_mail_date("1318528920.12345"), wanted + Duration(123));
  EXPECT_EQ(parse_mail_date("0"), Time{});
}

// A guess would be a mail at the wrong hour.
TEST(MailDate, GuessesAtNothing) {
  for (const char* text :
       {"", "tomorrow", "2011-10-13T18:02:00Z", "Thu Oct 13 2011 18:02:00 GMT+0200 (CEST)", "13 Oct 2011 18:02:00",
        "13 Oct 2011 18:02:00 CEST", "13 Oct 2011", "99 Oct 2011 18:02:00 +0000", "31 Feb 2011 18:02:00 +0000", "-5",
        "13185289201318528920", "1.2.3", "13 Oct 2011 18:02:00 +00:00", "13 Oct 2011 25:02:00 +0000"})
    EXPECT_FALSE(parse_mail_date(text)) << text;
}

}  // namespace
}  // namespace postrider::mgmt
