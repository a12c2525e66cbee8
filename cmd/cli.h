// The command line: which subcommands there are and what they take. Runs one and gives its exit code (sysexits.h).
#pragma once

namespace postrider::cmd {

int run(int argc, const char* const* argv);

}  // namespace postrider::cmd
