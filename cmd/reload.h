// SIGHUP: reads the configuration again, puts in force what can be without a restart, and reports to the log: every change, what
// of it waits for a restart, or every fault. A configuration with a fault changes nothing. Lives on the main thread.
#pragma once

#include <optional>
#include <string>

#include "cmd/config_command.h"
#include "cmd/daemon.h"
#include "cmd/logging.h"

namespace postrider::cmd {

class Reloader {
 public:
  // `file`: what --config said; `started`: what the daemon was made with.
  Reloader(std::optional<std::string> file, LoadedConfig started, Daemon& daemon, OperatorLog& log);
  void reload();

 private:
  void refuse(const LoadedConfig& fresh);
  void report(const LoadedConfig& fresh);

  std::optional<std::string> file_;
  Daemon& daemon_;
  OperatorLog& log_;
  const ConfigResult started_;  // in force where an option needs a restart
  ConfigResult current_;        // in force where it does not
};

}  // namespace postrider::cmd
