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
#include <string_view>
#include <vector>

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

// What cannot be opened, copied or written: the text is for people, the kind for exit codes.
class SpoolError : public std::runtime_error {
 public:
  enum class Kind : std::uint8_t { other, absent, permission, in_use, exists, no_space };
  explicit SpoolError(const std::string& text, Kind kind = Kind::other) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// Locks the directory, opens or makes the spool, starts a new epoch durably, recovers what an earlier process was sending,
// forgets half-received bodies, then serves. Never reads all messages.
std::unique_ptr<Store> open_lmdb_store(SpoolOptions options, Log& log);

// Beside a running daemon or without one: creates nothing and takes no lock. Verbs that write answer `unavailable`.
std::unique_ptr<Store> open_lmdb_store_read_only(SpoolOptions options, Log& log);

// ---- copies (docs/spool.md, "Copies") -----------------------------------------------------------------------------

// `total` 0: not known. Called on the thread that asked for the copy, often: the callee decides what it shows.
using OnProgress = std::function<void(std::string_view phase, std::uint64_t done, std::uint64_t total)>;

// What becomes of live messages in a copy. Who starts a copy sends again what was sent since it was made: therefore they
// are held there, until somebody says otherwise.
enum class LiveMessages : std::uint8_t { hold, keep };

inline constexpr std::size_t kMaxListedFaults = 1000;  // of each list in a report; the counts are whole

struct BackupRequest {
  std::string output_dir;  // becomes a data_dir; must not exist
  LiveMessages live = LiveMessages::hold;
  OnProgress on_progress;
};
struct BackupReport {
  std::uint64_t messages = 0, chunks = 0, events = 0, users = 0, api_keys = 0;
  std::uint64_t suppressions = 0;   // entries of the suppression list
  std::uint64_t held = 0;           // live messages held in the copy that were not held before
  std::uint64_t file_bytes = 0;     // of the copy
  std::uint64_t fault_count = 0;    // what could not be read and is not in the copy
  std::vector<std::string> faults;  // one sentence each
};
// Beside a running daemon or without one. Read transactions are as short as for a listing, so the daemon reuses its pages as
// ever. Each message is copied whole, as it was at one instant; what was accepted before the start is in the copy.
BackupReport backup_spool(const SpoolOptions& source, const BackupRequest& request);

struct CompactRequest {
  OnProgress on_progress;
  std::function<void(std::string_view step)> on_step;  // for tests: after each step that changes what is on disk
};
struct CompactReport {
  std::uint64_t bytes_before = 0, bytes_after = 0;
};
// With the daemon stopped. The new file is compared with the old one, value by value, before it takes its place.
CompactReport compact_spool(const SpoolOptions& spool, const CompactRequest& request);

}  // namespace postrider::storage
