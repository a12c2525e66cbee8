#include "relay/inbound/maildrop_file.h"

#include <algorithm>
#include <utility>

#include "relay/smtp/command_parser.h"

namespace postrider::relay {
namespace {

constexpr std::string_view kMagic = "postrider-maildrop 1";
constexpr std::string_view kKeyWord = "KEY ";
constexpr std::size_t kMaxKey = 256;

std::string notify_parameter(const Notify& notify) {  // RFC 3461 4.1
  if (!notify.given()) return {};
  if (notify.never) return " NOTIFY=NEVER";
  std::string words;
  if (notify.success) words += ",SUCCESS";
  if (notify.failure) words += ",FAILURE";
  if (notify.delay) words += ",DELAY";
  return " NOTIFY=" + words.substr(1);
}

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= kMaxKey &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::string encode_maildrop(const MaildropEnvelope& envelope) {
  const std::string sender = envelope.sender.str();
  std::string out(kMagic);
  out += "\nMAIL FROM:<" + sender + "> SIZE=" + std::to_string(envelope.size);
  if (envelope.smtputf8 || smtp::has_eight_bit(sender)) out += " SMTPUTF8";
  if (envelope.ret != DsnReturn::unset) out += envelope.ret == DsnReturn::full ? " RET=FULL" : " RET=HDRS";
  if (!envelope.envid.empty()) out += " ENVID=" + envelope.envid;
  out += '\n';
  if (!envelope.key.empty()) out.append(kKeyWord).append(envelope.key) += '\n';
  for (const MaildropRecipient& recipient : envelope.recipients) {
    out += "RCPT TO:<" + recipient.address.str() + '>' + notify_parameter(recipient.notify);
    if (!recipient.orcpt.empty()) out += " ORCPT=" + recipient.orcpt;
    out += '\n';
  }
  return out += '\n';
}

MaildropReader::Step MaildropReader::feed(std::string_view octets) {
  std::size_t consumed = 0;
  while (consumed < octets.size()) {
    const std::string_view rest = octets.substr(consumed);
    const std::size_t end = rest.find('\n');
    const std::string_view piece = rest.substr(0, end);
    if (!std::exchange(under_way_, end == std::string_view::npos)) ++lines_;
    if (line_.size() + piece.size() > kMaxMaildropLine) return {refuse("is longer than 4096 octets"), consumed};
    line_ += piece;
    if (end == std::string_view::npos) return {Status::need_more, octets.size()};
    consumed += end + 1;
    const Status status = take_line(line_);
    line_.clear();
    if (status != Status::need_more) return {status, consumed};
  }
  return {Status::need_more, consumed};
}

MaildropReader::Status MaildropReader::take_line(std::string_view line) {
  switch (expect_) {
    case Expect::magic:
      if (line != kMagic) return refuse("is not that of a drop file of version 1");
      expect_ = Expect::mail;
      return Status::need_more;
    case Expect::mail:
      return take_mail(line);
    case Expect::recipients:
      if (line.empty()) return envelope_.recipients.empty() ? refuse("names no recipient") : Status::complete;
      if (line.starts_with(kKeyWord)) return take_key(line.substr(kKeyWord.size()));
      return take_recipient(line);
  }
  return refuse("was not expected");
}

MaildropReader::Status MaildropReader::take_mail(std::string_view line) {
  const smtp::Command command = smtp::parse_command(line);
  if (command.verb != smtp::Verb::mail) return refuse("is not MAIL");
  auto mail = smtp::parse_mail(command.argument, smtp::ParameterRules());
  if (!mail.has_value()) return refuse("is refused: " + mail.error().text());
  if (!mail->size) return refuse("does not say SIZE");
  envelope_.sender = std::move(mail->sender);
  envelope_.ret = mail->ret;
  envelope_.envid = std::move(mail->envid);
  envelope_.smtputf8 = mail->smtputf8;
  envelope_.size = *mail->size;
  expect_ = Expect::recipients;
  return Status::need_more;
}

MaildropReader::Status MaildropReader::take_key(std::string_view key) {
  if (!envelope_.key.empty() || !envelope_.recipients.empty() || !is_key(key)) return refuse("is no idempotency key");
  envelope_.key = key;
  return Status::need_more;
}

MaildropReader::Status MaildropReader::take_recipient(std::string_view line) {
  const smtp::Command command = smtp::parse_command(line);
  if (command.verb != smtp::Verb::rcpt) return refuse("is not RCPT");
  if (envelope_.recipients.size() == kMaxMaildropRecipients) return refuse("is the recipient after the thousandth");
  auto rcpt = smtp::parse_rcpt(command.argument, smtp::ParameterRules());
  if (!rcpt.has_value()) return refuse("is refused: " + rcpt.error().text());
  envelope_.recipients.push_back({std::move(rcpt->recipient), std::move(rcpt->orcpt), rcpt->notify});
  return Status::need_more;
}

MaildropReader::Status MaildropReader::refuse(std::string fault) {
  fault_ = "line " + std::to_string(lines_) + " " + std::move(fault);
  return Status::bad;
}

}  // namespace postrider::relay
