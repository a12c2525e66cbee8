#include "mgmt/header_text.h"

#include <algorithm>
#include <tuple>

#include "core/address.h"
#include "providers/gmime.h"
#include "providers/json_mail.h"

namespace postrider::mgmt {

namespace {

using providers::Held;
using providers::text_of;

constexpr std::size_t kFoldAt = 78;  // RFC 5322 2.1.1

// A reader would take it for what it is not: octets without a charset, or an encoded word (RFC 2047 2.) that is none.
bool needs_encoding(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](unsigned char c) { return c > 127; }) ||
         word.find("=?") != std::string_view::npos;
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
  if (party.name.find("=?") == std::string::npos) return providers::mailbox_text(mailbox);
  return providers::encoded_word(party.name) + " <" + mailbox.email + ">";
}

std::vector<std::string> addresses_of(GMimeMessage* message, GMimeAddressType type) {
  std::vector<std::string> out;
  const auto take = [&](InternetAddressList* list, const auto& self) -> void {
    const int count = list == nullptr ? 0 : internet_address_list_length(list);
    for (int i = 0; i < count; ++i) {
      InternetAddress* address = internet_address_list_get_address(list, i);
      if (INTERNET_ADDRESS_IS_GROUP(address))
        self(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address)), self);
      else if (INTERNET_ADDRESS_IS_MAILBOX(address))
        out.push_back(text_of(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address))));
    }
  };
  take(g_mime_message_get_addresses(message, type), take);
  return out;
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

bool is_named(std::string_view name, std::string_view lower_case) {
  return std::equal(name.begin(), name.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

// GMime reads what it can of a list and leaves out the rest: a recipient that it does not understand would get nothing.
bool all_are_read(GMimeMessage* message, std::string_view name, const std::vector<std::string>& addresses) {
  GMimeHeaderList* list = g_mime_object_get_header_list(GMIME_OBJECT(message));
  std::size_t count = 0;
  for (int i = 0; i < g_mime_header_list_get_count(list); ++i) {
    GMimeHeader* header = g_mime_header_list_get_header_at(list, i);
    const char* value = g_mime_header_get_raw_value(header);
    if (value != nullptr && is_named(g_mime_header_get_name(header), name)) count += count_addresses(value);
  }
  return count == addresses.size();
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

// From the first word that needs it to the last, and the words between them: blanks between encoded words are not shown.
std::string header_field(std::string_view name, std::string_view value) {
  std::size_t first = std::string_view::npos, last = 0;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t end = std::min(value.find_first_of(" \t", at), value.size());
    if (needs_encoding(value.substr(at, end - at))) {
      first = std::min(first, at);
      last = end;
    }
    at = end + 1;
  }
  if (first == std::string_view::npos) return folded(name, value);
  std::string text(value.substr(0, first));
  text += providers::encoded_word(value.substr(first, last - first));
  text += value.substr(last);
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
  providers::set_up_gmime();
  const std::string text = std::string(*section) + "\r\n";
  const Held<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(text.data(), text.size()));
  const Held<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  const Held<GMimeMessage> message(g_mime_parser_construct_message(parser.get(), nullptr));
  if (!message) return invalid("has a header that cannot be read");
  RawHeader header;
  const std::tuple<std::string_view, GMimeAddressType, std::vector<std::string>*> fields[] = {
      {"from", GMIME_ADDRESS_TYPE_FROM, &header.from},
      {"to", GMIME_ADDRESS_TYPE_TO, &header.to},
      {"cc", GMIME_ADDRESS_TYPE_CC, &header.cc},
      {"bcc", GMIME_ADDRESS_TYPE_BCC, &header.bcc}};
  for (const auto& [name, type, addresses] : fields) {
    *addresses = addresses_of(message.get(), type);
    if (!all_are_read(message.get(), name, *addresses))
      return invalid("has a field '" + std::string(name) + "' with an address that cannot be read");
  }
  const std::string id = text_of(g_mime_message_get_message_id(message.get()));
  if (!id.empty()) header.message_id = "<" + id + ">";
  return header;
}

}  // namespace postrider::mgmt
