#include "relay/smtp/date_parser.h"

#include <gtest/gtest.h>

namespace postrider::smtp {
namespace {

std::string read(std::string_view text) {
  const auto time = parse_rfc5322_date(text);
  return time ? format_rfc3339(*time) : "none";
}

TEST(Rfc5322Date, ReadsWhatHeadersHave) {
  EXPECT_EQ(read("Sat, 31 Jan 2026 08:15:00 +0000"), "2026-01-31T08:15:00.000Z");
  EXPECT_EQ(read("Sat, 31 Jan 2026 08:15:00 -0330"), "2026-01-31T11:45:00.000Z");
  EXPECT_EQ(read("31 jan 2026 08:15 +0100"), "2026-01-31T07:15:00.000Z");
  EXPECT_EQ(read("sun,1 Feb 2026 00:00:00 GMT"), "2026-02-01T00:00:00.000Z");
  EXPECT_EQ(read("1 Feb 2026 00:00:60 EST"), "2026-02-01T05:01:00.000Z") << "a leap second";
}

TEST(Rfc5322Date, ReadsObsoleteYears) {
  EXPECT_EQ(read("1 Feb 26 00:00:00 UT"), "2026-02-01T00:00:00.000Z");
  EXPECT_EQ(read("1 Feb 99 00:00:00 UT"), "1999-02-01T00:00:00.000Z");
  EXPECT_EQ(read("1 Feb 126 00:00:00 UT"), "2026-02-01T00:00:00.000Z");
}

TEST(Rfc5322Date, PassesOverCommentsAndFolding) {
  EXPECT_EQ(read("Sat (a (nested \\) one)), 31\r\n\tJan 2026\r\n 08:15:00 +0000 (UTC)"), "2026-01-31T08:15:00.000Z");
}

TEST(Rfc5322Date, ReadsBackWhatIsFormatted) {
  for (std::int64_t ms : {0ll, 1'700'000'000'000ll, 4'102'444'800'000ll}) {
    const auto time = parse_rfc5322_date(format_rfc5322(from_ms(ms)));
    ASSERT_TRUE(time) << ms;
    EXPECT_EQ(to_ms(*time), ms);
  }
}

TEST(Rfc5322Date, RefusesWhatIsNoDate) {
  for (const char* text :
       {"", "tomorrow", "Fri, 31 Jan 2026 08:15:00 +0000", "Xyz, 31 Jan 2026 08:15:00 +0000",
        ", 31 Jan 2026 08:15 +0000", "30 Feb 2026 08:15:00 +0000", "31 Foo 2026 08:15:00 +0000",
        "31 Jan 2026 24:00:00 +0000", "31 Jan 2026 08:60:00 +0000", "31 Jan 2026 8:15:00 +0000", "31 Jan 2026 08:15:00",
        "31 Jan 2026 08:15:00 +2400", "31 Jan 2026 08:15:00 +000", "31 Jan 2026 08:15:00 X",
        "31 Jan 2026 08:15:00 +0000 more", "0 Jan 2026 08:15 UT", "31 Jan 20260 08:15:00 +0000",
        "31 Jan 2026 08:15:00 +0000 (open", "31 Jan 2026 08:15: +0000"})
    EXPECT_EQ(read(text), "none") << text;
  EXPECT_EQ(read("31 Jan 2026 08:15:00 +0000" + std::string(300, ' ')), "none") << "too long";
}

}  // namespace
}  // namespace postrider::smtp
