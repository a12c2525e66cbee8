#include "storage/lmdb/error.h"

#include <lmdb.h>

#include <cerrno>

namespace postrider::storage::lmdb {

ErrorClass classify(int code) {
  switch (code) {
    case MDB_MAP_FULL:
    case MDB_READERS_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
      return ErrorClass::shortage;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case EIO:
    case EROFS:
      return ErrorClass::fatal;
    default:
      return ErrorClass::ours;
  }
}

LmdbError::LmdbError(const char* doing, int code)
    : std::runtime_error(std::string(doing) + ": " + mdb_strerror(code)), code_(code) {}

void check(const char* doing, int code) {
  if (code != MDB_SUCCESS) throw LmdbError(doing, code);
}

}  // namespace postrider::storage::lmdb
