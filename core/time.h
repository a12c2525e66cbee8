// Wall-clock instants and spans, in milliseconds, and the text forms they take. No clock is read here: see core/clock.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postrider {

using Duration = std::chrono::milliseconds;
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

inline constexpr Time kNever = Time::max();

inline std::int64_t to_ms(Time t) {
  return t.time_since_epoch().count();
}
inline Time from_ms(std::int64_t ms) {
  return Time(Duration(ms));
}

std::string format_rfc3339(Time t);                        // "2026-01-31T08:15:00.123Z"
std::optional<Time> parse_rfc3339(std::string_view text);  // any offset; fraction and 'T'/' ' as RFC 3339 5.6
std::string format_rfc5322(Time t);                        // "Sat, 31 Jan 2026 08:15:00 +0000" (RFC 5322 3.3)
// "90s", "10m", "1h30m", "5d", "250ms"; a bare number is refused (what unit?), but for "0".
std::optional<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration d);  // shortest exact form: "10m", "1h30m"

}  // namespace postrider
