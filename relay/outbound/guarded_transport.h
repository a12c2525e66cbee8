// GuardedTransport: keeps an upstream of a system that is not the production one from mailing the world. Recipients that the guard
// allows go to the transport behind it as they are; all others to one address of ours, into a Maildir, or nowhere. One per
// upstream and relay thread, on its Loop only. Decides per hand-over: nothing in the spool knows of it.
#pragma once

#include <memory>
#include <string>

#include "net/loop.h"
#include "relay/outbound/transport.h"

namespace postrider::relay {

struct GuardedTransportParts {
  net::Loop& loop;
  std::string upstream;  // its name, for people
  RecipientGuard guard;  // not empty
  std::unique_ptr<Transport> inner;
  std::unique_ptr<Transport> capture;  // with guard.capture, else null
};

// One hand-over becomes at most two: of the allowed recipients, and of the message for all the others together. They share the body,
// which is kept in memory from the one to the other; where it is larger than kMaxSharedBody the others wait for the next
// try, when the allowed ones are done with.
std::unique_ptr<Transport> make_guarded_transport(GuardedTransportParts parts);

inline constexpr std::uint64_t kMaxSharedBody = 64u << 20;

}  // namespace postrider::relay
