// What sendmail does with a message that is complete: hands it to the daemon, as many transactions as its recipients need, sorts the
// answers, and leaves the rest in the drop directory. One per message.
#pragma once

#include <string>
#include <vector>

#include "cmd/sendmail_places.h"
#include "cmd/sendmail_privilege.h"
#include "cmd/sendmail_spool.h"
#include "core/message.h"
#include "relay/inbound/maildrop_file.h"

namespace postrider::cmd {

// What an answer of the daemon means for whoever called: unlike towards a smarthost there is nobody else to ask, so that every
// permanent code is final.
enum class Fate : unsigned char { accepted, refused, later };
Fate fate_of(const RecipientOutcome& outcome);
// EX_NOUSER, EX_DATAERR or EX_UNAVAILABLE, with Fate::refused.
int exit_code_of(const Reason& reason);

class SendmailDelivery {
 public:
  SendmailDelivery(const ClientPlaces& places, const DropGroup& group, const SendmailSpool& text, bool eight_bit)
      : places_(places), group_(group), text_(text), eight_bit_(eight_bit) {}

  // EX_OK when every recipient was accepted or is in the drop directory; else the code of the first one refused.
  int deliver(relay::MaildropEnvelope envelope);

  const std::vector<std::string>& troubles() const { return troubles_; }    // sentences, in order
  const std::vector<std::string>& successes() const { return successes_; }  // "queued as 01kg9..."

 private:
  void hand_over(const MessageRecord& record);
  void sort(const MessageRecord& record, const Attempt& attempt);
  void leave(relay::MaildropEnvelope envelope);

  const ClientPlaces& places_;
  const DropGroup& group_;
  const SendmailSpool& text_;
  const bool eight_bit_;
  int exit_code_ = 0;
  std::vector<std::uint32_t> waiting_;  // recipients nobody has taken or refused yet
  std::string last_reason_;             // why they wait
  std::vector<std::string> troubles_, successes_;
};

}  // namespace postrider::cmd
