#include "relay/smtp/date_parser.h"

#include <array>
#include <charconv>
#include <string>

#include "relay/smtp/ascii.h"

namespace postrider::smtp {
namespace {

constexpr std::size_t kMaxDate = 256;  // with comments and folding; nobody writes more
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct NamedZone {  // RFC 5322 4.3
  std::string_view name;
  int hours;
};
constexpr std::array<NamedZone, 10> kZones = {{{"UT", 0},
                                               {"GMT", 0},
                                               {"EST", -5},
                                               {"EDT", -4},
                                               {"CST", -6},
                                               {"CDT", -5},
                                               {"MST", -7},
                                               {"MDT", -6},
                                               {"PST", -8},
                                               {"PDT", -7}}};

// Comments (RFC 5322 3.2.2) and line ends become blanks; nothing when a comment does not end.
std::optional<std::string> without_comments(std::string_view text) {
  std::string out;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (depth > 0 && c == '\\') {
      ++i;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && depth > 0) {
      --depth;
      out += ' ';
    } else if (depth == 0) {
      out += c == '\r' || c == '\n' ? ' ' : c;
    }
  }
  if (depth > 0) return std::nullopt;
  return out;
}

template <std::size_t N>
std::optional<unsigned> index_of(const std::array<std::string_view, N>& names, std::string_view word) {
  for (std::size_t i = 0; i < N; ++i) {
    if (iequals(names[i], word)) return static_cast<unsigned>(i);
  }
  return std::nullopt;
}

// Digits only, `fewest` to `most` of them; -1 otherwise.
int number(std::string_view word, std::size_t fewest, std::size_t most) {
  if (word.size() < fewest || word.size() > most) return -1;
  for (char c : word) {
    if (!is_digit(c)) return -1;
  }
  int value = -1;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

int read_year(std::string_view word) {
  const int year = number(word, 2, 4);
  if (word.size() == 2 && year >= 0) return year < 50 ? 2000 + year : 1900 + year;
  if (word.size() == 3 && year >= 0) return 1900 + year;
  return year;
}

std::optional<Duration> read_time_of_day(std::string_view word) {
  const std::size_t first = word.find(':');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = word.find(':', first + 1);
  const int hour = number(word.substr(0, first), 2, 2);
  const int minute = number(word.substr(first + 1, second - first - 1), 2, 2);
  const int seconds = second == std::string_view::npos ? 0 : number(word.substr(second + 1), 2, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || seconds < 0 || seconds > 60) return std::nullopt;
  return std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(seconds);
}

std::optional<Duration> read_zone(std::string_view word) {
  if (word.size() == 5 && (word[0] == '+' || word[0] == '-')) {
    const int hours = number(word.substr(1, 2), 2, 2), minutes = number(word.substr(3), 2, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
    const Duration offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    return word[0] == '-' ? -offset : offset;
  }
  for (const NamedZone& zone : kZones) {
    if (iequals(zone.name, word)) return std::chrono::hours(zone.hours);
  }
  return std::nullopt;  // military letters were used with both signs: they say nothing (RFC 5322 4.3)
}

}  // namespace

std::optional<Time> parse_rfc5322_date(std::string_view text) {
  if (text.size() > kMaxDate) return std::nullopt;
  const auto plain = without_comments(text);
  if (!plain) return std::nullopt;
  std::string_view rest = *plain;
  std::optional<unsigned> weekday;
  if (const std::size_t comma = rest.find(','); comma != std::string_view::npos) {
    weekday = index_of(kDays, trim(rest.substr(0, comma)));
    if (!weekday) return std::nullopt;
    rest.remove_prefix(comma + 1);
  }
  const int day = number(take_word(rest), 1, 2);
  const auto month = index_of(kMonths, take_word(rest));
  const int year = read_year(take_word(rest));
  const auto time = read_time_of_day(take_word(rest));
  const auto zone = read_zone(take_word(rest));
  if (day < 1 || !month || year < 0 || !time || !zone || !trim(rest).empty()) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(*month + 1),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  if (weekday && std::chrono::weekday(std::chrono::sys_days(date)).c_encoding() != *weekday) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + *time - *zone;
}

}  // namespace postrider::smtp
