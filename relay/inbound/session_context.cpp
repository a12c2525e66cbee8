#include "relay/inbound/session_context.h"

#include <algorithm>

#include "relay/inbound/replies.h"

namespace postrider::relay {

SessionContext::SessionContext(const SessionParts& p, std::shared_ptr<const SmtpOptions> o,
                               std::shared_ptr<const ListenerPolicy> l, std::unique_ptr<net::Stream> stream)
    : parts(p),
      options(std::move(o)),
      listener(std::move(l)),
      connection(std::move(stream), options->limits.idle_timeout),
      lines(options->limits.max_command_line, options->limits.bare_newline) {}

bool SessionContext::tls_offered() const {
  return options->tls && listener->tls == ListenerTls::starttls && !standing.tls;
}

bool SessionContext::auth_offered() const {
  return !standing.authenticated && may_authenticate(options->access, standing);
}

void SessionContext::forget_client() {
  transaction.reset();
  helo.clear();
  extended = false;
  user.reset();
  standing.authenticated = false;
  lines.reset();
}

Duration SessionContext::wait_limit(Duration usual) const {
  if (!transaction) return usual;
  Duration left = transaction_ends - parts.clock.monotonic();
  return std::clamp(left, Duration(0), usual);
}

Reply SessionContext::parting_reply() const {
  switch (connection.gone()) {
    case Gone::timed_out: {
      bool too_slow = transaction && parts.clock.monotonic() >= transaction_ends;
      return too_slow ? replies::kTooSlow : replies::kIdleTimeout;
    }
    case Gone::stopped:
      return replies::kGoingDown;
    case Gone::closed:
    case Gone::no:
      break;
  }
  return kSilentEnd;
}

}  // namespace postrider::relay
