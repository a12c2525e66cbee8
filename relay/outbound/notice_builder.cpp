#include "relay/outbound/notice_builder.h"

#include <algorithm>

#include "relay/smtp/newline.h"
#include "relay/smtp/xtext.h"

namespace postrider::relay {

namespace {

constexpr std::size_t kWidth = 76;  // of the lines for people (RFC 5322 2.1.1 asks for at most 78)

struct Wording {
  std::string_view subject, opening_one, opening_many, action;
};

Wording wording(Notice kind) {
  switch (kind) {
    case Notice::relayed:
      return {"Mail passed on: ", "Your message was passed on for one recipient.",
              "Your message was passed on for these recipients.", "relayed"};
    case Notice::delayed:
      return {"Mail delayed: ", "Your message has not been delivered to one recipient yet. It is still being tried.",
              "Your message has not been delivered to these recipients yet. It is still being tried.", "delayed"};
    case Notice::none:
    case Notice::failed:
      break;
  }
  return {"Mail not delivered: ", "Your message could not be delivered to one recipient. Nothing more will be tried.",
          "Your message could not be delivered to these recipients. Nothing more will be tried.", "failed"};
}

// Field values and lines for people are one line, whatever they came from.
std::string one_line(std::string_view text) {
  return sanitize_reason_text(text);
}

// An RFC 2047 encoded word is needed for octets over 127; base64 in pieces that keep characters whole.
std::string encoded_header(std::string_view text) {
  if (!smtp::has_eight_bit(text)) return one_line(text);
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  const std::string clean = one_line(text);
  for (std::size_t at = 0; at < clean.size();) {
    std::size_t end = std::min(at + 42, clean.size());
    while (end < clean.size() && (static_cast<unsigned char>(clean[end]) & 0xc0) == 0x80) --end;
    out += out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?";
    for (std::size_t i = at; i < end; i += 3) {
      std::uint32_t bits = 0;
      const std::size_t have = std::min<std::size_t>(3, end - i);
      for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < have ? static_cast<unsigned char>(clean[i + k]) : 0u);
      for (std::size_t k = 0; k < 4; ++k) out += k <= have ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
    }
    out += "?=";
    at = end;
  }
  return out;
}

// `text` after `label`, folded at spaces, later lines under the first.
void say(std::string& out, std::string_view label, std::string_view text) {
  const std::string clean = one_line(text);
  std::string_view rest = clean;
  std::string line(label);
  const std::string indent(label.size(), ' ');
  while (!rest.empty()) {
    const std::size_t room = kWidth - std::min(kWidth - 20, line.size());
    std::size_t cut = rest.size();
    if (cut > room) {
      cut = rest.rfind(' ', room);
      if (cut == std::string_view::npos || cut == 0) cut = std::min(rest.find(' '), rest.size());
    }
    out.append(line).append(rest.substr(0, cut)).append("\r\n");
    rest.remove_prefix(std::min(rest.find_first_not_of(' ', cut), rest.size()));
    line = indent;
  }
}

std::string decoded(std::string_view xtext) {
  return one_line(smtp::decode_xtext(xtext).value_or(std::string(xtext)));
}

// The attempt that gave the recipient its state: the last one it was part of.
const Attempt* last_attempt(const NoticeSubject& subject, std::uint32_t recipient) {
  for (auto event = subject.history.rbegin(); event != subject.history.rend(); ++event) {
    if (!event->attempt) continue;
    const auto& asked = event->attempt->recipients;
    const bool took_part = std::any_of(asked.begin(), asked.end(),
                                       [&](const RecipientOutcome& outcome) { return outcome.recipient == recipient; });
    if (took_part) return event->attempt.get();
  }
  return nullptr;
}

// "mx.example.net[192.0.2.1]:25" without its address.
std::string host_of(const Attempt* attempt) {
  if (attempt == nullptr) return {};
  const std::string_view peer = attempt->peer;
  return one_line(peer.substr(0, std::min(peer.find('['), peer.rfind(':'))));
}

std::string what_was_said(const Reason& reason) {
  std::string text;
  if (reason.code != 0) text += std::to_string(reason.code) + ' ';
  if (!reason.enhanced.empty()) text += reason.enhanced + ' ';
  return text += reason.text;
}

std::string what_happened(const Recipient& recipient, Notice kind, const std::string& host) {
  const std::string who = host.empty() ? "the next hop" : host;
  const std::string said = what_was_said(recipient.reason);
  if (kind == Notice::relayed)
    return "passed on to " + who + ", which does not report delivery; this is the last that is heard of it from here";
  if (recipient.state == RecipientState::expired) return "its time to be delivered is over";
  if (recipient.state == RecipientState::suppressed) return "mail to this address is not sent: " + said;
  const bool talked = recipient.reason.code != 0 && !host.empty();
  if (recipient.state == RecipientState::bounced) return (talked ? who + " refused it: " : "it was refused: ") + said;
  return talked ? "the last answer, from " + who + ", was: " + said : said;
}

std::string_view advice(const Recipient& recipient, Notice kind) {
  const std::string& status = recipient.reason.enhanced;
  const auto detail = status.size() > 2 ? std::string_view(status).substr(2) : std::string_view();
  if (kind == Notice::relayed) return "nothing";
  if (kind == Notice::delayed) return "nothing; another notice follows if it fails in the end";
  if (recipient.state == RecipientState::suppressed) return "ask the operator of this relay to take it off the list";
  if (recipient.failed_by_route)
    return "show this to the operator of this relay, whose next hop did not work; then send again";
  if (detail == "2.2") return "the mailbox is full: try again later or reach the recipient another way";
  if (detail == "2.3" || detail == "3.4") return "send a smaller message";
  if (detail.starts_with("1.")) return "check the address for a mistake, or ask the recipient for the right one";
  if (detail.starts_with("7."))
    return "the other side refused it by its own rules: show the text above to its postmaster";
  if (recipient.reason.cause == Cause::retries || recipient.reason.cause == Cause::age)
    return "send it again later, or reach the recipient another way";
  return "if it fails again, show the text above to the postmaster of the recipient's domain";
}

std::string ordinal_tries(std::uint32_t tries) {
  return tries <= 1 ? "after 1 try" : "after " + std::to_string(tries) + " tries";
}

std::string text_for_people(const NoticeSubject& subject, Notice kind, std::string_view hostname, Time give_up_at) {
  const MessageRecord& message = subject.message;
  const Wording words = wording(kind);
  std::string out = "This is the mail relay at " + std::string(hostname) + ".\r\n\r\n";
  say(out, "", subject.recipients.size() == 1 ? words.opening_one : words.opening_many);
  out += "\r\n";
  if (!message.envelope.subject.empty()) say(out, "  Subject:   ", message.envelope.subject);
  say(out, "  Accepted:  ", format_rfc5322(message.envelope.created_at));
  say(out, "  Id here:   ", message.id.str());
  for (const std::uint32_t index : subject.recipients) {
    const Recipient& recipient = message.recipients[index];
    out += "\r\n";
    say(out, "<", recipient.address.str() + ">");
    say(out, "  What happened:  ", what_happened(recipient, kind, host_of(last_attempt(subject, index))));
    say(out, "  When:           ", format_rfc5322(recipient.changed_at) + ", " + ordinal_tries(recipient.tries));
    if (kind == Notice::delayed && give_up_at != kNever) say(out, "  Tried until:    ", format_rfc5322(give_up_at));
    say(out, "  What to do:     ", advice(recipient, kind));
  }
  return out;
}

std::string address_type(const Address& address) {
  return address.needs_smtputf8() || smtp::has_eight_bit(address.domain) ? "utf-8; " : "rfc822; ";
}

void add_recipient_fields(std::string& out, const NoticeSubject& subject, std::uint32_t index, Notice kind,
                          Time give_up_at) {
  const Recipient& recipient = subject.message.recipients[index];
  out += "\r\n";
  if (const std::size_t type = recipient.orcpt.find(';'); type != std::string::npos) {
    const std::string_view orcpt = recipient.orcpt;
    out += "Original-Recipient: " + one_line(orcpt.substr(0, type)) + "; " + decoded(orcpt.substr(type + 1)) + "\r\n";
  }
  out += "Final-Recipient: " + address_type(recipient.address) + notice_address(recipient.address) + "\r\n";
  out += "Action: " + std::string(wording(kind).action) + "\r\n";
  out += "Status: " + notice_status(recipient, kind) + "\r\n";
  const Attempt* attempt = last_attempt(subject, index);
  if (const std::string host = host_of(attempt); !host.empty()) out += "Remote-MTA: dns; " + host + "\r\n";
  const bool smtp = recipient.reason.code != 0;
  if (const std::string said = one_line(what_was_said(recipient.reason)); !said.empty())
    out += (smtp ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: X-Postrider; ") + said + "\r\n";
  if (attempt != nullptr) out += "Last-Attempt-Date: " + format_rfc5322(attempt->started_at) + "\r\n";
  if (kind == Notice::delayed && give_up_at != kNever)
    out += "Will-Retry-Until: " + format_rfc5322(give_up_at) + "\r\n";
}

std::string text_for_programs(const NoticeSubject& subject, Notice kind, std::string_view hostname, Time give_up_at) {
  const Envelope& envelope = subject.message.envelope;
  std::string out = "Reporting-MTA: dns; " + std::string(hostname) + "\r\n";
  if (!envelope.envid.empty()) out += "Original-Envelope-Id: " + decoded(envelope.envid) + "\r\n";
  out += "Arrival-Date: " + format_rfc5322(envelope.created_at) + "\r\n";
  for (const std::uint32_t index : subject.recipients) add_recipient_fields(out, subject, index, kind, give_up_at);
  return out;
}

void begin_part(std::string& out, const std::string& boundary, std::string_view type, std::string_view description,
                bool eight_bit) {
  out += "--" + boundary + "\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Description: " + std::string(description) + "\r\n";
  if (eight_bit) out += "Content-Transfer-Encoding: 8bit\r\n";
  out += "\r\n";
}

}  // namespace

NoticeFrame build_notice(const NoticeSubject& subject, std::string_view hostname, Time now, Time give_up_at,
                         Returned returned) {
  const MessageRecord& message = subject.message;
  const Notice kind = message.recipients[subject.recipients.front()].owed;
  const Wording words = wording(kind);
  // No sender knows our id and this instant before the message is written.
  const std::string boundary = "=_" + message.id.str() + "." + std::to_string(to_ms(now));
  const std::string people = text_for_people(subject, kind, hostname, give_up_at);
  const std::string programs = text_for_programs(subject, kind, hostname, give_up_at);

  NoticeFrame frame;
  std::string& out = frame.head;
  out = "From: Mail Delivery System <MAILER-DAEMON@" + std::string(hostname) + ">\r\n";
  out += "To: <" + message.envelope.sender.str() + ">\r\n";
  const std::string& about = message.envelope.subject;
  out += "Subject: " + std::string(words.subject) + (about.empty() ? "(no subject)" : encoded_header(about)) + "\r\n";
  out += "Auto-Submitted: auto-replied\r\n";  // RFC 3834 2.
  if (!message.envelope.message_id_header.empty())
    out += "In-Reply-To: " + one_line(message.envelope.message_id_header) + "\r\n";
  out += "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"" +
         boundary + "\"\r\n\r\nThis is a report on mail in three parts (RFC 3464).\r\n\r\n";
  begin_part(out, boundary, "text/plain; charset=utf-8", "Notice", smtp::has_eight_bit(people));
  out += people + "\r\n";
  begin_part(out, boundary, "message/delivery-status", "Delivery report", smtp::has_eight_bit(programs));
  out += programs + "\r\n";
  const bool whole = returned == Returned::message;
  begin_part(out, boundary, whole ? "message/rfc822" : "text/rfc822-headers",
             whole ? "The message" : "The header of the message", message.envelope.eight_bit);
  frame.tail = "\r\n--" + boundary + "--\r\n";
  return frame;
}

std::string notice_status(const Recipient& recipient, Notice kind) {
  const std::string& said = recipient.reason.enhanced;
  if (kind == Notice::relayed) return "2.0.0";
  const char wanted = kind == Notice::delayed ? '4' : '5';
  if (!said.empty() && (said[0] == wanted || (said[0] == '4' && kind == Notice::failed))) return one_line(said);
  if (recipient.state == RecipientState::expired || recipient.reason.cause == Cause::age ||
      recipient.reason.cause == Cause::retries)
    return "4.4.7";  // RFC 3463 3.5: delivery time expired
  return std::string(1, wanted) + ".0.0";
}

std::string notice_address(const Address& address) {
  const std::string text = address.str();
  if (!smtp::has_eight_bit(text)) return one_line(text);
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size == 1) {
      out += text[i++];
      continue;
    }
    std::uint32_t point = lead & (0xffu >> (size + 1));
    for (std::size_t k = 1; k < size && i + k < text.size(); ++k)
      point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    static constexpr char kHex[] = "0123456789ABCDEF";
    out += "\\x{";
    for (int shift = 20; shift >= 0; shift -= 4) {
      if (point >> shift || shift <= 4) out += kHex[point >> shift & 15];
    }
    out += '}';
    i += size;
  }
  return out;
}

}  // namespace postrider::relay
