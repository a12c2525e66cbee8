// MAIL and RCPT arguments: the path, then ESMTP parameters (RFC 5321 4.1.2).
#include <charconv>
#include <limits>

#include "relay/smtp/ascii.h"
#include "relay/smtp/command_parser.h"
#include "relay/smtp/xtext.h"

namespace postrider::smtp {
namespace {

constexpr std::size_t kMaxEnvid = 100;      // RFC 3461 4.4
constexpr std::size_t kMaxOrcpt = 500;      // RFC 3461 4.2
constexpr std::size_t kMaxSizeDigits = 20;  // RFC 1870 6.
constexpr std::size_t kMaxHoldDigits = 9;   // RFC 4865 3.

struct Path {
  std::string_view text;  // without angle brackets and source route
  std::string_view rest;  // parameters
};

bool has_control(std::string_view text) {
  for (char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((u < ' ' && c != '\t') || u == 0x7f) return true;
  }
  return false;
}

// The index of the first of `stops` outside a quoted string, or the size.
std::size_t find_unquoted(std::string_view text, std::string_view stops) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && stops.find(text[i]) != std::string_view::npos) {
      return i;
    }
  }
  return text.size();
}

// "@one,@two:user@domain" means user@domain to everybody today (RFC 5321 C).
std::optional<std::string_view> without_source_route(std::string_view path) {
  if (path.empty() || path.front() != '@') return path;
  std::size_t depth = 0;  // a colon inside [IPv6:...] is not the one
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '[') ++depth;
    if (path[i] == ']' && depth > 0) --depth;
    if (path[i] == ':' && depth == 0) return path.substr(i + 1);
  }
  return std::nullopt;
}

// `argument` after "FROM" or "TO" and the colon.
std::optional<Path> split_path(std::string_view text) {
  text = trim_left(text);
  Path path;
  if (!text.empty() && text.front() == '<') {
    text.remove_prefix(1);
    const std::size_t end = find_unquoted(text, ">");
    if (end == text.size()) return std::nullopt;
    path.rest = text.substr(end + 1);
    if (!path.rest.empty() && !is_blank(path.rest.front())) return std::nullopt;
    const auto direct = without_source_route(trim(text.substr(0, end)));
    if (!direct) return std::nullopt;
    path.text = *direct;
    return path;
  }
  const std::size_t end = find_unquoted(text, " \t");
  path.text = text.substr(0, end);
  path.rest = text.substr(end);
  if (path.text.empty() || path.text.find_first_of("<>") != std::string_view::npos) return std::nullopt;
  return path;
}

std::optional<std::string_view> after_keyword(std::string_view argument, std::string_view keyword) {
  if (!istarts_with(argument, keyword)) return std::nullopt;
  argument = trim_left(argument.substr(keyword.size()));
  if (argument.empty() || argument.front() != ':') return std::nullopt;
  return argument.substr(1);
}

Reply bad_parameter(std::string_view keyword) {
  return {501, "5.5.4", "Bad value or repeated parameter: " + std::string(keyword)};
}
Reply unknown_parameter(std::string_view keyword) {
  return {555, "5.5.4", "Unsupported parameter: " + std::string(keyword)};
}
Reply needs_smtputf8() {
  return {553, "5.6.7", "A non-ASCII address needs SMTPUTF8"};
}

bool is_keyword(std::string_view word) {  // esmtp-keyword, RFC 5321 4.1.2
  if (word.empty() || !(is_alpha(word.front()) || is_digit(word.front()))) return false;
  for (char c : word) {
    if (!is_alpha(c) && !is_digit(c) && c != '-') return false;
  }
  return true;
}

struct Parameter {
  std::string_view keyword, value;
  bool has_value = false;
};

// Calls `apply(parameter)` for each; the first reply it gives ends the walk.
template <typename Apply>
std::optional<Reply> each_parameter(std::string_view text, bool extended, Apply apply) {
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    const std::size_t equals = word.find('=');
    Parameter p;
    p.keyword = word.substr(0, equals);
    p.has_value = equals != std::string_view::npos;
    if (p.has_value) p.value = word.substr(equals + 1);
    if (!is_keyword(p.keyword)) return Reply(501, "5.5.4", "Bad parameter syntax");
    if (!extended) return unknown_parameter(p.keyword);
    if (p.has_value && p.value.empty()) return bad_parameter(p.keyword);
    if (auto reply = apply(p)) return reply;
  }
  return std::nullopt;
}

// Which parameters of one command were seen, to refuse a second one.
class Seen {
 public:
  bool again(unsigned bit) {
    const bool before = (bits_ & (1u << bit)) != 0;
    bits_ |= 1u << bit;
    return before;
  }

 private:
  unsigned bits_ = 0;
};

bool parse_size(std::string_view value, std::optional<std::uint64_t>& size) {
  if (value.empty() || value.size() > kMaxSizeDigits) return false;
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
  if (end != value.data() + value.size()) return false;
  size = error == std::errc::result_out_of_range ? std::numeric_limits<std::uint64_t>::max() : n;
  return error == std::errc() || error == std::errc::result_out_of_range;
}

bool parse_priority(std::string_view value, std::optional<int>& priority) {  // RFC 6710 3.: "0", "7", "-7"
  const bool negative = !value.empty() && value.front() == '-';
  if (negative) value.remove_prefix(1);
  if (value.size() != 1 || !is_digit(value.front()) || (negative && value.front() == '0')) return false;
  priority = negative ? '0' - value.front() : value.front() - '0';
  return true;
}

bool parse_hold_for(std::string_view value, std::optional<std::chrono::seconds>& hold_for) {
  if (value.empty() || value.size() > kMaxHoldDigits) return false;
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || end != value.data() + value.size() || seconds == 0) return false;
  hold_for = std::chrono::seconds(seconds);
  return true;
}

// One of the two, once (RFC 4865 4.2).
std::optional<Reply> apply_hold(const Parameter& p, MailArgument& mail) {
  if (mail.hold_for || mail.hold_until) return Reply(501, "5.5.4", "Give HOLDFOR or HOLDUNTIL, and once");
  if (iequals(p.keyword, "HOLDFOR")) {
    if (!parse_hold_for(p.value, mail.hold_for)) return bad_parameter(p.keyword);
    return std::nullopt;
  }
  mail.hold_until = parse_rfc3339(p.value);
  if (!mail.hold_until) return bad_parameter(p.keyword);
  return std::nullopt;
}

std::optional<Reply> apply_mail(const Parameter& p, const ParameterRules& rules, Seen& seen, MailArgument& mail) {
  if (iequals(p.keyword, "SIZE")) {
    if (seen.again(0) || !parse_size(p.value, mail.size)) return bad_parameter(p.keyword);
  } else if (iequals(p.keyword, "BODY")) {
    if (iequals(p.value, "BINARYMIME")) return unknown_parameter("BODY=BINARYMIME");
    mail.eight_bit = iequals(p.value, "8BITMIME");
    if (seen.again(1) || (!mail.eight_bit && !iequals(p.value, "7BIT"))) return bad_parameter(p.keyword);
  } else if (iequals(p.keyword, "SMTPUTF8")) {
    if (!rules.smtputf8) return unknown_parameter(p.keyword);
    if (seen.again(2) || p.has_value) return bad_parameter(p.keyword);
    mail.smtputf8 = true;
  } else if (iequals(p.keyword, "RET")) {
    const bool full = iequals(p.value, "FULL");
    if (seen.again(3) || (!full && !iequals(p.value, "HDRS"))) return bad_parameter(p.keyword);
    mail.ret = full ? DsnReturn::full : DsnReturn::headers;
  } else if (iequals(p.keyword, "ENVID")) {
    if (seen.again(4) || !p.has_value || p.value.size() > kMaxEnvid || !is_xtext(p.value)) {
      return bad_parameter(p.keyword);
    }
    mail.envid = p.value;
  } else if (iequals(p.keyword, "AUTH")) {
    if (!rules.auth) return unknown_parameter(p.keyword);
    auto decoded = decode_xtext(p.value);
    if (seen.again(5) || !p.has_value || !decoded || has_control(*decoded)) return bad_parameter(p.keyword);
    mail.auth = std::move(*decoded);
  } else if (iequals(p.keyword, "MT-PRIORITY") && rules.priority) {
    if (seen.again(6) || !parse_priority(p.value, mail.priority)) return bad_parameter(p.keyword);
  } else if ((iequals(p.keyword, "HOLDFOR") || iequals(p.keyword, "HOLDUNTIL")) && rules.future_release) {
    return apply_hold(p, mail);
  } else {
    return unknown_parameter(p.keyword);
  }
  return std::nullopt;
}

bool parse_notify(std::string_view value, Notify& notify) {
  if (iequals(value, "NEVER")) {
    notify.never = true;
    return true;
  }
  while (true) {
    const std::size_t comma = value.find(',');
    const std::string_view word = value.substr(0, comma);
    bool* flag = iequals(word, "SUCCESS")   ? &notify.success
                 : iequals(word, "FAILURE") ? &notify.failure
                 : iequals(word, "DELAY")   ? &notify.delay
                                            : nullptr;
    if (flag == nullptr) return false;  // NEVER stands alone (RFC 3461 4.1)
    *flag = true;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

// "rfc822;user+40example.com" (RFC 3461 4.2); "utf-8;..." may hold UTF-8 itself under SMTPUTF8 (RFC 6533 3.).
bool valid_orcpt(std::string_view value, bool smtputf8) {
  const std::size_t semicolon = value.find(';');
  if (value.size() > kMaxOrcpt || semicolon == std::string_view::npos || semicolon + 1 == value.size()) return false;
  const std::string_view type = value.substr(0, semicolon);
  if (!is_keyword(type)) return false;
  const std::string_view address = value.substr(semicolon + 1);
  if (is_xtext(address)) return true;
  return smtputf8 && iequals(type, "utf-8") && address.find('=') == std::string_view::npos;
}

std::optional<Reply> apply_rcpt(const Parameter& p, const ParameterRules& rules, Seen& seen, RcptArgument& rcpt) {
  if (iequals(p.keyword, "NOTIFY")) {
    if (seen.again(0) || !parse_notify(p.value, rcpt.notify)) return bad_parameter(p.keyword);
  } else if (iequals(p.keyword, "ORCPT")) {
    if (seen.again(1) || !valid_orcpt(p.value, rules.smtputf8)) return bad_parameter(p.keyword);
    rcpt.orcpt = p.value;
  } else {
    return unknown_parameter(p.keyword);
  }
  return std::nullopt;
}

}  // namespace

parsed<MailArgument> parse_mail(std::string_view argument, const ParameterRules& rules) {
  if (has_control(argument)) return Reply(501, "5.5.4", "Control character in the command");
  const auto text = after_keyword(argument, "FROM");
  const auto path = text ? split_path(*text) : std::nullopt;
  if (!path) return Reply(501, "5.5.4", "Syntax: MAIL FROM:<address>");

  auto sender = parse_address(path->text);
  if (!sender) return Reply(501, "5.1.7", "Bad sender address syntax");
  MailArgument mail;
  mail.sender = std::move(*sender);
  Seen seen;
  auto fault =
      each_parameter(path->rest, rules.extended, [&](const Parameter& p) { return apply_mail(p, rules, seen, mail); });
  if (fault) return std::move(*fault);
  if (!mail.smtputf8 && has_eight_bit(path->text)) return needs_smtputf8();
  return mail;
}

parsed<RcptArgument> parse_rcpt(std::string_view argument, const ParameterRules& rules) {
  if (has_control(argument)) return Reply(501, "5.5.4", "Control character in the command");
  const auto text = after_keyword(argument, "TO");
  const auto path = text ? split_path(*text) : std::nullopt;
  if (!path) return Reply(501, "5.5.4", "Syntax: RCPT TO:<address>");

  if (!rules.smtputf8 && has_eight_bit(path->text)) return needs_smtputf8();
  auto recipient = parse_address(path->text);
  if (!recipient || recipient->is_null()) return Reply(501, "5.1.3", "Bad recipient address syntax");
  RcptArgument rcpt;
  rcpt.recipient = std::move(*recipient);
  Seen seen;
  auto fault =
      each_parameter(path->rest, rules.extended, [&](const Parameter& p) { return apply_rcpt(p, rules, seen, rcpt); });
  if (fault) return std::move(*fault);
  return rcpt;
}

}  // namespace postrider::smtp
