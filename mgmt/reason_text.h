// A reason as one sentence for people: whose fault it was, where, and what the other side said, each once. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/message.h"

namespace postrider::mgmt {

// "recipient refused at RCPT TO: 550 5.1.1 no such user"; empty when there is nothing to say.
std::string reason_sentence(const Reason& reason);
// Why a body that was removed is not there, of the message with this history.
std::string_view removed_body_sentence(const std::vector<Event>& history);

}  // namespace postrider::mgmt
