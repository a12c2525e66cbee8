#include "providers/callback_parts.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>
#include <cmath>

#include "core/utf8.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view text_of(const json::value& value) {
  const json::string* text = value.if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

bool is_printable(std::string_view text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(),
                                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

// "smtp; 550 5.1.1 user unknown" (RFC 3464 2.3.6), as in the notice that the vendor read it from.
std::string_view without_type(std::string_view text) {
  constexpr std::string_view kType = "smtp;";
  if (!text.starts_with(kType)) return text;
  text.remove_prefix(kType.size());
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

std::string_view header_of(const Callback& callback, std::string_view lower_case_name) {
  for (const auto& [name, value] : callback.headers)
    if (name == lower_case_name) return value;
  return {};
}

std::optional<std::string> base64_octets(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t pads = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  text.remove_suffix(pads);
  std::string octets;
  octets.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    octets += static_cast<char>((bits >> count) & 0xff);
  }
  return octets;
}

result<json::value> parse_callback(std::string_view body) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  json::value value = json::parse(body, error, {}, options);  // refuses nesting deeper than 32
  if (error) return invalid("the body is not the JSON that the provider documents: " + error.message());
  return value;
}

Fault too_many_reports() {
  return invalid("more than " + std::to_string(kMaxReports) + " reports in one request");
}

const json::value& value_at(const json::value& value, std::string_view member) {
  static const json::value kNone;
  const json::object* object = value.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains(member);
  return found == nullptr ? kNone : *found;
}

const json::array& array_at(const json::value& value, std::string_view member) {
  static const json::array kNone;
  const json::array* found = value_at(value, member).if_array();
  return found == nullptr ? kNone : *found;
}

bool flag_at(const json::value& value, std::string_view member) {
  const bool* flag = value_at(value, member).if_bool();
  return flag != nullptr && *flag;
}

std::optional<std::int64_t> number_at(const json::value& value, std::string_view member) {
  const json::value& found = value_at(value, member);
  if (const std::int64_t* whole = found.if_int64()) return *whole;
  return number(text_of(found));
}

std::string id_at(const json::value& value, std::string_view member) {
  const json::value& found = value_at(value, member);
  if (const std::int64_t* whole = found.if_int64()) return std::to_string(*whole);
  if (const std::uint64_t* whole = found.if_uint64()) return std::to_string(*whole);
  const std::string_view text = text_of(found);
  return text.size() <= kMaxReportedId && is_printable(text) ? std::string(text) : std::string();
}

Time epoch_at(const json::value& value, std::string_view member, Time now) {
  const json::value& found = value_at(value, member);
  std::optional<double> seconds;
  if (const double* fraction = found.if_double()) seconds = *fraction;
  if (const std::optional<std::int64_t> whole = number_at(value, member)) seconds = static_cast<double>(*whole);
  if (!seconds || !(*seconds >= 0 && *seconds <= static_cast<double>(kLastSecond))) return now;
  return std::min(from_ms(std::llround(*seconds * 1000)), now);
}

Time rfc3339_at(const json::value& value, std::string_view member, Time now) {
  return std::min(parse_rfc3339(text_at(value, member)).value_or(now), now);
}

std::optional<Time> epoch_seconds(std::string_view digits) {
  const std::optional<std::int64_t> seconds = number(digits);
  if (!seconds || *seconds < 0 || *seconds > kLastSecond) return std::nullopt;
  return Time(std::chrono::seconds(*seconds));
}

bool is_enhanced_code(std::string_view text) {
  // class "." subject "." detail: one digit of 2, 4, 5, and twice one to three digits
  if (text.size() < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5') || text[1] != '.') return false;
  const std::string_view rest = text.substr(2);
  const std::size_t dot = rest.find('.');
  const auto is_part = [](std::string_view part) {
    return !part.empty() && part.size() <= 3 && std::all_of(part.begin(), part.end(), is_digit);
  };
  return dot != std::string_view::npos && is_part(rest.substr(0, dot)) && is_part(rest.substr(dot + 1));
}

Reason reported_reason(EventType type, std::string_view text) {
  text = without_type(text);
  Reason reason;
  reason.stage = Stage::final_dot;
  if (type == EventType::bounced || type == EventType::deferred) reason.cause = Cause::recipient;
  reason.text = sanitize_reason_text(text);
  const bool is_reply = text.size() >= 3 && text[0] >= '2' && text[0] <= '5' && is_digit(text[1]) &&
                        is_digit(text[2]) && (text.size() == 3 || text[3] == ' ' || text[3] == '-');
  if (!is_reply) return reason;
  reason.code = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  const std::string_view rest = text.substr(std::min<std::size_t>(4, text.size()));
  const std::string_view word = rest.substr(0, rest.find(' '));
  if (is_enhanced_code(word) && word[0] == text[0]) reason.enhanced = word;
  return reason;
}

bool is_hook_url(std::string_view url) {
  return (url.starts_with("https://") || url.starts_with("http://")) &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

Reading reading_of_hook(const Answer& answer, std::string_view text, Time now) {
  const bool done = answer.status >= 200 && answer.status < 300 && (answer.body.empty() || !json_of(answer).is_null());
  if (done) return reading_of(Meaning::accepted, answer, text, 1, now);
  return of_probe(reading_of(look_up({}, answer.status, "", text), answer, text, 1, now));
}

}  // namespace postrider::providers
