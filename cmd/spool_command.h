// `postrider spool ...`: the spool on disk, beside a running daemon or without one. stat, list, show, cat, verify, export and
// backup only read and take no lock; compact and salvage need the daemon stopped. Each function gives the exit code.
#pragma once

#include <string>

#include "cmd/queue_command.h"
#include "cmd/spool_place.h"

namespace postrider::cmd {

int run_spool_stat(const SpoolPlace& place, bool json);
int run_spool_list(const SpoolPlace& place, const ListOptions& options);
int run_spool_show(const SpoolPlace& place, const std::string& id, bool json, bool absolute = false);
int run_spool_cat(const SpoolPlace& place, const std::string& id);
// EX_DATAERR when something is damaged; the same for what follows.
int run_spool_verify(const SpoolPlace& place, bool json);

// One file ID.eml and one ID.json a message, in a new directory.
struct ExportOptions {
  Parameters filters;  // as of a listing
  std::string output;
  bool json = false;
};
int run_spool_export(const SpoolPlace& place, const ExportOptions& options);

struct BackupOptions {
  std::string output;
  bool keep_live = false;  // what is live stays so, and is sent when a daemon starts on the copy
  bool json = false;
};
int run_spool_backup(const SpoolPlace& place, const BackupOptions& options);

int run_spool_compact(const SpoolPlace& place, bool json);

struct SalvageOptions {
  std::string output;
  bool with_users = false;
  bool json = false;
};
int run_spool_salvage(const SpoolPlace& place, const SalvageOptions& options);

}  // namespace postrider::cmd
