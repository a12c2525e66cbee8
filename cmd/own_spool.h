// The spool opened for writing by a command, while no daemon holds it. With one, the command asks that instead.
#pragma once

#include <memory>
#include <string>

#include "cmd/api_client.h"
#include "cmd/exit_codes.h"
#include "core/log.h"
#include "storage/store.h"

namespace postrider::cmd {

struct OwnSpool {
  std::unique_ptr<Log> log;
  std::unique_ptr<storage::Store> store;  // null: a daemon is to be asked. Closed by who takes it
  std::string data_dir;
  std::string why_not;  // when the spool could not be opened; empty when a daemon was named
};

// Unless --url or POSTRIDER_URL name a daemon. Throws CommandError for a faulty configuration.
OwnSpool open_own_spool(const ApiOptions& options);

// Asks the daemon, for a spool that could not be opened: most often it has it. What it says is added to `why_not`.
template <typename Ask>
void ask_daemon(const std::string& why_not, Ask ask) {
  try {
    ask();
  } catch (const CommandError& error) {
    throw why_not.empty() ? error : CommandError(error.exit_code(), why_not + "; and " + error.what());
  }
}

}  // namespace postrider::cmd
