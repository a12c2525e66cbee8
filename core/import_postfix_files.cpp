#include "core/import_postfix_files.h"

#include <algorithm>
#include <charconv>

#include "core/import_page.h"

namespace postrider {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Where the brace or parenthesis that opens at `open` is closed; npos: it is not.
std::size_t closing(std::string_view text, std::size_t open) {
  const char left = text[open], right = left == '{' ? '}' : ')';
  int depth = 0;
  for (std::size_t at = open; at < text.size(); ++at) {
    if (text[at] == left) ++depth;
    if (text[at] == right && --depth == 0) return at;
  }
  return std::string_view::npos;
}

// "{text}" to "text".
std::string_view without_braces(std::string_view text) {
  text = trim_blanks(text);
  return text.size() >= 2 && text.front() == '{' && closing(text, 0) == text.size() - 1
             ? text.substr(1, text.size() - 2)
             : text;
}

}  // namespace

std::vector<PostfixLine> postfix_lines(std::string_view text) {
  std::vector<PostfixLine> lines;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    const std::string_view content = trim_blanks(line);
    if (content.empty() || content.front() == '#') continue;
    const bool goes_on = line.front() == ' ' || line.front() == '\t';
    if (!goes_on) {
      lines.push_back({number, std::string(content)});
    } else if (!lines.empty()) {
      (lines.back().text += ' ') += content;
    }
  }
  return lines;
}

PostfixParameters::PostfixParameters(std::string_view main_cf) {
  for (const PostfixLine& line : postfix_lines(main_cf)) {
    const std::size_t equals = line.text.find('=');
    if (equals == std::string::npos) continue;
    const std::string_view whole = line.text;
    std::string name(trim_blanks(whole.substr(0, equals)));
    if (values_.contains(name)) overridden_.push_back(name);
    values_.insert_or_assign(std::move(name), Value{std::string(trim_blanks(whole.substr(equals + 1))), line.number});
  }
}

bool PostfixParameters::has(std::string_view name) const {
  return values_.find(name) != values_.end();
}

std::string PostfixParameters::get(std::string_view name) const {
  Walk walk;
  return std::string(trim_blanks(value_of(name, walk)));
}

std::string PostfixParameters::expanded(std::string_view text) const {
  Walk walk;
  return std::string(trim_blanks(expand(text, walk)));
}

bool PostfixParameters::yes(std::string_view name, bool otherwise) const {
  const std::string value = lower_ascii(get(name));
  return value.empty() ? otherwise : value == "yes";
}

std::string PostfixParameters::where(std::string_view name) const {
  const auto found = values_.find(name);
  return std::string(name) + (found == values_.end() ? "" : ", line " + std::to_string(found->second.line));
}

std::vector<std::string> PostfixParameters::names() const {
  std::vector<std::pair<int, std::string>> by_line;
  for (const auto& [name, value] : values_) by_line.emplace_back(value.line, name);
  std::sort(by_line.begin(), by_line.end());
  std::vector<std::string> names;
  names.reserve(by_line.size());
  for (auto& [line, name] : by_line) names.push_back(std::move(name));
  return names;
}

std::string PostfixParameters::value_of(std::string_view name, Walk& walk) const {
  const Walk::Step step(walk);
  if (walk.exhausted()) return {};
  if (const auto found = values_.find(name); found != values_.end()) return expand(found->second.text, walk);
  // The defaults that others are made from (postconf(5)).
  if (name == "myorigin") return value_of("myhostname", walk);
  if (name == "mydomain") {
    const std::string host = value_of("myhostname", walk);
    const std::size_t dot = host.find('.');
    return dot == std::string::npos ? "" : host.substr(dot + 1);
  }
  return {};
}

std::string PostfixParameters::expand(std::string_view text, Walk& walk) const {
  std::string out;
  while (!text.empty() && out.size() < kMaxLength) {
    const std::size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    if (text.empty()) break;
    if (text.front() == '$') {
      out += '$';
      text.remove_prefix(1);
    } else if (text.front() == '{' || text.front() == '(') {
      const std::size_t end = closing(text, 0);
      if (end == std::string_view::npos) break;
      out += expand_braced(text.substr(1, end - 1), walk);
      text.remove_prefix(end + 1);
    } else {
      const auto end = std::find_if_not(text.begin(), text.end(), is_name_character);
      const auto length = static_cast<std::size_t>(end - text.begin());
      if (length == 0)
        out += '$';
      else
        out += value_of(text.substr(0, length), walk);
      text.remove_prefix(length);
    }
  }
  return out.substr(0, kMaxLength);
}

// What stands between the braces: name, name?text, name:text, name?{text}:{text}. A comparison ({a} == {b}) counts as empty.
std::string PostfixParameters::expand_braced(std::string_view inside, Walk& walk) const {
  const auto end = std::find_if_not(inside.begin(), inside.end(), is_name_character);
  const auto length = static_cast<std::size_t>(end - inside.begin());
  std::string value = value_of(inside.substr(0, length), walk);
  if (end == inside.end()) return value;
  const char choice = *end;
  std::string_view text = trim_blanks(inside.substr(length + 1));
  if (choice == ':') return value.empty() ? expand(without_braces(text), walk) : value;
  if (choice != '?') return {};
  std::string_view otherwise;
  if (!text.empty() && text.front() == '{') {
    const std::size_t closed = closing(text, 0);
    if (closed == std::string_view::npos) return {};
    const std::string_view rest = trim_blanks(text.substr(closed + 1));
    if (rest.starts_with(':')) otherwise = rest.substr(1);
    text = text.substr(0, closed + 1);
  }
  return expand(without_braces(value.empty() ? otherwise : text), walk);
}

std::optional<std::int64_t> postfix_time(std::string_view text, char unit) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  if (error != std::errc() || number < 0 || number > 1'000'000'000 || suffix.size() > 1) return std::nullopt;
  switch (suffix.empty() ? unit : suffix.front()) {
    case 's':
      return number * 1000;
    case 'm':
      return number * 60'000;
    case 'h':
      return number * 3'600'000;
    case 'd':
      return number * 86'400'000;
    case 'w':
      return number * 7 * 86'400'000;
    default:
      return std::nullopt;
  }
}

std::vector<PostfixService> postfix_smtp_services(std::string_view master_cf) {
  std::vector<PostfixService> services;
  for (const PostfixLine& line : postfix_lines(master_cf)) {
    // service type private unprivileged chroot wakeup maxproc command args (master(5))
    const std::vector<std::string> words = split_words(line.text, " \t");
    if (words.size() < 8 || words[1] != "inet" || (words[7] != "smtpd" && words[7] != "postscreen")) continue;
    PostfixService service{line.number, words[0], {}};
    for (std::size_t i = 8; i + 1 < words.size(); ++i) {
      if (words[i] != "-o") continue;
      const std::size_t equals = words[i + 1].find('=');
      if (equals != std::string::npos)
        service.overrides[words[i + 1].substr(0, equals)] = words[i + 1].substr(equals + 1);
    }
    services.push_back(std::move(service));
  }
  return services;
}

std::optional<std::uint16_t> postfix_port(std::string_view text) {
  if (text == "smtp") return 25;
  if (text == "submission") return 587;
  if (text == "submissions" || text == "smtps" || text == "urd") return 465;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

PostfixDestination postfix_destination(std::string_view text) {
  PostfixDestination destination;
  if (text.starts_with("inet:")) text.remove_prefix(5);
  if (text.starts_with("smtp:[")) text.remove_prefix(5);
  std::size_t port = std::string_view::npos;
  if (text.starts_with('[')) {
    destination.mail_exchanger = false;
    const std::size_t end = std::min(text.find(']'), text.size());
    destination.host = text.substr(1, end - 1);
    if (destination.host.starts_with("ipv6:") || destination.host.starts_with("IPv6:")) destination.host.erase(0, 5);
    port = end + 1 < text.size() && text[end + 1] == ':' ? end + 1 : std::string_view::npos;
  } else {
    port = text.find(':') == text.rfind(':') ? text.find(':') : std::string_view::npos;  // more: an IPv6 address
    destination.host = text.substr(0, port);
  }
  if (port != std::string_view::npos) destination.port = text.substr(port + 1);
  return destination;
}

std::vector<PostfixEntry> postfix_table(std::string_view text, PostfixTable kind) {
  std::vector<PostfixEntry> entries;
  for (const PostfixLine& line : postfix_lines(text)) {
    const std::string_view whole = line.text;
    const std::size_t end =
        kind == PostfixTable::colon ? whole.find(':') : std::min(whole.find_first_of(" \t"), whole.size());
    if (end == std::string_view::npos) continue;
    std::string_view key = trim_blanks(whole.substr(0, end));
    if (key.size() >= 2 && key.front() == '"' && key.back() == '"') key = key.substr(1, key.size() - 2);
    entries.push_back(
        {line.number, std::string(key), std::string(trim_blanks(whole.substr(std::min(end + 1, whole.size()))))});
  }
  return entries;
}

}  // namespace postrider
