#include "core/time.h"

#include <algorithm>
#include <array>
#include <limits>

namespace postrider {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Four-digit years are all that RFC 3339 and RFC 5322 can write.
constexpr Time kFirst = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
constexpr Time kLast = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31) + Duration(86'399'999);

struct Fields {
  int year, month, day, weekday, hour, minute, second, ms;
};

Fields split(Time t) {
  t = std::clamp(t, kFirst, kLast);
  const auto days = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date(days);
  const int ms = static_cast<int>((t - days).count());
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(std::chrono::weekday(days).c_encoding()),
          ms / 3'600'000,
          ms / 60'000 % 60,
          ms / 1000 % 60,
          ms % 1000};
}

void put(char*& out, int value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
  out += digits;
}

void put(char*& out, std::string_view text) {
  out = std::copy(text.begin(), text.end(), out);
}

// Reads exactly `digits` digits and moves past them; -1 if they are not there.
int take(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool skip(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// ".123456789" cut to milliseconds; absent is zero; -1 if a dot is followed by no digit.
int take_fraction(std::string_view& text) {
  if (!skip(text, ".")) return 0;
  int ms = 0, weight = 100;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits, weight /= 10)
    ms += (text[digits] - '0') * weight;
  if (digits == 0) return -1;
  text.remove_prefix(digits);
  return ms;
}

// "Z" or "+hh:mm" up to the end of the text.
std::optional<Duration> take_offset(std::string_view text) {
  if (text == "Z" || text == "z") return Duration(0);
  if (text.size() != 6) return std::nullopt;
  const bool west = text.front() == '-';
  if (!skip(text, "+-")) return std::nullopt;
  const int hours = take(text, 2);
  const bool colon = skip(text, ":");
  const int minutes = take(text, 2);
  if (hours < 0 || hours > 23 || !colon || minutes < 0 || minutes > 59) return std::nullopt;
  const Duration offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return west ? -offset : offset;
}

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<Unit, 5> kUnits = {{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

}  // namespace

std::string format_rfc3339(Time t) {
  const Fields f = split(t);
  std::string text(24, ' ');
  char* out = text.data();
  put(out, f.year, 4), put(out, "-"), put(out, f.month, 2), put(out, "-"), put(out, f.day, 2);
  put(out, "T"), put(out, f.hour, 2), put(out, ":"), put(out, f.minute, 2), put(out, ":");
  put(out, f.second, 2), put(out, "."), put(out, f.ms, 3), put(out, "Z");
  return text;
}

std::optional<Time> parse_rfc3339(std::string_view text) {
  const int year = take(text, 4);
  const bool dash1 = skip(text, "-");
  const int month = take(text, 2);
  const bool dash2 = skip(text, "-");
  const int day = take(text, 2);
  if (year < 0 || month < 1 || day < 1 || !dash1 || !dash2 || !skip(text, "Tt ")) return std::nullopt;
  const int hour = take(text, 2);
  const bool colon1 = skip(text, ":");
  const int minute = take(text, 2);
  const bool colon2 = skip(text, ":");
  const int second = take(text, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || !colon1 || !colon2) return std::nullopt;
  if (second < 0 || second > 60) return std::nullopt;  // 60: a leap second, RFC 3339 5.7
  const int ms = take_fraction(text);
  const auto offset = take_offset(text);
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (ms < 0 || !offset || !date.ok()) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + Duration(ms) - *offset;
}

std::string format_rfc5322(Time t) {
  const Fields f = split(t);
  std::string text(31, ' ');
  char* out = text.data();
  put(out, kDays[static_cast<std::size_t>(f.weekday)]), put(out, ", "), put(out, f.day, 2), put(out, " ");
  put(out, kMonths[static_cast<std::size_t>(f.month - 1)]), put(out, " "), put(out, f.year, 4), put(out, " ");
  put(out, f.hour, 2), put(out, ":"), put(out, f.minute, 2), put(out, ":"), put(out, f.second, 2);
  put(out, " +0000");
  return text;
}

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  constexpr std::int64_t kMax = std::int64_t{100} * 366 * 86'400'000;  // a century: what follows cannot overflow
  std::int64_t total = 0;
  std::size_t next_unit = 0;  // units come in falling order, each once
  while (!text.empty()) {
    std::int64_t number = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      number = number * 10 + (text[digits] - '0');
      if (number > kMax) return std::nullopt;
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kUnits.size()) return std::nullopt;
    if (number > (kMax - total) / kUnits[next_unit].ms) return std::nullopt;
    total += number * kUnits[next_unit].ms;
    ++next_unit;
    text.remove_prefix(name.size());
  }
  return Duration(total);
}

std::string format_duration(Duration d) {
  if (d.count() == 0) return "0";
  std::string text;
  std::int64_t rest = d.count();
  if (rest < 0) {
    text += '-';
    rest = rest == std::numeric_limits<std::int64_t>::min() ? std::numeric_limits<std::int64_t>::max() : -rest;
  }
  for (const Unit& unit : kUnits) {
    if (rest < unit.ms) continue;
    text += std::to_string(rest / unit.ms);
    text += unit.name;
    rest %= unit.ms;
  }
  return text;
}

}  // namespace postrider
