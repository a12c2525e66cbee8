#include "relay/outbound/notice_builder.h"

#include <algorithm>

#include "core/utf8.h"
#include "relay/outbound/notice_encoding.h"
#include "relay/outbound/notice_text.h"
#include "relay/smtp/newline.h"
#include "relay/smtp/xtext.h"

namespace postrider::relay {

namespace {

struct Words {
  std::string_view subject, action;  // RFC 3464 2.3.3
};

Words words(Notice kind, bool in_doubt = false) {
  switch (kind) {
    case Notice::relayed:
      return {"Mail passed on:", "relayed"};
    case Notice::delayed:
      return {"Mail delayed:", "delayed"};
    case Notice::none:
    case Notice::failed:
      break;
  }
  return {in_doubt ? "Mail perhaps not delivered:" : "Mail not delivered:", "failed"};
}

// A field of the report: one line of ASCII, folded. message/delivery-status is always 7-bit (RFC 3464 2.1).
void add_field(std::string& out, std::string_view name, std::string_view value) {
  out += folded(std::string(name) + ": " + embedded_unicode(one_line(value)));
}

std::string decoded(std::string_view xtext) {
  return smtp::decode_xtext(xtext).value_or(std::string(xtext));
}

bool is_international(const Address& address) {
  return address.needs_smtputf8() || smtp::has_eight_bit(address.domain);
}

std::string final_recipient(const Address& address) {
  if (is_international(address)) return "utf-8; " + utf8_addr_xtext(address.str());
  return "rfc822; " + one_line(address.str());
}

void add_recipient(std::string& out, const NoticeFact& fact, Notice kind, Duration max_age) {
  const Recipient& recipient = *fact.recipient;
  out += "\r\n";
  if (const std::size_t type = recipient.orcpt.find(';'); type != std::string::npos)
    add_field(out, "Original-Recipient",
              recipient.orcpt.substr(0, type) + "; " + decoded(recipient.orcpt.substr(type + 1)));
  out += folded("Final-Recipient: " + final_recipient(recipient.address));
  add_field(out, "Action", words(kind).action);
  add_field(out, "Status", notice_status(recipient, kind));
  if (!fact.host.empty()) add_field(out, "Remote-MTA", "dns; " + fact.host);
  const bool by_peer = fact.said.code != 0;
  if (const std::string said = what_was_said(fact.said); !said.empty())
    add_field(out, "Diagnostic-Code", (by_peer ? "smtp; " : "X-Postrider; ") + said);
  if (fact.last != nullptr) add_field(out, "Last-Attempt-Date", format_rfc5322(fact.last->started_at));
  if (kind == Notice::delayed) add_field(out, "Will-Retry-Until", format_rfc5322(recipient.age_from + max_age));
}

std::string report(const NoticeSubject& subject, const std::vector<NoticeFact>& facts, const NoticeContext& context) {
  const Envelope& envelope = subject.message.envelope;
  std::string out;
  add_field(out, "Reporting-MTA", "dns; " + std::string(context.hostname));
  if (!envelope.envid.empty()) add_field(out, "Original-Envelope-Id", decoded(envelope.envid));
  add_field(out, "Arrival-Date", format_rfc5322(envelope.created_at));
  add_field(out, "X-Postrider-Id", subject.message.id.str());
  for (const NoticeFact& fact : facts) add_recipient(out, fact, subject.kind(), context.max_age);
  return out;
}

// An address that is ASCII but for its domain is the same in A-labels, and needs no SMTPUTF8 (RFC 5890 2.3.2.1).
std::string header_address(Address address) {
  if (!address.needs_smtputf8() && smtp::has_eight_bit(address.domain)) {
    if (auto ascii = domain_to_ascii(address.domain)) address.domain = *ascii;
  }
  return one_line(address.str());
}

std::string subject_field(std::string_view ours, const std::string& theirs) {
  const std::string begin = "Subject: " + std::string(ours);
  const std::string about = theirs.empty() ? "(no subject)" : one_line(theirs);
  if (smtp::has_eight_bit(about)) return begin + encoded_words(about) + "\r\n";
  return folded(begin + " " + about);
}

// Only what can be a msg-id (RFC 5322 3.6.4); the name of the message came from a stranger.
bool is_message_id(std::string_view text) {
  return text.size() > 2 && text.front() == '<' && text.back() == '>' &&
         text.substr(1).find_first_of("< ") == std::string_view::npos && !needs_encoding(text);
}

std::string header(const NoticeSubject& subject, const std::vector<NoticeFact>& facts, const NoticeContext& context,
                   const std::string& boundary, bool eight_bit) {
  const Envelope& about = subject.message.envelope;
  std::string out = "From: Mail Delivery System <MAILER-DAEMON@" + std::string(context.hostname) + ">\r\n";
  out += "To: <" + header_address(about.sender) + ">\r\n";
  const bool in_doubt =
      std::any_of(facts.begin(), facts.end(), [](const NoticeFact& fact) { return fact.unanswered > 0; });
  out += subject_field(words(subject.kind(), in_doubt).subject, about.subject);
  out += "Auto-Submitted: auto-replied\r\n";  // RFC 3834 5.
  if (const std::string id = one_line(about.message_id_header); is_message_id(id)) out += "In-Reply-To: " + id + "\r\n";
  out += "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"" +
         boundary + "\"\r\n";
  if (eight_bit) out += "Content-Transfer-Encoding: 8bit\r\n";  // RFC 2045 6.4: as the part in it
  return out += "\r\nThis is a report on mail, in parts (RFC 3464).\r\n";
}

void begin_part(std::string& out, const std::string& boundary, std::string_view type, std::string_view description,
                std::string_view encoding) {
  out += "\r\n--" + boundary + "\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Description: " + std::string(description) + "\r\n";
  if (!encoding.empty()) out += "Content-Transfer-Encoding: " + std::string(encoding) + "\r\n";
  out += "\r\n";
}

// `text` as 7-bit.
void add_text_part(std::string& out, const std::string& boundary, std::string type, std::string_view description,
                   std::string_view text) {
  const bool encode = needs_encoding(text);
  if (encode && is_utf8(text)) type += "; charset=utf-8";
  begin_part(out, boundary, type, description, encode ? "quoted-printable" : "");
  out += encode ? quoted_printable(text) : std::string(text);
}

}  // namespace

NoticeFrame build_notice(const NoticeSubject& subject, const NoticeContext& context,
                         std::optional<std::string_view> header_fields) {
  const MessageRecord& message = subject.message;
  // No sender knows our id and this instant before the message is written.
  const std::string boundary = "=_" + message.id.str() + "." + std::to_string(to_ms(context.now));
  const std::vector<NoticeFact> facts = notice_facts(subject);
  const bool eight_bit = !header_fields && message.envelope.eight_bit;

  NoticeFrame frame;
  std::string& out = frame.head;
  out = header(subject, facts, context, boundary, eight_bit);
  add_text_part(out, boundary, "text/plain", "Notice", notice_text(subject, facts, context.hostname, context.max_age));
  begin_part(out, boundary, "message/delivery-status", "Report for programs", "");
  out += report(subject, facts, context);
  if (!header_fields) {
    const bool global = message.envelope.smtputf8;  // RFC 6532 3.7
    begin_part(out, boundary, global ? "message/global" : "message/rfc822", "The message", eight_bit ? "8bit" : "");
  } else if (!header_fields->empty()) {
    add_text_part(out, boundary, "text/rfc822-headers", "The header of the message", *header_fields);
  }
  frame.tail = "\r\n--" + boundary + "--\r\n";
  return frame;
}

}  // namespace postrider::relay
