// Calendar: when a day and a month begin and end in one time zone, for quotas that are new at somebody's midnight. Reads the system's
// time zone files when it is made, and none later. Immutable; any thread. An instant and its period always fit: day_start(now) <=
// now < next_day(now), also where clocks are put forward or back at midnight.
#pragma once

#include <string>

#include "core/result.h"
#include "core/time.h"

namespace date {
class time_zone;
}

namespace postrider::relay {

class Calendar {
 public:
  Calendar() = default;  // of UTC
  // By IANA name. "UTC" needs no time zone files. Faults: invalid, with a sentence that names the zone.
  static result<Calendar> find(const std::string& zone);

  Time day_start(Time now) const;
  Time next_day(Time now) const;
  Time month_start(Time now) const;
  Time next_month(Time now) const;

 private:
  explicit Calendar(const date::time_zone* zone) : zone_(zone) {}
  const date::time_zone* zone_ = nullptr;  // null: UTC; the library keeps what it has read until the end
};

}  // namespace postrider::relay
