#include "core/time.h"

namespace postrider {
namespace {

constexpr Time kTime{Duration(1'769'847'300'123)};  // 2026-01-31 08:15:00.123 UTC

TEST(Time, FormatsRfc3339) {
  EXPECT_EQ(format_rfc3339(kTime), "2026-01-31T08:15:00.123Z");
  EXPECT_EQ(format_rfc3339(Time{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(Time{Duration(-1)}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(kNever), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(Time::min()), "0000-01-01T00:00:00.000Z");
}

TEST(Time, FormatsRfc5322) {
  EXPECT_EQ(format_rfc5322(kTime), "Sat, 31 Jan 2026 08:15:00 +0000");
  EXPECT_EQ(format_rfc5322(Time{}), "Thu, 01 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(format_rfc5322(*parse_rfc3339("2024-02-29T23:59:59Z")), "Thu, 29 Feb 2024 23:59:59 +0000");
}

TEST(Time, ParsesRfc3339) {
  EXPECT_EQ(parse_rfc3339("2026-01-31T08:15:00.123Z"), kTime);
  EXPECT_EQ(parse_rfc3339("2026-01-31t08:15:00.123z"), kTime);
  EXPECT_EQ(parse_rfc3339("2026-01-31 08:15:00.123456789Z"), kTime);
  EXPECT_EQ(parse_rfc3339("2026-01-31T09:15:00.123+01:00"), kTime);
  EXPECT_EQ(parse_rfc3339("2026-01-30T22:45:00.123-09:30"), kTime);
  EXPECT_EQ(parse_rfc3339("2026-01-31T08:15:00Z"), kTime - Duration(123));
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));  // RFC 3339 5.7
  EXPECT_EQ(parse_rfc3339(format_rfc3339(kTime)), kTime);
}

TEST(Time, RefusesWhatIsNotRfc3339) {
  for (const char* text :
       {"", "2026-01-31", "2026-01-31T08:15:00", "2026-01-31T08:15Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T08:60:00Z", "2026-01-31T08:15:61Z",
        "2026-01-31T08:15:00.Z", "2026-01-31T08:15:00+0100", "2026-01-31T08:15:00+24:00", "2026-01-31T08:15:00Zx",
        "26-01-31T08:15:00Z", "2026/01/31T08:15:00Z", "2026-01-31X08:15:00Z", " 2026-01-31T08:15:00Z"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

TEST(Duration, Parses) {
  using namespace std::chrono;
  EXPECT_EQ(parse_duration("0"), Duration(0));
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("90s"), seconds(90));
  EXPECT_EQ(parse_duration("10m"), minutes(10));
  EXPECT_EQ(parse_duration("1h30m"), minutes(90));
  EXPECT_EQ(parse_duration("5d"), hours(120));
  EXPECT_EQ(parse_duration("1d2h3m4s5ms"), hours(26) + minutes(3) + seconds(4) + milliseconds(5));
}

TEST(Duration, RefusesWhatHasNoUnitOrNoSense) {
  for (const char* text : {"", "10", "m", "-5m", "5 m", "1.5h", "10x", "30m1h", "1h1h", "10mm", "99999999999999999999s",
                           "9223372036854775807ms", "400000d", "00", "10m "})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, FormatsAndRoundTrips) {
  using namespace std::chrono;
  EXPECT_EQ(format_duration(Duration(0)), "0");
  EXPECT_EQ(format_duration(minutes(10)), "10m");
  EXPECT_EQ(format_duration(minutes(90)), "1h30m");
  EXPECT_EQ(format_duration(hours(120)), "5d");
  EXPECT_EQ(format_duration(milliseconds(1500)), "1s500ms");
  EXPECT_EQ(format_duration(-seconds(5)), "-5s");
  for (const std::int64_t ms : {1, 999, 1000, 61'000, 3'600'001, 86'400'000, 1'234'567'890})
    EXPECT_EQ(parse_duration(format_duration(Duration(ms))), Duration(ms));
}

}  // namespace
}  // namespace postrider
