#include "relay/outbound/calendar.h"

#include <gmock/gmock.h>

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

Time at(const char* text) {
  return parse_rfc3339(text).value();
}

struct Period {
  const char* zone;
  const char* now;
  const char* start;
  const char* end;
};

std::ostream& operator<<(std::ostream& out, const Period& period) {
  return out << period.zone << ' ' << period.now;
}

class CalendarDay : public testing::TestWithParam<Period> {};
TEST_P(CalendarDay, BeginsAndEndsAtLocalMidnight) {
  const Period& want = GetParam();
  const Calendar calendar = Calendar::find(want.zone).value();
  EXPECT_EQ(format_rfc3339(calendar.day_start(at(want.now))), want.start);
  EXPECT_EQ(format_rfc3339(calendar.next_day(at(want.now))), want.end);
}
const Period kDays[] = {
    {"UTC", "2026-11-22T08:00:00.123Z", "2026-11-22T00:00:00.000Z", "2026-11-23T00:00:00.000Z"},
    {"UTC", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00.000Z", "2026-11-23T00:00:00.000Z"},
    {"UTC", "1969-12-31T23:59:59.999Z", "1969-12-31T00:00:00.000Z", "1970-01-01T00:00:00.000Z"},
    {"Europe/Berlin", "2026-01-15T23:30:00Z", "2026-01-15T23:00:00.000Z", "2026-01-16T23:00:00.000Z"},
    {"Europe/Berlin", "2026-07-15T21:59:59.999Z", "2026-07-14T22:00:00.000Z", "2026-07-15T22:00:00.000Z"},
    // 23 hours when summer time begins, 25 when it ends.
    {"Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"},
    {"Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"},
    // Summer time began at midnight: there was none, and the day began at one.
    {"America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00.000Z", "2018-11-05T02:00:00.000Z"},
    {"America/Sao_Paulo", "2018-11-04T02:59:59Z", "2018-11-03T03:00:00.000Z", "2018-11-04T03:00:00.000Z"},
    // It ended at midnight: the last hour of the day came twice.
    {"America/Sao_Paulo", "2019-02-17T01:30:00Z", "2019-02-16T02:00:00.000Z", "2019-02-17T03:00:00.000Z"},
    {"America/Sao_Paulo", "2019-02-17T02:30:00Z", "2019-02-16T02:00:00.000Z", "2019-02-17T03:00:00.000Z"},
    // It ended at one: midnight came twice, and the day began with the first.
    {"Atlantic/Azores", "2026-10-25T01:30:00Z", "2026-10-25T00:00:00.000Z", "2026-10-26T01:00:00.000Z"},
    // It ended a minute after midnight: the date of yesterday was there again for the rest of an hour.
    {"America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07T02:30:00.000Z", "2010-11-08T03:30:00.000Z"},
    {"America/St_Johns", "2010-11-07T03:00:00Z", "2010-11-06T02:30:00.000Z", "2010-11-07T03:30:00.000Z"},
    // A date that was left out.
    {"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00.000Z", "2011-12-30T10:00:00.000Z"},
    {"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00.000Z", "2011-12-31T10:00:00.000Z"},
    {"Asia/Kathmandu", "2026-05-01T12:00:00Z", "2026-04-30T18:15:00.000Z", "2026-05-01T18:15:00.000Z"},
};
INSTANTIATE_TEST_SUITE_P(All, CalendarDay, testing::ValuesIn(kDays));

class CalendarMonth : public testing::TestWithParam<Period> {};
TEST_P(CalendarMonth, BeginsAndEndsAtLocalMidnight) {
  const Period& want = GetParam();
  const Calendar calendar = Calendar::find(want.zone).value();
  EXPECT_EQ(format_rfc3339(calendar.month_start(at(want.now))), want.start);
  EXPECT_EQ(format_rfc3339(calendar.next_month(at(want.now))), want.end);
}
const Period kMonths[] = {
    {"UTC", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00.000Z", "2028-03-01T00:00:00.000Z"},
    {"UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"},
    {"Europe/Berlin", "2026-03-31T22:30:00Z", "2026-03-31T22:00:00.000Z", "2026-04-30T22:00:00.000Z"},
    {"Europe/Berlin", "2026-03-31T21:30:00Z", "2026-02-28T23:00:00.000Z", "2026-03-31T22:00:00.000Z"},
    {"America/Los_Angeles", "2026-11-15T12:00:00Z", "2026-11-01T07:00:00.000Z", "2026-12-01T08:00:00.000Z"},
};
INSTANTIATE_TEST_SUITE_P(All, CalendarMonth, testing::ValuesIn(kMonths));

TEST(Calendar, EveryInstantLiesInItsPeriodsForYears) {
  for (const char* zone : {"Europe/Berlin", "America/Sao_Paulo", "America/St_Johns", "America/Havana", "Pacific/Apia",
                           "Asia/Beirut", "Australia/Lord_Howe"}) {
    const Calendar calendar = Calendar::find(zone).value();
    for (Time now = at("2009-12-31T00:00:00Z"); now < at("2013-01-02T00:00:00Z"); now += minutes(37)) {
      ASSERT_LE(calendar.day_start(now), now) << zone << ' ' << format_rfc3339(now);
      ASSERT_GT(calendar.next_day(now), now) << zone << ' ' << format_rfc3339(now);
      ASSERT_LE(calendar.next_day(now) - calendar.day_start(now), hours(49)) << zone << ' ' << format_rfc3339(now);
      ASSERT_LE(calendar.month_start(now), calendar.day_start(now)) << zone << ' ' << format_rfc3339(now);
      ASSERT_GE(calendar.next_month(now), calendar.next_day(now)) << zone << ' ' << format_rfc3339(now);
    }
  }
}

TEST(Calendar, UnknownZoneIsAFaultThatNamesIt) {
  for (const char* zone : {"Europe/Bonn", "", "../etc/passwd", "utc?"}) {
    const auto found = Calendar::find(zone);
    ASSERT_TRUE(found.has_error()) << zone;
    EXPECT_THAT(found.error().text, testing::HasSubstr('"' + std::string(zone) + '"'));
  }
}

}  // namespace
}  // namespace postrider::relay
