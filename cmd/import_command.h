// `postrider import postfix|msmtp|ssmtp|nullmailer`: reads the other program's files, has core/import turn them into a
// postrider.toml, writes that, and says on stderr what is left to do.
#pragma once

#include <string>

#include "core/import.h"

namespace postrider::cmd {

struct ImportCommand {
  std::string program;                                // "postfix"
  std::string file;                                   // nullmailer: or its directory
  std::string sasl_passwd, master, aliases, generic;  // postfix; empty: not given
  std::string output;                                 // empty: stdout
  bool force = false;                                 // replace an output file that is there
  ImportOptions options;
};

// The exit code; throws CommandError for a file that cannot be read or written.
int run_import(const ImportCommand& command);

}  // namespace postrider::cmd
