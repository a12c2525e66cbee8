#include "relay/outbound/calendar.h"

#include <date/date.h>
#include <date/tz.h>

#include <exception>

namespace postrider::relay {

namespace {

// The date that a clock on the wall shows.
date::local_days local_day(const date::time_zone* zone, Time now) {
  const Time second = date::floor<std::chrono::seconds>(now);
  if (!zone) return date::local_days(date::floor<date::days>(second).time_since_epoch());
  return date::floor<date::days>(zone->to_local(second));
}

date::local_days first_of(date::year_month month) {
  return date::local_days(month / 1);
}

date::year_month month_of(date::local_days day) {
  const date::year_month_day date(day);
  return date.year() / date.month();
}

Time instant(const date::time_zone* zone, date::local_days day, date::choose which) {
  if (!zone) return Time(day.time_since_epoch());
  return zone->to_sys(day, which);
}

// The first instant of a date: of a midnight that comes twice the first, of one that is left out the end of the gap.
Time begin_of(const date::time_zone* zone, date::local_days day) {
  return instant(zone, day, date::choose::earliest);
}

// The end of what `now` lies in. Clocks that go back over midnight show the date of yesterday after that of today has begun: then
// it is the second midnight that ends it.
Time end_at(const date::time_zone* zone, date::local_days day, Time now) {
  const Time first = begin_of(zone, day);
  return first > now ? first : instant(zone, day, date::choose::latest);
}

}  // namespace

result<Calendar> Calendar::find(const std::string& zone) {
  if (zone == "UTC") return Calendar();
  try {
    return Calendar(date::locate_zone(zone));
  } catch (const std::exception&) {  // an unknown zone, or no zone files: the library's words name its own sources
    return invalid("\"" + zone + "\" is not a time zone that this system's zone files (package tzdata) have");
  }
}

Time Calendar::day_start(Time now) const {
  return begin_of(zone_, local_day(zone_, now));
}

Time Calendar::next_day(Time now) const {
  return end_at(zone_, local_day(zone_, now) + date::days(1), now);
}

Time Calendar::month_start(Time now) const {
  return begin_of(zone_, first_of(month_of(local_day(zone_, now))));
}

Time Calendar::next_month(Time now) const {
  return end_at(zone_, first_of(month_of(local_day(zone_, now)) + date::months(1)), now);
}

}  // namespace postrider::relay
