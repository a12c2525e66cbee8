#include "providers/provider.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <charconv>

#include "core/address.h"

namespace postrider::providers {

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

constexpr Duration kLongestPause = days(1);
constexpr Duration kQuotaPause = hours(1);

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). The name of the day is not compared with the date.
std::optional<Time> http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  static constexpr std::string_view kForm = "ddd, 00 mmm 0000 00:00:00 GMT";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i)
    if (std::string_view(", :GMT").find(kForm[i]) != std::string_view::npos && text[i] != kForm[i]) return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto day = number(text.substr(5, 2)), year = number(text.substr(12, 4));
  const auto hour = number(text.substr(17, 2)), minute = number(text.substr(20, 2)),
             second = number(text.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;  // 60: a leap second
  return Time(std::chrono::sys_days(date)) + hours(*hour) + std::chrono::minutes(*minute) + seconds(*second);
}

std::optional<Time> after(std::optional<std::int64_t> wait, Time now) {
  if (!wait) return std::nullopt;
  return now + std::min<Duration>(seconds(std::min<std::int64_t>(*wait, 1'000'000)), kLongestPause);
}

std::optional<Time> epoch(std::optional<std::int64_t> at) {
  if (!at || *at > 253'402'300'799) return std::nullopt;  // the year 9999
  return Time(seconds(*at));
}

Meaning by_status(int status) {
  if (status >= 200 && status < 300) return Meaning::uncertain;
  if (status >= 300 && status < 400) return Meaning::misconfigured;  // redirects are not followed: not the API
  switch (status) {
    case 400:
    case 422:
      return Meaning::bad_message;
    case 401:
    case 403:
      return Meaning::bad_login;
    case 408:
    case 425:
      return Meaning::transient;
    case 413:
      return Meaning::too_big;
    case 429:
      return Meaning::throttled;
    default:
      return status >= 400 && status < 500 ? Meaning::misconfigured : Meaning::transient;
  }
}

struct Verdict {
  OutcomeKind kind;
  Cause cause;
};

Verdict verdict_of(Meaning meaning) {
  switch (meaning) {
    case Meaning::accepted:
      return {OutcomeKind::sent, Cause::none};
    case Meaning::bad_message:
      return {OutcomeKind::bounced, Cause::content};
    case Meaning::bad_recipient:
      return {OutcomeKind::bounced, Cause::recipient};
    case Meaning::bad_sender:
    case Meaning::bad_login:
    case Meaning::misconfigured:
    case Meaning::transient:
      return {OutcomeKind::deferred, Cause::route};
    case Meaning::throttled:
    case Meaning::quota_used_up:
      return {OutcomeKind::deferred, Cause::throttle};
    case Meaning::too_big:
      return {OutcomeKind::deferred, Cause::capability};
    case Meaning::uncertain:
      return {OutcomeKind::uncertain, Cause::uncertain};
  }
  return {OutcomeKind::deferred, Cause::route};
}

// The point where a message may be sent twice.
std::string text_of(Meaning meaning, int status, std::string_view text) {
  const std::string bare = "HTTP status " + std::to_string(status);
  if (meaning == Meaning::uncertain) {
    std::string doubt = bare + " without what the API documents: the message may be sent more than once";
    if (!text.empty()) doubt.append(" (").append(text).append(")");
    return sanitize_reason_text(doubt);
  }
  std::string said = sanitize_reason_text(text);
  return said.empty() ? bare : said;
}

// RFC 3986 2.3
bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// The octets of a byte order mark count as blank.
std::string_view without_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t\r\n\xef\xbb\xbf"), text.size()));
}

}  // namespace

std::string_view Answer::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_case_name) return value;
  return {};
}

const Provider* provider_for(UpstreamType type) {
  for (const Provider* provider : {&mailgun, &ses, &sendgrid, &mailjet, &postmark, &resend})
    if (provider->type == type) return provider;
  return nullptr;
}

const Provider* provider_named(std::string_view name) {
  for (const Provider* provider : {&mailgun, &ses, &sendgrid, &mailjet, &postmark, &resend})
    if (provider->name == name) return provider;
  return nullptr;
}

std::string api_base(const UpstreamConfig& upstream, std::string_view vendor) {
  std::string_view base = upstream.api_base.empty() ? vendor : std::string_view(upstream.api_base);
  while (base.ends_with('/')) base.remove_suffix(1);
  return std::string(base);
}

Meaning look_up(std::span<const OutcomeRow> table, int status, std::string_view code, std::string_view text) {
  const std::string said = lower(text);
  for (const OutcomeRow& row : table) {
    if (row.status != 0 && row.status != status) continue;
    if (!row.code.empty() && row.code != code) continue;
    if (said.find(row.text) == std::string::npos) continue;
    return row.meaning;
  }
  return by_status(status);
}

Reading reading_of(Meaning meaning, int status, std::string_view text, std::size_t recipients) {
  const Verdict verdict = verdict_of(meaning);
  Reading reading;
  reading.kind = verdict.kind;
  reading.reason = {verdict.cause, Stage::final_dot, status, "", text_of(meaning, status, text)};
  if (meaning == Meaning::too_big) reading.reason.enhanced = "5.3.4";  // RFC 3463 3.4: message too big for system
  reading.split = meaning == Meaning::bad_recipient && recipients > 1;
  return reading;
}

Reading reading_of(Meaning meaning, const Answer& answer, std::string_view text, std::size_t recipients, Time now) {
  // All these vendors judge mail in JSON: any other refusal is of a proxy or balancer before them, which judges no mail.
  if (meaning == Meaning::bad_message && !json_of(answer).is_object()) meaning = Meaning::misconfigured;
  if (meaning == Meaning::uncertain && is_page(answer)) meaning = Meaning::misconfigured;
  Reading reading = reading_of(meaning, answer.status, text, recipients);
  if (reading.reason.cause == Cause::throttle) reading.throttled_until = throttle_end(answer, now);
  if (meaning == Meaning::quota_used_up && reading.throttled_until == Time{})
    reading.throttled_until = now + kQuotaPause;
  return reading;
}

Reading of_probe(Reading reading) {
  if (reading.kind != OutcomeKind::uncertain) return reading;
  return reading_of(Meaning::misconfigured, reading.reason.code, "", 1);
}

Time throttle_end(const Answer& answer, Time now) {
  const std::string_view retry_after = answer.header("retry-after");
  const std::optional<Time> ends[] = {after(number(retry_after), now), http_date(retry_after),
                                      epoch(number(answer.header("x-ratelimit-reset"))),
                                      after(number(answer.header("ratelimit-reset")), now)};
  Time latest{};
  for (const std::optional<Time>& end : ends)
    if (end && *end >= now) latest = std::max(latest, std::min(*end, now + kLongestPause));
  return latest;
}

Time next_utc_midnight(Time now) {
  return std::chrono::floor<days>(now) + days(1);
}

boost::json::value json_of(const Answer& answer) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(answer.body, error);  // refuses nesting deeper than 32
  if (error) return nullptr;
  return value;
}

std::string_view text_at(const boost::json::value& value, std::string_view member) {
  const boost::json::object* object = value.if_object();
  const boost::json::value* found = object == nullptr ? nullptr : object->if_contains(member);
  const boost::json::string* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

bool is_page(const Answer& answer) {
  return without_blanks(answer.body).starts_with('<');
}

std::string_view plain_text(const Answer& answer) {
  if (is_page(answer)) return {};
  const std::string_view text = without_blanks(answer.body);
  return text.substr(0, std::min(text.find_first_of("\r\n"), kMaxReasonText));
}

std::string base64(std::string_view octets) {
  std::string text((octets.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a NUL
  text.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                                       reinterpret_cast<const unsigned char*>(octets.data()),
                                                       static_cast<int>(octets.size()))));
  return text;
}

std::string percent_encoded(std::string_view text, std::string_view also_kept) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || also_kept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string basic_login(std::string_view user, std::string_view password) {
  return "Basic " + base64(std::string(user).append(":").append(password));
}

std::string address_text(const Mail& mail, std::size_t place) {
  const Address& address = mail.message.recipients[mail.recipients[place]].address;
  const result<std::string> domain = domain_to_ascii(address.domain);
  return domain ? address.local + "@" + *domain : address.str();
}

}  // namespace postrider::providers
