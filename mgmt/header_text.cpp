#include "mgmt/header_text.h"

#include <algorithm>
#include <array>

#include "core/address.h"
#include "mgmt/field_rules.h"
#include "providers/address_fields.h"
#include "providers/gmime.h"
#include "providers/json_mail.h"

namespace postrider::mgmt {

namespace {

using providers::Held;
using providers::is_named;
using providers::text_of;

constexpr std::size_t kFoldAt = 78;  // RFC 5322 2.1.1

bool has_eight_bit(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](unsigned char c) { return c > 127; });
}

// Fields of identifiers, URLs and dates, which know no encoded words (RFC 2047 5.): "=?" is a part of a URL there.
bool is_structured(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kNames = {"message-id", "in-reply-to", "references", "date"};
  return is_named(name.substr(0, 5), "list-") ||
         std::any_of(kNames.begin(), kNames.end(), [&](std::string_view one) { return is_named(name, one); });
}

struct Span {
  std::size_t begin = std::string_view::npos, end = 0;  // as it is: none
};

// The first from `at` on that a reader would take for an encoded word (RFC 2047 2.): some allow blanks in it.
Span find_encoded_word(std::string_view text, std::size_t at) {
  for (at = text.find("=?", at); at != text.npos; at = text.find("=?", at + 1)) {
    const std::size_t charset = text.find('?', at + 2);
    if (charset == text.npos || charset + 2 >= text.size()) break;
    const bool fits = charset > at + 2 && text[charset + 2] == '?' &&
                      std::string_view("BbQq").find(text[charset + 1]) != std::string_view::npos;
    if (!fits) continue;
    const std::size_t end = text.find("?=", charset + 3);
    if (end == text.npos) break;
    return {at, end + 2};
  }
  return {};
}

// From the first word that needs it to the last, and the words between them: blanks between encoded words are not shown.
Span span_to_encode(std::string_view name, std::string_view value) {
  constexpr std::string_view kBlanks = " \t";
  Span span;
  const auto add = [&](std::size_t begin, std::size_t end) {
    span.begin = std::min(span.begin, begin);
    span.end = std::max(span.end, end);
  };
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t end = std::min(value.find_first_of(kBlanks, at), value.size());
    if (has_eight_bit(value.substr(at, end - at))) add(at, end);
    at = end + 1;
  }
  if (is_structured(name)) return span;
  if (longest_run(value) > kMaxHeaderWord) add(0, value.size());
  for (Span word = find_encoded_word(value, 0); word.begin < word.end; word = find_encoded_word(value, word.end)) {
    const std::size_t blank = value.substr(0, word.begin).find_last_of(kBlanks);
    add(blank == value.npos ? 0 : blank + 1, std::min(value.find_first_of(kBlanks, word.end), value.size()));
  }
  return span;
}

// Breaks before blanks only, so that unfolding gives the value back as it was; never before white space that would leave a line of
// nothing else (RFC 5322 3.2.2).
std::string folded(std::string_view name, std::string_view value) {
  std::string out(name);
  out += ':';
  std::size_t column = out.size();
  value = value.substr(std::min(value.find_first_not_of(" \t"), value.size()));
  value = value.substr(0, value.find_last_not_of(" \t") + 1);
  bool first = true;
  while (!value.empty()) {
    const std::size_t word = std::min(value.find_first_not_of(" \t"), value.size());
    const std::size_t end = std::min(value.find_first_of(" \t", word), value.size());
    const std::string_view blanks = first ? std::string_view(" ") : value.substr(0, word);
    if (!first && column + end > kFoldAt) {
      out += "\r\n";
      column = 0;
    }
    out.append(blanks).append(value.substr(word, end - word));
    column += blanks.size() + end - word;
    value.remove_prefix(end);
    first = false;
  }
  return out += "\r\n";
}

std::string mailbox_of(const Party& party) {
  providers::Mailbox mailbox{party.name, party.email};
  const auto address = parse_address(party.email);
  const auto domain = address ? domain_to_ascii(address->domain) : result<std::string>(std::string());
  if (address && domain) mailbox.email = Address{address->local, *domain}.str();
  std::string text = providers::mailbox_text(mailbox);
  const Span encoded = find_encoded_word(party.name, 0);
  if (encoded.begin > encoded.end && longest_run(text) <= kMaxHeaderWord) return text;
  return providers::encoded_word(party.name) + " <" + mailbox.email + ">";
}

// False: there is a group in a group, which is none (RFC 5322 3.4).
bool take_addresses(InternetAddressList* list, bool within_group, std::vector<std::string>& addresses) {
  const int count = list == nullptr ? 0 : internet_address_list_length(list);
  for (int i = 0; i < count; ++i) {
    InternetAddress* address = internet_address_list_get_address(list, i);
    if (INTERNET_ADDRESS_IS_MAILBOX(address)) {
      addresses.push_back(text_of(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address))));
    } else if (INTERNET_ADDRESS_IS_GROUP(address)) {
      InternetAddressList* members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address));
      if (within_group || !take_addresses(members, true, addresses)) return false;
    }
  }
  return true;
}

// How many addresses a field seems to have: '@' outside of quotes, comments and domain literals.
std::size_t count_addresses(std::string_view value) {
  std::size_t count = 0, comments = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\')
      ++i;
    else if (c == '"' && comments == 0)
      quoted = !quoted;
    else if (quoted)
      continue;
    else if (c == '(')
      ++comments;
    else if (c == ')' && comments > 0)
      --comments;
    else if (c == '@' && comments == 0)
      ++count;
  }
  return count;
}

// How many entries the list of a field has: what stands between commas outside of quotes, comments, angle brackets, domain literals and
// encoded words, but for the names of groups. Empty ones are none (RFC 5322 4.4).
std::size_t count_entries(std::string_view value) {
  constexpr std::size_t kMaxEncodedWord = 75;  // RFC 2047 2.
  std::size_t count = 0, comments = 0;
  char until = 0;  // what ends the quotes or brackets we are in
  bool any = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\') {
      ++i;
      any = any || comments == 0;
    } else if (until != 0) {
      if (c == until) until = 0;
    } else if (c == '(') {
      ++comments;
    } else if (comments > 0) {
      if (c == ')') --comments;
    } else if (c == ',' || c == ';') {
      count += any ? 1 : 0;
      any = false;
    } else if (c == ':') {
      any = false;
    } else if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) {
      any = true;
      until = c == '"' ? '"' : c == '<' ? '>' : c == '[' ? ']' : 0;
      const Span word = c == '=' ? find_encoded_word(value.substr(i, kMaxEncodedWord), 0) : Span();
      if (word.begin == 0) i += word.end - 1;
    }
  }
  return count + (any ? 1 : 0);
}

std::string unreadable_field(std::string_view name) {
  return "has a field '" + std::string(name) + "' with an address that cannot be read";
}

// All fields of that name. GMime reads what it can of a list and leaves out the rest: a recipient that it does not understand would
// get nothing.
Wrong read_addresses(GMimeHeaderList* list, std::string_view name, std::vector<std::string>& addresses,
                     std::size_t& entries) {
  std::size_t written = 0;
  for (int i = 0; i < g_mime_header_list_get_count(list); ++i) {
    GMimeHeader* header = g_mime_header_list_get_header_at(list, i);
    const char* value = g_mime_header_get_raw_value(header);
    if (value == nullptr || !is_named(g_mime_header_get_name(header), name)) continue;
    written += count_addresses(value);
    entries += count_entries(value);
    InternetAddressList* const read = internet_address_list_parse(nullptr, value);
    if (read == nullptr) continue;
    const Held<InternetAddressList> held(read);
    if (!take_addresses(read, false, addresses))
      return "has a group of addresses in another one in a field '" + std::string(name) + "'";
  }
  if (written == addresses.size()) return std::nullopt;
  return unreadable_field(name);
}

bool begins_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  std::string_view name = line.substr(0, colon);
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// The header section up to its empty line, or the number of the line that is neither a field nor the rest of one.
boost::system::result<std::string_view, std::size_t> header_section(std::string_view raw) {
  std::size_t at = 0;
  for (std::size_t number = 1; at < raw.size(); ++number) {
    const std::size_t end = std::min(raw.find("\r\n", at), raw.size());
    const std::string_view line = raw.substr(at, end - at);
    if (line.empty()) break;
    const bool goes_on = number > 1 && (line.front() == ' ' || line.front() == '\t');
    if (!goes_on && !begins_field(line)) return number;
    at = std::min(end + 2, raw.size());
  }
  return raw.substr(0, at);
}

}  // namespace

std::string header_field(std::string_view name, std::string_view value) {
  const Span span = span_to_encode(name, value);
  if (span.begin >= span.end) return folded(name, value);
  std::string text(value.substr(0, span.begin));
  text += providers::encoded_word(value.substr(span.begin, span.end - span.begin));
  text += value.substr(span.end);
  return folded(name, text);
}

std::string address_field(std::string_view name, const std::vector<Party>& parties) {
  std::string text;
  for (const Party& party : parties) text.append(text.empty() ? "" : ", ").append(mailbox_of(party));
  return folded(name, text);
}

std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    out += text.substr(0, end);
    if (end == std::string_view::npos) break;
    out += "\r\n";
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return out;
}

result<RawHeader> read_raw_header(std::string_view raw) {
  const auto section = header_section(raw);
  if (!section)
    return invalid("must begin with header fields and an empty line after them; line " +
                   std::to_string(section.error()) + " is neither");
  if (section->size() > kMaxRawHeader) return invalid("has a header of more than 1 MiB");
  if (providers::may_nest_too_deep(*section))
    return invalid("has too many groups of addresses in one field of its header");
  providers::set_up_gmime();
  const std::string text = std::string(*section) + "\r\n";
  const Held<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(text.data(), text.size()));
  const Held<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  const Held<GMimeMessage> message(g_mime_parser_construct_message(parser.get(), nullptr));
  if (!message) return invalid("has a header that cannot be read");
  RawHeader header;
  const std::pair<std::string_view, std::vector<std::string>*> fields[] = {{"from", &header.from},
                                                                           {"sender", &header.senders},
                                                                           {"resent-from", &header.senders},
                                                                           {"resent-sender", &header.senders},
                                                                           {"to", &header.to},
                                                                           {"cc", &header.cc},
                                                                           {"bcc", &header.bcc}};
  for (const auto& [name, addresses] : fields) {
    std::vector<std::string> read;
    std::size_t entries = 0;
    Wrong wrong = read_addresses(g_mime_object_get_header_list(GMIME_OBJECT(message.get())), name, read, entries);
    const bool names_recipients = addresses == &header.to || addresses == &header.cc || addresses == &header.bcc;
    if (wrong && !names_recipients) return invalid(std::move(*wrong));
    if (!wrong && names_recipients && entries != read.size()) wrong = unreadable_field(name);
    if (wrong && header.unreadable.empty()) header.unreadable = std::move(*wrong);
    addresses->insert(addresses->end(), read.begin(), read.end());
  }
  const std::string id = text_of(g_mime_message_get_message_id(message.get()));
  if (!id.empty()) header.message_id = "<" + id + ">";
  return header;
}

}  // namespace postrider::mgmt
