// Filters of messages and events as they are given on the command line. Pure.
#pragma once

#include <string>

#include "cmd/api_client.h"
#include "core/time.h"

namespace postrider::cmd {

// Where people may say "2h" (ago), the API wants a time: since and until become RFC 3339. What is neither goes on as it is, for
// the daemon to refuse.
Parameters with_absolute_times(Parameters filters, Time now);
// Takes a numeric filter out of the list; `otherwise` when it is not there. Throws CommandError when it is not from 1 to `most`.
std::size_t take_number(Parameters& filters, const std::string& name, std::size_t otherwise, std::size_t most);
void set(Parameters& filters, const std::string& name, std::string value);

}  // namespace postrider::cmd
