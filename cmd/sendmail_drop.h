// Leaves messages in the drop directory, for the daemon to collect. On return they are on stable storage, all of them, under names
// that say they are whole; the layout is in relay/inbound/maildrop_file.h.
#pragma once

#include <string>
#include <vector>

#include "cmd/sendmail_spool.h"
#include "relay/inbound/maildrop_file.h"

namespace postrider::cmd {

// One file for each kMaxMaildropRecipients of the envelope's recipients; `size` is set here. Throws CommandError (EX_TEMPFAIL) and
// leaves nothing behind when the directory does not take it.
void leave_in_maildrop(const std::string& directory, relay::MaildropEnvelope envelope, const SendmailSpool& message);

}  // namespace postrider::cmd
