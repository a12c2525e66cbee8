// `postrider serve`: the daemon, from its first line of log to its last.
#pragma once

#include <optional>
#include <string>

namespace postrider::cmd {

// Returns after SIGTERM or SIGINT with EX_OK, or throws CommandError when it cannot start.
int run_serve(const std::optional<std::string>& config_file);

}  // namespace postrider::cmd
