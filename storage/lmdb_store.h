// The door to the LMDB spool: the one header of it that others include. Opening throws SpoolError with a sentence for
// people; after that the Store contract holds (storage/store.h).
//
// Threads it starts: `spool-writer`, the only one that writes, and `spool-reader-N`. docs/spool.md has layout and crash table.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "core/log.h"
#include "core/time.h"
#include "storage/store.h"

namespace postrider::storage {

inline constexpr std::uint64_t kLeastSpoolSize = 16ull << 20;

struct SpoolOptions {
  std::string data_dir;                          // the spool lies in data_dir/spool
  std::uint64_t max_size = 16ull << 30;          // of the database, at least kLeastSpoolSize
  std::uint32_t high_water_percent = 90;         // 1 to 95: over it accept and stage answer `full`
  std::chrono::microseconds commit_delay{1500};  // how long a commit waits for more accepts while several clients send
  Duration settle_delay{20};                     // how long a settle waits for company
  std::uint64_t batch_bytes = 4ull << 20;        // of bodies and records in one commit
  std::uint64_t reserve_bytes = 16ull << 20;     // of disk kept back for settles and deletes
  std::uint32_t readers = 2;
  std::uint32_t max_interruptions = 3;  // crashes of ours after which a message is held

  std::function<Time()> now;  // for recovery and repair; default: the system's clock
  std::function<std::uint64_t(const std::string&)>
      filesystem_type;  // default: statfs; a test names a network filesystem
};

// What cannot be opened: in use, damaged, on a network filesystem, of another version, or not permitted.
class SpoolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Locks the directory, opens or makes the spool, starts a new epoch durably, recovers what an earlier process was sending,
// forgets half-received bodies, then serves. Never reads all messages.
std::unique_ptr<Store> open_lmdb_store(SpoolOptions options, Log& log);

// Beside a running daemon or without one: creates nothing and takes no lock. Verbs that write answer `unavailable`.
std::unique_ptr<Store> open_lmdb_store_read_only(SpoolOptions options, Log& log);

}  // namespace postrider::storage
