#include "relay/inbound/header_editor.h"

#include <algorithm>

#include "core/ascii.h"

namespace postrider::relay {
namespace {

using smtp::FieldKind;

constexpr std::size_t kUsualReceived = 256;  // octets of a field of ours

// A HELO name is whatever the client said: nothing in it may end a comment, a clause or the line.
std::string harmless(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    auto u = static_cast<unsigned char>(c);
    bool fine = (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u > 127 ||
                std::string_view(".-_:[]").find(c) != std::string_view::npos;
    if (!fine) c = '?';
  }
  return out;
}

std::string address_literal(std::string_view address) {  // RFC 5321 4.1.3
  bool v6 = address.find(':') != std::string_view::npos;
  return "[" + std::string(v6 ? "IPv6:" : "") + std::string(address) + "]";
}

// The whole value, unfolded: each run of line break and blanks is one blank (RFC 5322 2.2.3).
std::string key_of(std::string_view value) {
  std::string key;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t end = std::min(value.find_first_of("\r\n", at), value.size());
    const std::string_view part = trimmed(value.substr(at, end - at));
    if (!part.empty() && !key.empty()) key += ' ';
    key += part;
    at = value.find_first_not_of("\r\n", end);
  }
  return key;
}

// As ASCII, so that our own field does not ask of the next hop what the message does not; nothing where that cannot be.
std::string for_clause(const Address& recipient) {
  const auto domain = domain_to_ascii(recipient.domain);
  if (recipient.needs_smtputf8() || !domain) return {};
  return "\r\n\tfor <" + Address{recipient.local, *domain}.str() + ">";
}

std::string message_id_of(std::string_view value) {
  auto open = value.find('<'), close = value.find('>', open);
  if (open == std::string_view::npos || close == std::string_view::npos)
    return sanitize_reason_text(value.substr(0, 250));
  return sanitize_reason_text(value.substr(open, std::min<std::size_t>(close - open + 1, 998)));
}

}  // namespace

EditedHeader edit_header(const smtp::HeaderScanner& scanner, bool body_follows, const std::string& received,
                         std::string_view hostname, const MessageId& id, Time now) {
  EditedHeader out;
  out.text.reserve(scanner.section().size() + received.size() + 256);
  out.text = received;
  bool has_date = false, has_message_id = false;
  for (const smtp::HeaderField& field : scanner.fields()) {
    switch (field.kind) {
      case FieldKind::dropped:
      case FieldKind::steering:
      case FieldKind::mailbox_line:
        continue;
      case FieldKind::idempotency_key:
        ++out.idempotency_keys;
        out.idempotency_key = key_of(field.value());
        continue;
      case FieldKind::received:
        ++out.received;
        break;
      case FieldKind::date:
        has_date = true;
        break;
      case FieldKind::message_id:
        has_message_id = true;
        out.message_id = message_id_of(field.value());
        break;
      case FieldKind::subject:
        out.subject = listing_subject(field.value());
        break;
      case FieldKind::from:
      case FieldKind::other:
        break;
    }
    out.text += field.raw;
  }
  // A last field may have been cut off by the end of the message.
  if (!out.text.empty() && !out.text.ends_with("\r\n")) out.text += "\r\n";
  if (!has_message_id) {
    out.message_id = "<" + id.str() + "@" + std::string(hostname) + ">";
    out.text += "Message-ID: " + out.message_id + "\r\n";
  }
  if (!has_date) out.text += "Date: " + format_rfc5322(now) + "\r\n";
  if (scanner.separator() || body_follows) out.text += "\r\n";
  return out;
}

std::string make_received(const EnvelopeSpec& envelope, std::string_view hostname, bool hide_client,
                          const MessageId& id, Time now) {
  std::string out = "Received: ";
  out.reserve(kUsualReceived);
  if (!hide_client && !envelope.client_address.empty()) {
    std::string literal = address_literal(envelope.client_address);
    out += "from " + (envelope.helo.empty() ? literal : harmless(envelope.helo)) + " (" + literal + ")\r\n\t";
  }
  out += "by ";
  out += hostname;
  if (!envelope.protocol.empty()) out += " with " + envelope.protocol;
  out += " id " + id.str();
  if (!envelope.tls.empty()) out += "\r\n\t(using " + envelope.tls + ")";
  if (envelope.recipients.size() == 1) out += for_clause(envelope.recipients[0].address);
  out += ";\r\n\t" + format_rfc5322(now) + "\r\n";
  return out;
}

}  // namespace postrider::relay
