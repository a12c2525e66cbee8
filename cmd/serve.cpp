#include "cmd/serve.h"

#include <sys/stat.h>

#include <iostream>

#include "cmd/config_command.h"
#include "cmd/daemon.h"
#include "cmd/data_dir.h"
#include "cmd/exit_codes.h"
#include "cmd/logging.h"
#include "cmd/reload.h"
#include "cmd/signals.h"
#include "net/limits.h"
#include "storage/lmdb_store.h"

namespace postrider::cmd {

namespace {

LoadedConfig load_or_throw(const std::optional<std::string>& file) {
  LoadedConfig loaded = load_config(file);
  print_findings(loaded);
  if (!loaded.ok()) throw CommandError(EX_CONFIG, "the configuration has faults; nothing was started");
  return loaded;
}

}  // namespace

int run_serve(const std::optional<std::string>& config_file) {
  const LoadedConfig loaded = load_or_throw(config_file);
  const Config& config = loaded.result.config;
  Signals signals;
  const auto log = make_stderr_log({config.log.level, config.log.format});
  ::umask(077);
  const std::uint64_t open_files = net::raise_open_files();
  prepare_data_dir(config.server.data_dir);

  try {
    Daemon daemon(config, *log);
    daemon.start();
    log->info("daemon.ready", {{"version", POSTRIDER_VERSION},
                               {"config", loaded.file.empty() ? "built-in" : loaded.file},
                               {"open_files", std::to_string(open_files)}});
    std::cout << daemon.summary() << std::endl;

    Reloader reloader(config_file, loaded, daemon, *log);
    while (signals.wait() == DaemonSignal::reload) reloader.reload();
    signals.end_at_once_on_next();
    log->info("daemon.stopping", {});
    daemon.stop();
  } catch (const storage::SpoolError& error) {
    throw CommandError(EX_UNAVAILABLE, error.what());
  }
  log->info("daemon.stopped", {});
  return EX_OK;
}

}  // namespace postrider::cmd
