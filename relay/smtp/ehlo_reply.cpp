#include "relay/smtp/ehlo_reply.h"

#include <algorithm>
#include <charconv>

#include "relay/smtp/ascii.h"

namespace postrider::smtp {
namespace {

template <typename T>
T parse_number(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

void parse_auth_list(std::string_view list, std::vector<std::string>& mechanisms) {
  for (std::string_view word = take_word(list); !word.empty(); word = take_word(list)) {
    std::string name(word);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    if (std::find(mechanisms.begin(), mechanisms.end(), name) == mechanisms.end())
      mechanisms.push_back(std::move(name));
  }
}

void parse_limits(std::string_view list, Capabilities& caps) {  // RFC 9422 3.
  for (std::string_view word = take_word(list); !word.empty(); word = take_word(list)) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = word.substr(0, equals);
    const auto value = parse_number<std::uint32_t>(word.substr(equals + 1));
    if (iequals(name, "RCPTMAX")) caps.rcpt_max = value;
    if (iequals(name, "MAILMAX")) caps.mail_max = value;
    if (iequals(name, "RCPTDOMAINMAX")) caps.rcpt_domain_max = value;
  }
}

void parse_line(std::string_view line, Capabilities& caps) {
  const std::string_view keyword = take_word(line);
  if (iequals(keyword, "SIZE")) {
    caps.size_parameter = true;
    if (const auto limit = parse_number<std::uint64_t>(trim(line)); limit != 0) caps.size = limit;
  } else if (iequals(keyword, "8BITMIME")) {
    caps.eight_bit = true;
  } else if (iequals(keyword, "SMTPUTF8")) {
    caps.smtputf8 = true;
  } else if (iequals(keyword, "PIPELINING")) {
    caps.pipelining = true;
  } else if (iequals(keyword, "DSN")) {
    caps.dsn = true;
  } else if (iequals(keyword, "STARTTLS")) {
    caps.starttls = true;
  } else if (iequals(keyword, "CHUNKING")) {
    caps.chunking = true;
  } else if (iequals(keyword, "ENHANCEDSTATUSCODES")) {
    caps.enhanced_codes = true;
  } else if (iequals(keyword, "LIMITS")) {
    parse_limits(line, caps);
  } else if (iequals(keyword, "AUTH")) {
    parse_auth_list(line, caps.auth);
  } else if (istarts_with(keyword, "AUTH=")) {  // before RFC 2554; some servers still send both
    parse_auth_list(keyword.substr(5), caps.auth);
    parse_auth_list(line, caps.auth);
  }
}

}  // namespace

bool Capabilities::offers_auth(std::string_view mechanism) const {
  return std::find(auth.begin(), auth.end(), mechanism) != auth.end();
}

Capabilities parse_ehlo_reply(const Reply& reply) {
  Capabilities caps;
  caps.esmtp = true;
  for (std::size_t i = 1; i < reply.lines.size(); ++i) parse_line(reply.lines[i], caps);  // line 0 greets
  return caps;
}

}  // namespace postrider::smtp
