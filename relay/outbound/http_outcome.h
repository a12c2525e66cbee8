// What came of one HTTP call, as outcomes of its recipients: the counterpart of smtp_outcome.h. What an answer means is the
// provider's knowledge; what the lack of one means is decided here. Pure. The table is in tests/unit/relay/http_outcome_test.cpp.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/message.h"
#include "net/http_sender.h"
#include "providers/provider.h"
#include "relay/outbound/smtp_outcome.h"

namespace postrider::relay {

// A call that ended without an answer. It is uncertain once the other side may have had all of the body; an HTTP server cannot
// take a message of which it did not get the announced length (RFC 9112 8, RFC 9113 8.1.1).
Verdict judge_http_break(const net::HttpOutcome& outcome);
// The same for a request that hands nothing over: never uncertain.
Verdict judge_probe_break(const net::HttpOutcome& outcome);

// The outcomes of `recipients` by the reading of an answer to a call for them.
std::vector<RecipientOutcome> outcomes_of(const providers::Reading& reading, std::span<const std::uint32_t> recipients);
std::vector<RecipientOutcome> outcomes_of(const Verdict& verdict, std::span<const std::uint32_t> recipients);

// Whether a call that ended so says enough of the upstream that the rest of the message need not be tried there now.
bool ends_the_attempt(const Verdict& verdict);

}  // namespace postrider::relay
