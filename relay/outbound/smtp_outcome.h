// What a reply, or the lack of one, means for a message: the one place that maps SMTP failures to outcomes. Pure. What it does
// not know is deferred. The table is in tests/unit/relay/smtp_outcome_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/message.h"
#include "core/reply.h"

namespace postrider::relay {

struct Verdict {
  OutcomeKind kind = OutcomeKind::deferred;
  Reason reason;
  bool day_used_up = false;  // the throttle is a quota of a day's mail: nothing more is taken for hours
};

// How a dialogue ended without a reply.
enum class Break : std::uint8_t {
  closed,     // the peer closed or reset the connection
  timed_out,  // our deadline passed
  garbage,    // what came was no SMTP
  stopped,    // we are shutting down
};

// `reply` is the answer to the command of `stage` and not the one that was hoped for. `accepted`: recipients that the hop had
// taken before in the same transaction.
Verdict judge_reply(Stage stage, const Reply& reply, std::size_t accepted = 0);
Verdict judge_break(Stage stage, Break how, std::string_view detail);
// Our own finding, before or instead of an answer: route for TLS and login, capability for what the hop cannot take.
Verdict judge_finding(Stage stage, Cause cause, std::string_view enhanced, std::string_view text);
Verdict judge_sent(const Reply& reply);

// The hop takes no more recipients in this transaction, which says nothing about this one (RFC 5321 4.5.3.1.10). To the first of
// them a bare 552 is what RFC 5321 has it for: the mailbox is full.
bool is_too_many_recipients(const Reply& reply, std::size_t accepted);

// The worse of two for the record of an attempt: sent, deferred, bounced, uncertain.
bool worse(OutcomeKind a, OutcomeKind b);
// The attempt as a whole means what its worst recipient got; it has one.
void summarise(Attempt& attempt);

}  // namespace postrider::relay
