#include "mgmt/mail_date.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "providers/gmime.h"

namespace postrider::mgmt {

namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::size_t kMostDigits = 11;  // of seconds: the year 5138
constexpr std::size_t kLongest = 100;

std::optional<Time> from_epoch(std::string_view text) {
  const auto dot = std::min(text.find('.'), text.size());
  std::string_view fraction = text.substr(std::min(dot + 1, text.size()));
  if (dot > kMostDigits || fraction.find_first_not_of(kDigits) != std::string_view::npos) return std::nullopt;
  const std::string milliseconds =
      std::string(fraction.substr(0, 3)) + std::string(3 - std::min<std::size_t>(fraction.size(), 3), '0');
  return Time(std::chrono::seconds(std::stoll(std::string(text.substr(0, dot))))) + Duration(std::stoi(milliseconds));
}

// What RFC 5322 3.3 and 4.3 can write: GMime also guesses at what it does not understand, and a guess would be hours off.
bool is_zone(std::string_view zone) {
  constexpr std::array<std::string_view, 12> kNames{"UT",  "UTC", "GMT", "Z",   "EST", "EDT",
                                                    "CST", "CDT", "MST", "MDT", "PST", "PDT"};
  if (std::find(kNames.begin(), kNames.end(), zone) != kNames.end()) return true;
  return zone.size() == 5 && (zone.front() == '+' || zone.front() == '-') &&
         zone.find_first_not_of(kDigits, 1) == std::string_view::npos;
}

// [Thu,] 13 Oct 2011 18:02:00 +0000
bool is_mail_date(std::string_view text) {
  if (const auto comma = text.find(','); comma != std::string_view::npos) text.remove_prefix(comma + 1);
  std::vector<std::string_view> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(' ', at)) != std::string_view::npos;) {
    const auto end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words.size() == 5 && kDigits.find(words[0].front()) != std::string_view::npos &&
         words[3].find(':') != std::string_view::npos && is_zone(words[4]);
}

struct Unref {
  void operator()(GDateTime* date) const { g_date_time_unref(date); }
};

}  // namespace

std::optional<Time> parse_mail_date(std::string_view text) {
  if (text.empty() || text.size() > kLongest) return std::nullopt;
  if (kDigits.find(text.front()) != std::string_view::npos &&
      text.find_first_not_of("0123456789.") == std::string_view::npos)
    return from_epoch(text);
  if (!is_mail_date(text)) return std::nullopt;
  providers::set_up_gmime();
  const std::unique_ptr<GDateTime, Unref> date(g_mime_utils_header_decode_date(std::string(text).c_str()));
  if (!date) return std::nullopt;
  return Time(std::chrono::seconds(g_date_time_to_unix(date.get())));
}

}  // namespace postrider::mgmt
