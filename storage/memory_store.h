// The store without a disk: the same verbs, rules and limits as storage/lmdb, for tests and for trying things
// out. One mutex inside, no thread: a verb runs where it is called and its answer goes to the Done's mailbox.
// Never durable: what survives is what reopen() hands to the next store, as if a process had died and another
// had opened the same files.
#pragma once

#include <memory>

#include "storage/store.h"

namespace postrider::storage {

struct MemoryStoreOptions {
  std::uint64_t max_bytes = 1ull << 30;
  std::uint64_t high_water_bytes = 0;   // accept and stage answer `full` above it; 0: 90 % of max_bytes
  std::uint32_t max_interruptions = 3;  // claims lost to crashes after which a recipient is held
};

// Handle with the switches of tests; all of them from any thread.
class MemoryStore : public Store {
 public:
  // While set, every write is refused with `unavailable` and changes nothing: a disk that gives errors.
  virtual void fail_writes(bool failing) = 0;
  // While set, writes are taken but neither committed nor answered; they are, in order, when it is cleared.
  virtual void pause_commits(bool paused) = 0;
  // Ends this store as kill -9 would: writes not yet committed are lost and never answered, staged chunks are
  // orphans. The answer holds what was committed, in a new epoch, recovered as of `now`. This store then
  // answers `unavailable`.
  virtual std::unique_ptr<MemoryStore> reopen(Time now) = 0;
};

std::unique_ptr<MemoryStore> make_memory_store(MemoryStoreOptions options = {});

}  // namespace postrider::storage
