// `spool salvage`: reads a damaged data.mdb without the database's tree and puts what is whole into a new spool. The old file is
// only read. docs/spool.md, "Salvage", says what comes back, what does not, and which version of a message wins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/id.h"
#include "storage/lmdb_store.h"

namespace postrider::storage {

struct SalvageRequest {
  std::string output_dir;   // becomes a data_dir; must not exist
  bool with_users = false;  // also logins and API keys: one that was removed long ago may be among them
  OnProgress on_progress;
};

struct SalvageReport {
  std::uint64_t pages = 0, unreadable_pages = 0;
  std::uint64_t broken_values = 0;  // begun in the file and not whole: damage, or remains in free pages
  std::uint64_t old_versions = 0;  // values that a newer one of the same message, or the same one elsewhere, stands for

  std::uint64_t messages = 0, chunks = 0, events = 0;  // in the new spool
  std::uint64_t finished = 0;                          // of the messages: at rest, history only
  std::uint64_t held = 0;                              // of the messages: live, to be released
  std::uint64_t already_held = 0;                      // of the messages: held before
  std::vector<std::string> users, api_keys;            // names that were found, brought back or not
  std::uint64_t suppressions = 0;                      // entries of the suppression list, in the new spool
  std::uint64_t file_bytes = 0;

  // Lists of at most kMaxListedFaults, each with its count.
  std::uint64_t without_body_count = 0;  // live, held, but never to be sent: cancel them
  std::vector<MessageId> without_body;
  std::uint64_t without_record_count = 0;  // only events are left, and the last one was not final
  std::vector<MessageId> without_record;
  std::uint64_t with_gaps = 0;  // messages whose history misses events

  bool complete() const {
    return unreadable_pages == 0 && without_body_count == 0 && without_record_count == 0 && with_gaps == 0;
  }
};

// With the daemon stopped. Throws SpoolError.
SalvageReport salvage_spool(const SpoolOptions& damaged, const SalvageRequest& request);

}  // namespace postrider::storage
