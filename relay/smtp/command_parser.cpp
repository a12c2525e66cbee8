#include "relay/smtp/command_parser.h"

#include <charconv>
#include <limits>

#include "relay/smtp/ascii.h"

namespace postrider::smtp {
namespace {

constexpr std::size_t kMaxDomain = 255;    // RFC 5321 4.5.3.1.2
constexpr std::size_t kMaxMechanism = 20;  // RFC 4422 3.1

struct VerbRow {
  std::string_view word;
  Verb verb;
};
constexpr VerbRow kVerbTable[] = {
    {"EHLO", Verb::ehlo}, {"HELO", Verb::helo},         {"MAIL", Verb::mail}, {"RCPT", Verb::rcpt},
    {"DATA", Verb::data}, {"BDAT", Verb::bdat},         {"RSET", Verb::rset}, {"NOOP", Verb::noop},
    {"VRFY", Verb::vrfy}, {"EXPN", Verb::expn},         {"HELP", Verb::help}, {"QUIT", Verb::quit},
    {"AUTH", Verb::auth}, {"STARTTLS", Verb::starttls},
};
constexpr std::string_view kHttpVerbs[] = {"GET",     "POST",   "HEAD",  "PUT",  "OPTIONS",
                                           "CONNECT", "DELETE", "TRACE", "PATCH"};

Verb find_verb(std::string_view word) {
  for (const VerbRow& row : kVerbTable) {
    if (iequals(row.word, word)) return row.verb;
  }
  for (std::string_view http : kHttpVerbs) {
    if (word == http) return Verb::http;  // HTTP methods are case-sensitive (RFC 9110 9.1)
  }
  return Verb::unknown;
}

bool safe_in_received(char c) {
  return c > ' ' && c < 0x7f && std::string_view("()<>\\\";,").find(c) == std::string_view::npos;
}

}  // namespace

std::string_view to_string(Verb verb) {
  for (const VerbRow& row : kVerbTable) {
    if (row.verb == verb) return row.word;
  }
  return verb == Verb::http ? "HTTP" : "?";
}

Command parse_command(std::string_view line) {
  Command command;
  std::string_view rest = line;
  command.word = take_word(rest);
  command.verb = find_verb(command.word);
  command.argument = trim(rest);
  return command;
}

parsed<std::string> parse_hello(std::string_view argument) {
  const std::string_view word = take_word(argument);
  if (word.empty()) return Reply(501, "5.5.4", "Say your name");
  if (word.size() > kMaxDomain) return Reply(501, "5.5.4", "Name too long");
  std::string name(word);
  for (char& c : name) {
    if (!safe_in_received(c)) c = '?';
  }
  return name;
}

parsed<AuthArgument> parse_auth(std::string_view argument) {
  AuthArgument auth;
  auth.mechanism = take_word(argument);
  if (auth.mechanism.empty() || auth.mechanism.size() > kMaxMechanism) {
    return Reply(501, "5.5.4", "Syntax: AUTH mechanism [initial-response]");
  }
  if (const std::string_view initial = take_word(argument); !initial.empty()) auth.initial = initial;
  if (!trim(argument).empty()) return Reply(501, "5.5.4", "Syntax: AUTH mechanism [initial-response]");
  return auth;
}

parsed<BdatArgument> parse_bdat(std::string_view argument) {
  const Reply syntax(501, "5.5.4", "Syntax: BDAT size [LAST]");
  BdatArgument bdat;
  const std::string_view size = take_word(argument);
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), bdat.size);
  if (error != std::errc() || end != size.data() + size.size()) return syntax;
  const std::string_view last = take_word(argument);
  if (!last.empty() && !iequals(last, "LAST")) return syntax;
  if (!trim(argument).empty()) return syntax;
  bdat.last = !last.empty();
  return bdat;
}

}  // namespace postrider::smtp
