#include "cmd/serve.h"

#include <sys/stat.h>

#include <iostream>
#include <set>

#include "cmd/config_command.h"
#include "cmd/daemon.h"
#include "cmd/data_dir.h"
#include "cmd/exit_codes.h"
#include "cmd/logging.h"
#include "cmd/signals.h"
#include "core/config_options.h"
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

// The options that differ and are not reloaded, for the log.
std::string waiting_for_restart(const ConfigResult& running, const ConfigResult& fresh) {
  const auto shown = [](const ConfigResult& result) {
    std::set<std::pair<std::string, std::string>> all;
    for (const EffectiveValue& value : result.values) {
      const Option* option = find_option(value.section, value.name);
      if (option != nullptr && option->effect == Effect::reload) continue;
      all.emplace(value.section + "." + value.name, std::to_string(value.instance) + "=" + value.toml);
    }
    return all;
  };
  const auto before = shown(running), after = shown(fresh);
  std::set<std::string> names;
  for (const auto& one : before)
    if (!after.count(one)) names.insert(one.first);
  for (const auto& one : after)
    if (!before.count(one)) names.insert(one.first);
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void reload(const std::optional<std::string>& file, const LoadedConfig& running, Daemon& daemon, OperatorLog& log) {
  const LoadedConfig fresh = load_config(file);
  if (!fresh.ok()) {
    for (const ConfigFinding& fault : fresh.result.faults) log.error("config.refused", {{"fault", fault.str()}});
    return;
  }
  try {
    daemon.reload(fresh.result.config);
  } catch (const CommandError& error) {
    log.error("config.refused", {{"fault", error.what()}});
    return;
  }
  log.info("config.reloaded", {{"needs_restart", waiting_for_restart(running.result, fresh.result)}});
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

    while (signals.wait() == DaemonSignal::reload) reload(config_file, loaded, daemon, *log);
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
