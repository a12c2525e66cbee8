// `postrider spool stat|list|show|cat|verify`: the spool on disk, read only, beside a running daemon or without one. Takes no
// lock and changes nothing. Each function gives the exit code.
#pragma once

#include <optional>
#include <string>

#include "cmd/queue_command.h"

namespace postrider::cmd {

// Where the spool is: --data-dir, else the configuration's.
struct SpoolPlace {
  std::string data_dir;
  std::optional<std::string> config_file;
};

int run_spool_stat(const SpoolPlace& place, bool json);
int run_spool_list(const SpoolPlace& place, const ListOptions& options);
int run_spool_show(const SpoolPlace& place, const std::string& id, bool json);
int run_spool_cat(const SpoolPlace& place, const std::string& id);
// EX_DATAERR when something is damaged.
int run_spool_verify(const SpoolPlace& place, bool json);

}  // namespace postrider::cmd
