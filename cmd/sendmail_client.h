// sendmail as an SMTP client of the daemon: the transport of relay/outbound, the same that talks to smarthosts, on a Loop of its own
// that the calling thread runs. One per message.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cmd/sendmail_places.h"
#include "cmd/sendmail_spool.h"
#include "net/task_group.h"
#include "relay/outbound/smtp_transport.h"

namespace postrider::cmd {

class DaemonClient {
 public:
  explicit DaemonClient(const ClientPlaces& places);
  ~DaemonClient();

  // One transaction for those recipients of the record. Never fails: an attempt that came to nothing says why.
  Attempt deliver(std::shared_ptr<const MessageRecord> message, std::vector<std::uint32_t> recipients,
                  const SendmailSpool& text);

 private:
  net::Loop loop_{"sendmail"};
  net::Resolver resolver_{net::ResolverOptions()};
  relay::Upstream daemon_;
  std::unique_ptr<relay::Transport> transport_;
  std::string failure_;  // of a task that ended by an exception
  net::TaskGroup tasks_;
};

}  // namespace postrider::cmd
