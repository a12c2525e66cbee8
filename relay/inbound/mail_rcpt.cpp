// MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3): the envelope.
#include "relay/inbound/commands.h"
#include "relay/inbound/replies.h"

namespace postrider::relay {
namespace {

// What Received says after "with": RFC 3848, and RFC 6531 4.3 for UTF8SMTP.
std::string protocol_name(const SessionContext& session, bool smtputf8) {
  if (!session.extended) return "SMTP";
  std::string name = smtputf8 ? "UTF8SMTP" : "ESMTP";
  if (session.standing.tls) name += 'S';
  if (session.standing.authenticated) name += 'A';
  return name;
}

std::string tls_name(SessionContext& session) {
  if (!session.standing.tls) return {};
  net::TlsInfo info = session.connection.stream().tls_info();
  return info.version + " with cipher " + info.cipher;
}

EnvelopeSpec make_envelope(SessionContext& session, smtp::MailArgument&& mail) {
  EnvelopeSpec envelope;
  envelope.door = Door::smtp;
  envelope.sender = std::move(mail.sender);
  envelope.envid = std::move(mail.envid);
  envelope.ret = mail.ret;
  envelope.smtputf8 = mail.smtputf8;
  envelope.declared_size = mail.size.value_or(0);
  if (session.user) {
    envelope.tenant = session.user->name;
    envelope.bound_senders = session.user->senders;
    envelope.guard = session.user->guard;
  }
  envelope.may_steer = may_steer(session.standing);
  if (mail.hold_for) envelope.steering.hold_for = *mail.hold_for;
  if (mail.hold_until) envelope.steering.send_at = *mail.hold_until;
  if (envelope.may_steer && mail.priority) envelope.steering.lane = lane_of_priority(*mail.priority);
  envelope.client_address = session.client.str();
  envelope.helo = session.helo;
  envelope.protocol = protocol_name(session, mail.smtputf8);
  envelope.tls = tls_name(session);
  return envelope;
}

}  // namespace

Reply handle_mail(SessionContext& session, std::string_view argument) {
  const SessionLimits& limits = session.options->limits;
  if (limits.max_transactions != 0 && session.transactions >= limits.max_transactions) return replies::kTooManyMessages;
  ++session.transactions;
  smtp::ParameterRules rules;
  rules.extended = session.extended;
  rules.priority = true;
  rules.future_release = may_steer(session.standing) && session.parts.submission.max_hold() > Duration::zero();
  auto mail = smtp::parse_mail(argument, rules);
  if (!mail.has_value()) return mail.error();
  const std::uint64_t size = mail->size.value_or(0);
  if (size > limits.max_message_size) return replies::kTooBig;
  if (auto refused = session.parts.submission.can_accept(size)) return *refused;

  const int asked_priority = mail->priority.value_or(0);
  Transaction transaction;
  transaction.smtputf8 = mail->smtputf8;
  transaction.envelope = make_envelope(session, std::move(*mail));
  if (auto refused = session.parts.submission.check_sender(transaction.envelope)) return *refused;
  const bool priority_changed = asked_priority != 0 && !transaction.envelope.may_steer;
  session.transaction = std::move(transaction);
  session.transaction_ends = session.parts.clock.monotonic() + limits.transaction_timeout;
  if (priority_changed) return replies::kPriorityChanged;
  return replies::kSenderOk;
}

Reply handle_rcpt(SessionContext& session, std::string_view argument) {
  Transaction& transaction = *session.transaction;
  transaction.refused_recipients = true;  // until the end says otherwise; only asked for while there is no good one
  smtp::ParameterRules rules;
  rules.extended = session.extended;
  rules.smtputf8 = transaction.smtputf8;
  auto rcpt = smtp::parse_rcpt(argument, rules);
  if (!rcpt.has_value()) return rcpt.error();
  // 452, so that a client sends the rest in another transaction (RFC 5321 4.5.3.1.10).
  if (transaction.envelope.recipients.size() >= session.options->limits.max_recipients)
    return replies::kTooManyRecipients;
  RecipientSpec recipient;
  recipient.address = std::move(rcpt->recipient);
  recipient.orcpt = std::move(rcpt->orcpt);
  recipient.notify = rcpt->notify;
  if (auto refused = session.parts.submission.check_recipient(transaction.envelope, recipient)) return *refused;
  transaction.envelope.recipients.push_back(std::move(recipient));
  return replies::kRecipientOk;
}

}  // namespace postrider::relay
