#include "cmd/sendmail_header.h"

#include <algorithm>

#include "cmd/sendmail_addresses.h"
#include "core/utf8.h"
#include "relay/smtp/ascii.h"
#include "relay/smtp/base64.h"
#include "relay/smtp/newline.h"

namespace postrider::cmd {

namespace {

using smtp::FieldKind;
using smtp::iequals;

constexpr std::size_t kEncodedOctets =
    42;  // of text in one encoded word, which has at most 75 characters (RFC 2047 2.)
constexpr std::size_t kMaxName = 256;

bool is_resent_recipients(std::string_view name) {
  return iequals(name, "Resent-To") || iequals(name, "Resent-Cc") || iequals(name, "Resent-Bcc");
}

bool is_recipients(std::string_view name) {
  return iequals(name, "To") || iequals(name, "Cc") || iequals(name, "Bcc");
}

bool is_blind(std::string_view name) {
  return iequals(name, "Bcc") || iequals(name, "Resent-Bcc");
}

result<std::vector<Address>> read_recipients(const smtp::HeaderScanner& scanner) {
  const auto fields = scanner.fields();
  const bool resent = std::any_of(fields.begin(), fields.end(),
                                  [](const smtp::HeaderField& field) { return is_resent_recipients(field.name); });
  std::vector<Address> out;
  for (const smtp::HeaderField& field : fields) {
    if (!(resent ? is_resent_recipients(field.name) : is_recipients(field.name))) continue;
    const auto read = parse_address_list(field.value(), out);
    if (!read) return invalid(std::string(field.name) + ": " + read.error().text);
  }
  return out;
}

// Words of at most kEncodedOctets, cut where a character ends.
std::string encoded_words(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    std::size_t take = std::min(name.size(), kEncodedOctets);
    while (take < name.size() && take > 1 && (static_cast<unsigned char>(name[take]) & 0xc0) == 0x80) --take;
    out += (out.empty() ? "=?UTF-8?B?" : " =?UTF-8?B?") + smtp::base64_encode(name.substr(0, take)) + "?=";
    name.remove_prefix(take);
  }
  return out;
}

std::string quoted(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return smtp::is_alpha(c) || smtp::is_digit(c) || std::string_view(" -_'").find(c) != std::string_view::npos;
  });
  if (plain) return std::string(name);
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

result<SendmailHeader> prepare_header(const smtp::HeaderScanner& scanner, bool body_follows,
                                      const HeaderWishes& wishes) {
  SendmailHeader out;
  if (wishes.recipients) {
    auto recipients = read_recipients(scanner);
    if (!recipients) return recipients.error();
    out.recipients = std::move(*recipients);
  }
  bool has_from = false;
  for (const smtp::HeaderField& field : scanner.fields()) {
    if (is_blind(field.name) || field.kind == FieldKind::mailbox_line) continue;
    if (field.kind == FieldKind::from) has_from = true;
    if (field.kind == FieldKind::idempotency_key) {
      const std::string_view value = field.value();
      out.idempotency_key = value.substr(0, value.find_first_of(" \t\r\n"));
    }
    out.text += field.raw;
  }
  if (!out.text.empty() && !out.text.ends_with("\r\n")) out.text += "\r\n";  // the message ended within a field
  if (!has_from) out.text += wishes.from;
  if (scanner.separator() || body_follows) out.text += "\r\n";
  out.text += scanner.body_prefix();
  return out;
}

std::string from_field(std::string_view name, const Address& address) {
  std::string clean(name.substr(0, kMaxName));
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
  if (smtp::trim(clean).empty()) return "From: " + address.str() + "\r\n";
  const bool encode = smtp::has_eight_bit(clean) && is_utf8(clean);
  if (!encode)
    std::replace_if(
        clean.begin(), clean.end(), [](char c) { return (c & 0x80) != 0; }, '?');
  return "From: " + (encode ? encoded_words(smtp::trim(clean)) : quoted(smtp::trim(clean))) + " <" + address.str() +
         ">\r\n";
}

}  // namespace postrider::cmd
