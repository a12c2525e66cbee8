// LMDB's and the system's error codes, split by what follows: a mistake of ours, a shortage that passes, or the end of
// writing. For storage/lmdb only.
#pragma once

#include <stdexcept>
#include <string>

namespace postrider::storage::lmdb {

enum class ErrorClass {
  ours,      // a mistake in this program: the operation fails, the store goes on
  shortage,  // disk, map, readers or memory: what was refused may work later
  fatal,     // the file is damaged or a sync failed: nothing is written any more
};

ErrorClass classify(int code);

class LmdbError : public std::runtime_error {
 public:
  LmdbError(const char* doing, int code);
  int code() const { return code_; }

 private:
  int code_;
};

// Throws unless `code` is 0 (MDB_SUCCESS).
void check(const char* doing, int code);

}  // namespace postrider::storage::lmdb
