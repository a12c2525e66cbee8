#include "cmd/reload.h"

#include <algorithm>

#include "cmd/exit_codes.h"
#include "core/config_changes.h"

namespace postrider::cmd {

namespace {

constexpr std::size_t kMaxShown = 200;  // octets of a value in the log

// The log quotes what needs it: a literal's own quotes would only stand twice.
std::string shown(const std::string& literal) {
  const bool plain = literal.size() >= 2 && literal.front() == '"' && literal.find('\\') == std::string::npos;
  const std::string value = plain ? literal.substr(1, literal.size() - 2) : literal;
  return value.size() > kMaxShown ? value.substr(0, kMaxShown) + "..." : value;
}

// What stands under "to" in the log.
std::string outcome_of(const ConfigChange& change) {
  switch (change.kind) {
    case ConfigChange::Kind::changed:
      return shown(change.after);
    case ConfigChange::Kind::added:
      return "added";
    case ConfigChange::Kind::removed:
      return "removed";
  }
  return {};
}

}  // namespace

Reloader::Reloader(std::optional<std::string> file, LoadedConfig started, Daemon& daemon, OperatorLog& log)
    : file_(std::move(file)),
      daemon_(daemon),
      log_(log),
      started_(started.result),
      current_(std::move(started.result)) {}

void Reloader::reload() {
  LoadedConfig fresh = load_config(file_);
  check_on_this_machine(fresh);
  if (!fresh.ok()) return refuse(fresh);
  Config config = fresh.result.config;
  // The report is written at the more talkative of the two levels, so that a change to `error` can be seen too.
  config.log.level = std::min(config.log.level, current_.config.log.level);
  try {
    daemon_.reload(config);
  } catch (const CommandError& error) {
    fresh.result.faults.push_back({{}, {}, {}, error.what()});
    return refuse(fresh);
  }
  report(fresh);
  log_.set_level(fresh.result.config.log.level);
  current_ = std::move(fresh.result);
}

void Reloader::refuse(const LoadedConfig& fresh) {
  for (const ConfigFinding& fault : fresh.result.faults)
    log_.error("config.fault", {{"at", fault.place(fresh.file)}, {"key", fault.key}, {"text", fault.text}});
  log_.error("config.refused", {{"file", fresh.file}, {"faults", std::to_string(fresh.result.faults.size())}});
}

void Reloader::report(const LoadedConfig& fresh) {
  for (const ConfigFinding& warning : fresh.result.warnings)
    log_.warn("config.warning", {{"at", warning.place(fresh.file)}, {"key", warning.key}, {"text", warning.text}});
  std::size_t changed = 0, waiting = 0;
  for (const ConfigChange& change : changes_between(current_, fresh.result)) {
    if (change.effect == Effect::restart) continue;
    log_.info("config.changed", {{"key", change.key}, {"from", shown(change.before)}, {"to", outcome_of(change)}});
    ++changed;
  }
  for (const ConfigChange& change : changes_between(started_, fresh.result)) {
    if (change.effect == Effect::reload) continue;
    log_.warn("config.needs_restart",
              {{"key", change.key}, {"from", shown(change.before)}, {"to", outcome_of(change)}});
    ++waiting;
  }
  log_.info("config.reloaded", {{"file", fresh.file.empty() ? "built-in" : fresh.file},
                                {"changed", std::to_string(changed)},
                                {"needs_restart", std::to_string(waiting)}});
}

}  // namespace postrider::cmd
