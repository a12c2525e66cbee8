// The spool's directory and what lies in it: the daemon's lock, LMDB's environment and its tables. Owned by LmdbStore; made
// and destroyed on one thread, read by all. Throws SpoolError with a sentence for people when it cannot be opened.
//
//   data_dir/spool/lock       flock of the daemon; dies with the process
//   data_dir/spool/data.mdb   the database, a sparse file of at most max_size
//   data_dir/spool/lock.mdb   LMDB's table of readers
//   data_dir/spool/reserve    space kept back, see space.h
#pragma once

#include <lmdb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/lmdb_store.h"

namespace postrider::storage::lmdb {

struct Tables {
  MDB_dbi meta = 0, messages = 0, chunks = 0, due = 0, claims = 0, feed = 0, addresses = 0, idem = 0, idem_expiry = 0,
          users = 0, staged = 0, quarantine = 0, owing = 0, expiring = 0, revivable = 0, upstreams = 0,
          upstream_feed = 0, provider_ids = 0, batches = 0, api_keys = 0, api_key_usage = 0, suppressions = 0;
};
inline constexpr unsigned kTables = 22;

// The name of a network filesystem by its statfs magic, nothing for any other: locks and the map are not safe on one.
std::optional<std::string_view> network_filesystem(std::uint64_t magic);

class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd();
  int get() const { return fd_; }
  int release();

 private:
  int fd_;
};

// Takes the daemon's lock on a spool's directory, for as long as the descriptor lives; SpoolError when another has it.
UniqueFd lock_directory(const std::string& directory);

class Environment {
 public:
  enum class Access { write, read_only };
  Environment(const SpoolOptions& options, Access access);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment();

  MDB_env* raw() const { return env_; }
  const Tables& tables() const { return tables_; }
  const std::string& directory() const { return directory_; }
  void for_each_table(const std::function<void(MDB_dbi Tables::*)>& call) const;
  std::uint64_t map_size() const { return map_size_; }
  std::uint64_t file_end() const;   // octets up to the last page ever used
  int clear_stale_readers() const;  // how many slots of dead processes were freed

 private:
  void prepare_directory(const SpoolOptions& options);
  void sync_names(const SpoolOptions& options) const;
  void check_readable() const;
  void check_length() const;
  void check_format() const;
  void open_tables(Access access);

  std::string directory_;
  UniqueFd lock_;
  MDB_env* env_ = nullptr;
  Tables tables_;
  std::uint64_t map_size_ = 0;
};

// Octets of all pages in use, free pages not counted: LMDB keeps the numbers, nothing is scanned.
std::uint64_t used_bytes(MDB_txn* txn, const Tables& tables);

}  // namespace postrider::storage::lmdb
