#include "mgmt/dialects/email_json.h"

#include <boost/json/array.hpp>
#include <numeric>
#include <string>

#include "mgmt/dialects/status_text.h"
#include "mgmt/json_values.h"
#include "providers/json_mail.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;
using Mailboxes = std::vector<providers::Mailbox>;

// "Name <user@example.com>" for people and programs that read UTF-8.
std::string readable(const providers::Mailbox& mailbox) {
  if (mailbox.name.empty()) return mailbox.email;
  if (!providers::has_specials(mailbox.name)) return mailbox.name + " <" + mailbox.email + ">";
  std::string quoted;
  for (const char c : mailbox.name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return "\"" + quoted + "\" <" + mailbox.email + ">";
}

json::array texts_of(const Mailboxes& mailboxes) {
  json::array out;
  for (const providers::Mailbox& mailbox : mailboxes) out.emplace_back(readable(mailbox));
  return out;
}

json::object party_of(const providers::Mailbox& mailbox) {
  return {{"email", mailbox.email}, {"name", text_or_null(mailbox.name)}};
}

json::value or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

// Who a message is from and to, as its reader sees it; the recipients that the header does not name are in bcc.
struct Parties {
  providers::Mailbox from;
  Mailboxes to, cc, bcc;

  Mailboxes all() const {
    Mailboxes everybody = to;
    everybody.insert(everybody.end(), cc.begin(), cc.end());
    everybody.insert(everybody.end(), bcc.begin(), bcc.end());
    return everybody;
  }
};

Parties parties_of(const MessageRecord& message, const providers::MimeView& view) {
  std::vector<std::uint32_t> everybody(message.recipients.size());
  std::iota(everybody.begin(), everybody.end(), 0u);
  providers::HeaderRecipients split = providers::split_by_header(view, message, everybody);
  Parties parties;
  parties.from = view.from.empty() ? providers::Mailbox{{}, message.envelope.sender.str()} : view.from.front();
  parties.to = std::move(split.to);
  parties.cc = std::move(split.cc);
  parties.bcc = std::move(split.bcc);
  return parties;
}

std::string subject_of(const MessageRecord& message, const providers::MimeView& view) {
  return view.subject.empty() ? message.envelope.subject : view.subject;
}

void add_resend(json::object& out, const MessageRecord& message, const std::vector<Event>& history,
                const StoredMail& mail, const Parties& parties, const EmailAsked& asked) {
  const bool scheduled = message.state() == RecipientState::queued && message.due() > asked.now;
  out["object"] = "email";
  out["id"] = asked.id;
  out["from"] = readable(parties.from);
  out["to"] = texts_of(parties.to);
  out["cc"] = texts_of(parties.cc);
  out["bcc"] = texts_of(parties.bcc);
  out["reply_to"] = texts_of(mail.view.reply_to);
  out["created_at"] = format_rfc3339(message.envelope.created_at);
  out["scheduled_at"] = time_or_null(scheduled ? message.due() : Time{});
  out["subject"] = subject_of(message, mail.view);
  out["text"] = or_null(mail.text);
  out["html"] = or_null(mail.html);
  out["last_event"] = last_event(message, history, asked.now);
}

void add_woowup(json::object& out, const MessageRecord& message, const std::vector<Event>& history,
                const StoredMail& mail, const Parties& parties, const EmailAsked& asked) {
  const MessageId& batch = message.envelope.batch;
  const RecipientState state = message.state();
  json::array destinations;
  for (const providers::Mailbox& mailbox : parties.all()) destinations.emplace_back(party_of(mailbox));
  if (asked.id != message.id.uuid()) out["from"] = party_of(parties.from);
  out["destinations"] = std::move(destinations);
  out["plainContent"] = or_null(mail.text);
  out["batchId"] = text_or_null(batch.is_nil() ? "" : batch.str());
  out["status"] = to_string(state);
  out["sent"] = state == RecipientState::sent || state == RecipientState::delivered;
  out["retries"] = retries_in(history);
  out["expiresAt"] = time_or_null(message.envelope.expires_at);
}

void add_babygun(json::object& out, const MessageRecord& message, const std::vector<Event>& history,
                 const StoredMail& mail, const Parties& parties, const EmailAsked& asked) {
  std::string recipients;
  for (const providers::Mailbox& mailbox : parties.all())
    recipients.append(recipients.empty() ? "" : ", ").append(readable(mailbox));
  out["Subject"] = subject_of(message, mail.view);
  out["Body"] = or_null(mail.shown());
  out["Sender"] = readable(parties.from);
  out["Recipient"] = recipients;
  out["CreatedAt"] = format_rfc3339(message.envelope.created_at);
  out["UpdatedAt"] = format_rfc3339(updated_at(message, history));
  out["Status"] = to_string(message.state());
  out["Reason"] = status_sentence(message, asked.now);
  out["Tries"] = tries_of(message);
}

}  // namespace

json::object email_json(const MessageRecord& message, const std::vector<Event>& history, const StoredMail& mail,
                        const EmailAsked& asked) {
  const Parties parties = parties_of(message, mail.view);
  json::object out;
  add_resend(out, message, history, mail, parties, asked);
  add_woowup(out, message, history, mail, parties, asked);
  add_babygun(out, message, history, mail, parties, asked);
  out["note"] = text_or_null(mail.note);
  return out;
}

}  // namespace postrider::mgmt
