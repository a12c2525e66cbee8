// A reason as one sentence for people: whose fault it was, where, and what the other side said. Pure.
#pragma once

#include <string>

#include "core/outcome.h"

namespace postrider::mgmt {

// "recipient refused at RCPT TO: 550 5.1.1 no such user"; empty when there is nothing to say.
std::string reason_sentence(const Reason& reason);

}  // namespace postrider::mgmt
