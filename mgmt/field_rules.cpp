#include "mgmt/field_rules.h"

#include <algorithm>
#include <array>

#include "core/address.h"
#include "core/ascii.h"
#include "core/utf8.h"
#include "providers/gmime.h"

namespace postrider::mgmt {

namespace {

constexpr std::size_t kMaxLine = 998;       // RFC 5322 2.1.1
constexpr std::size_t kMaxContentId = 250;  // with its name and brackets well within a line

struct Reserved {
  std::string_view name;  // lower case; a '*' at the end stands for any rest
  std::string_view why;
};
constexpr std::array<Reserved, 18> kReserved = {{{"from", "is made from the field for it"},
                                                 {"to", "is made from the field for it"},
                                                 {"cc", "is made from the field for it"},
                                                 {"bcc", "is never sent; name the recipients where they belong"},
                                                 {"reply-to", "is made from the field for it"},
                                                 {"sender", "is made from the field for it"},
                                                 {"subject", "is made from the field for it"},
                                                 {"mime-version", "is written by the relay"},
                                                 {"content-*", "is written by the relay"},
                                                 {"received", "is written by the relay"},
                                                 {"return-path", "is written by the receiving system"},
                                                 {"resent-*", "belongs to mail that is sent on"},
                                                 {"delivered-to", "is written by the receiving system"},
                                                 {"apparently-to", "is never sent"},
                                                 {"authentication-results", "is written by the receiving system"},
                                                 {"x-idempotency-key", "is the Idempotency-Key of the request"},
                                                 {"x-postrider-*", "is asked for by a field of its own"},
                                                 {"x-original-to", "is written by the receiving system"}}};

bool is_control(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u < 0x20 && u != '\t') || u == 0x7f;
}

bool is_field_name(std::string_view name) {  // RFC 5322 3.6.8
  return !name.empty() && name.size() <= kMaxHeaderName &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~' && c != ':'; });
}

const Reserved* reserved(const std::string& name) {
  const auto fits = [&](const Reserved& row) {
    if (!row.name.ends_with('*')) return row.name == name;
    return name.starts_with(row.name.substr(0, row.name.size() - 1));
  };
  const auto* const found = std::find_if(kReserved.begin(), kReserved.end(), fits);
  return found == kReserved.end() ? nullptr : found;
}

bool is_message_id(std::string_view value) {  // RFC 5322 3.6.4, as readers take it
  if (value.size() < 5 || value.size() > kMaxContentId || value.front() != '<' || value.back() != '>') return false;
  const std::string_view inside = value.substr(1, value.size() - 2);
  const std::size_t at = inside.find('@');
  return at != 0 && at != std::string_view::npos && at + 1 < inside.size() && !wrong_content_id(inside);
}

bool is_date(std::string_view value) {
  providers::set_up_gmime();
  GDateTime* const date = g_mime_utils_header_decode_date(std::string(value).c_str());
  if (date == nullptr) return false;
  g_date_time_unref(date);
  return true;
}

bool is_token(std::string_view text) {  // RFC 2045 5.1
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
  });
}

}  // namespace

Wrong wrong_line(std::string_view text, std::size_t max_octets) {
  if (!is_utf8(text)) return "must be valid UTF-8";
  if (std::any_of(text.begin(), text.end(), is_control)) return "must not hold line breaks or other control characters";
  if (text.size() > max_octets) return "may have at most " + std::to_string(max_octets) + " octets";
  return std::nullopt;
}

std::size_t longest_run(std::string_view text) {
  std::size_t longest = 0;
  for (std::size_t at = 0, word = 0; (word = text.find_first_not_of(" \t", at)) != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(" \t", word), text.size());
    longest = std::max(longest, end - at);
    at = end;
  }
  return longest;
}

Wrong wrong_text(std::string_view text) {
  if (!is_utf8(text)) return "must be valid UTF-8";
  if (text.find('\0') != std::string_view::npos) return "must not hold NUL";
  return std::nullopt;
}

Wrong wrong_header(std::string_view name, std::string_view value) {
  if (!is_field_name(name))
    return "must have a name of 1 to " + std::to_string(kMaxHeaderName) +
           " printable ASCII characters without blanks and colons";
  const std::string lower_name = lowered(name);
  if (const Reserved* row = reserved(lower_name)) return "cannot be set here: it " + std::string(row->why);
  if (auto wrong = wrong_line(value, kMaxHeaderValue)) return wrong;
  if (longest_run(value) > kMaxHeaderWord)
    return "must not have a word of more than " + std::to_string(kMaxHeaderWord) + " octets with the blanks before it";
  if (lower_name == "message-id" && !is_message_id(value)) return "must be an identifier such as <id@example.com>";
  if (lower_name == "date" && !is_date(value)) return "must be a date such as Sat, 31 Jan 2026 08:15:00 +0000";
  return std::nullopt;
}

Wrong wrong_address(std::string_view email) {
  if (email.empty()) return "must be an address such as user@example.com";
  const auto address = parse_address(email);
  if (!address) return "must be an address such as user@example.com: " + address.error().text;
  if (address->domain.empty()) return "must have a domain, as in user@example.com";
  const auto domain = domain_to_ascii(address->domain);
  if (!domain) return "must be an address such as user@example.com: " + domain.error().text;
  return std::nullopt;
}

Wrong wrong_content_id(std::string_view content_id) {
  const auto fits = [](char c) { return c > ' ' && c <= '~' && c != '<' && c != '>'; };
  if (!content_id.empty() && content_id.size() <= kMaxContentId &&
      std::all_of(content_id.begin(), content_id.end(), fits))
    return std::nullopt;
  return "must have 1 to " + std::to_string(kMaxContentId) +
         " printable ASCII characters without blanks and angle brackets";
}

result<MediaType> parse_media_type(std::string_view text) {
  const Fault fault = invalid("must be a media type such as image/png or text/calendar; method=REQUEST");
  if (wrong_line(text) || std::any_of(text.begin(), text.end(), [](char c) { return c < ' '; })) return fault;
  std::string_view type = text.substr(0, text.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  const std::size_t slash = type.find('/');
  if (slash == std::string_view::npos || !is_token(type.substr(0, slash)) || !is_token(type.substr(slash + 1)))
    return fault;
  return MediaType{lowered(type.substr(0, slash)), lowered(type.substr(slash + 1))};
}

bool is_seven_bit(std::string_view octets) {
  std::size_t line = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const auto c = static_cast<unsigned char>(octets[i]);
    const bool ends = c == '\n' || (c == '\r' && i + 1 < octets.size() && octets[i + 1] == '\n');
    if (c == 0 || c > 127 || (c == '\r' && !ends)) return false;
    line = ends ? 0 : line + 1;
    if (line > kMaxLine) return false;
  }
  return true;
}

}  // namespace postrider::mgmt
