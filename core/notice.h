// Who is told what (RFC 3461, RFC 3464): pure rules over an envelope, a recipient and the state it reached. The store applies
// them when it settles and retires, so that the debt is in the same transaction as its cause; relay/outbound writes the
// notices. The table is in docs/one-message.md and tests/unit/core/notice_test.cpp.
#pragma once

#include "core/message.h"

namespace postrider {

// After this time without delivery a sender who asked for NOTIFY=DELAY is told, once (RFC 3461 4.1; RFC 5321 4.5.4.1 has
// no figure, 4 hours is what relays commonly use).
inline constexpr Duration kDelayNotice = std::chrono::hours(4);

// What `recipient`, which has just reached its state by an attempt, owes the sender of `envelope`. `hop_notifies`: the hop
// that took it speaks DSN itself. A failure the route caused owes nothing yet: it may be revived; see notice_when_parked_ends.
Notice notice_owed(const Envelope& envelope, const Recipient& recipient, bool hop_notifies, Time now);

// What a failed recipient owes when its body is removed and nothing can bring it back.
Notice notice_when_parked_ends(const Envelope& envelope, const Recipient& recipient);

}  // namespace postrider
