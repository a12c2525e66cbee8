#include "cmd/sendmail_delivery.h"

#include <optional>

#include "cmd/exit_codes.h"
#include "cmd/sendmail_client.h"
#include "cmd/sendmail_drop.h"

namespace postrider::cmd {

namespace {

MessageRecord make_record(const relay::MaildropEnvelope& envelope, const SendmailSpool& text, bool eight_bit) {
  MessageRecord record;
  record.envelope.sender = envelope.sender;
  record.envelope.ret = envelope.ret;
  record.envelope.envid = envelope.envid;
  record.envelope.smtputf8 = envelope.smtputf8;
  record.envelope.eight_bit = eight_bit;
  record.body_size = text.size();
  for (const relay::MaildropRecipient& from : envelope.recipients) {
    Recipient recipient;
    recipient.address = from.address;
    recipient.orcpt = from.orcpt;
    recipient.notify = from.notify;
    record.recipients.push_back(std::move(recipient));
  }
  return record;
}

// "550 5.1.1 no such user", or what we found ourselves.
std::string answer_of(const Reason& reason) {
  std::string text;
  if (reason.code != 0) text = std::to_string(reason.code) + " ";
  if (!reason.enhanced.empty()) text += reason.enhanced + " ";
  return text + reason.text;
}

}  // namespace

Fate fate_of(const RecipientOutcome& outcome) {
  if (outcome.kind == OutcomeKind::sent) return Fate::accepted;
  if (outcome.kind == OutcomeKind::uncertain || outcome.reason.cause == Cause::throttle) return Fate::later;
  return outcome.reason.code >= 500 || outcome.reason.cause == Cause::capability ? Fate::refused : Fate::later;
}

int exit_code_of(const Reason& reason) {
  if (reason.stage == Stage::rcpt && reason.enhanced.starts_with("5.1.")) return EX_NOUSER;
  const bool about_the_text = reason.cause == Cause::capability || reason.stage >= Stage::data ||
                              reason.enhanced == "5.3.4" || reason.enhanced.starts_with("5.6.");
  return about_the_text ? EX_DATAERR : EX_UNAVAILABLE;
}

int SendmailDelivery::deliver(relay::MaildropEnvelope envelope) {
  const MessageRecord record = make_record(envelope, text_, eight_bit_);
  for (std::uint32_t i = 0; i < record.recipients.size(); ++i) waiting_.push_back(i);
  try {
    hand_over(record);
  } catch (const std::exception& error) {  // no memory, no threads, no TLS: the drop directory needs none of them
    last_reason_ = error.what();
  }
  if (!waiting_.empty()) leave(std::move(envelope));
  return exit_code_;
}

// Those the daemon would take in another transaction (RFC 5321 4.5.3.1.10) get one, while each takes some of them.
void SendmailDelivery::hand_over(const MessageRecord& record) {
  const auto shared = std::make_shared<const MessageRecord>(record);
  DaemonClient client(places_);
  for (std::size_t before = waiting_.size() + 1; !waiting_.empty() && waiting_.size() < before;) {
    before = waiting_.size();
    sort(record, client.deliver(shared, waiting_, text_));
  }
}

// Notes who was accepted or refused; the others go on waiting.
void SendmailDelivery::sort(const MessageRecord& record, const Attempt& attempt) {
  waiting_.clear();
  bool accepted = false;
  for (const RecipientOutcome& outcome : attempt.recipients) {
    switch (fate_of(outcome)) {
      case Fate::accepted:
        accepted = true;
        break;
      case Fate::later:
        waiting_.push_back(outcome.recipient);
        last_reason_ = answer_of(outcome.reason);
        break;
      case Fate::refused:
        if (exit_code_ == EX_OK) exit_code_ = exit_code_of(outcome.reason);
        troubles_.push_back(record.recipients[outcome.recipient].address.str() + ": " + answer_of(outcome.reason));
        break;
    }
  }
  const std::size_t id = attempt.remote_id.find("queued as ");
  if (accepted) successes_.push_back(id == std::string::npos ? attempt.remote_id : attempt.remote_id.substr(id));
}

void SendmailDelivery::leave(relay::MaildropEnvelope envelope) {
  const std::string why = "postrider at " + places_.smtp() + " does not take the message now: " + last_reason_;
  if (places_.maildrop.empty()) {
    exit_code_ = EX_TEMPFAIL;
    troubles_.push_back(why);
    troubles_.push_back("there is no drop directory (POSTRIDER_MAILDROP, or `maildrop` in " + std::string(kClientFile) +
                        "): send it again later");
    return;
  }
  std::vector<relay::MaildropRecipient> those;
  for (const std::uint32_t index : waiting_) those.push_back(std::move(envelope.recipients[index]));
  envelope.recipients = std::move(those);
  try {
    // Only where the administrator said: a caller could otherwise make files wherever the group may.
    std::optional<DropGroup::Use> group;
    if (places_.maildrop_from_file) group.emplace(group_);
    leave_in_maildrop(places_.maildrop, std::move(envelope), text_);
    successes_.push_back("left in " + places_.maildrop + " for the daemon to collect (" + why + ")");
  } catch (const CommandError& error) {
    exit_code_ = error.exit_code();
    troubles_.push_back(why);
    troubles_.push_back(error.what());
  }
}

}  // namespace postrider::cmd
