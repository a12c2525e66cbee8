#include "storage/lmdb/environment.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "storage/lmdb/meta.h"
#include "storage/lmdb/txn.h"
#include "storage/partial_directory.h"
#include "storage/record_frame.h"

namespace postrider::storage::lmdb {

namespace {

constexpr unsigned kMaxReaders = 126;  // our readers and those of `postrider spool`
constexpr std::uint64_t kUnwrittenPages = 256;

struct TableName {
  const char* name;
  MDB_dbi Tables::*table;
};
constexpr TableName kTableNames[] = {
    {"meta", &Tables::meta},
    {"messages", &Tables::messages},
    {"chunks", &Tables::chunks},
    {"due", &Tables::due},
    {"claims", &Tables::claims},
    {"feed", &Tables::feed},
    {"addresses", &Tables::addresses},
    {"idem", &Tables::idem},
    {"idem_expiry", &Tables::idem_expiry},
    {"users", &Tables::users},
    {"staged", &Tables::staged},
    {"quarantine", &Tables::quarantine},
    {"owing", &Tables::owing},
    {"expiring", &Tables::expiring},
    {"revivable", &Tables::revivable},
    {"upstreams", &Tables::upstreams},
    {"upstream_feed", &Tables::upstream_feed},
    {"provider_ids", &Tables::provider_ids},
    {"batches", &Tables::batches},
    {"api_keys", &Tables::api_keys},
    {"api_key_usage", &Tables::api_key_usage},
    {"suppressions", &Tables::suppressions},
};
static_assert(std::size(kTableNames) == kTables);

[[noreturn]] void refuse(const std::string& what, int error) {
  const bool denied = error == EACCES || error == EPERM;
  throw SpoolError(what + ": " + std::strerror(error), denied ? SpoolError::Kind::permission : SpoolError::Kind::other);
}

std::uint64_t filesystem_type(const std::string& directory) {
  struct statfs info {};
  if (statfs(directory.c_str(), &info) != 0) refuse("cannot examine the filesystem of " + directory, errno);
  return static_cast<std::uint32_t>(info.f_type);  // some magics have the top bit set: no sign
}

}  // namespace

UniqueFd lock_directory(const std::string& directory) {
  const std::string path = directory + "/lock";
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (fd.get() < 0) refuse("cannot open " + path, errno);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      throw SpoolError("another postrider is running on " + directory, SpoolError::Kind::in_use);
    refuse("cannot lock " + path, errno);
  }
  return fd;
}

std::optional<std::string_view> network_filesystem(std::uint64_t magic) {
  switch (magic) {  // <linux/magic.h> and statfs(2)
    case 0x6969:
      return "NFS";
    case 0x517B:
      return "SMB";
    case 0xFF534D42:
      return "CIFS";
    case 0xFE534D42:
      return "SMB2";
    case 0x5346414F:
    case 0x6B414653:
      return "AFS";
    case 0x73757245:
      return "Coda";
    case 0x00C36400:
      return "Ceph";
    case 0x0BD00BD0:
      return "Lustre";
    case 0x7461636F:
      return "OCFS2";
    default:
      return std::nullopt;
  }
}

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
  }
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

int UniqueFd::release() {
  return std::exchange(fd_, -1);
}

Environment::Environment(const SpoolOptions& options, Access access) : directory_(options.data_dir + "/spool") {
  if (access == Access::write) prepare_directory(options);
  unsigned flags = MDB_NORDAHEAD | MDB_NOTLS;
  if (access == Access::read_only) {
    check_readable();
    flags |= MDB_RDONLY;
    // Without LMDB's lock file no process has the spool open, and none must be made by one that may only read.
    if (::access((directory_ + "/lock.mdb").c_str(), F_OK) != 0) flags |= MDB_NOLOCK;
  }
  try {
    check("create an environment", mdb_env_create(&env_));
    check("set the number of tables", mdb_env_set_maxdbs(env_, kTables));
    check("set the number of readers", mdb_env_set_maxreaders(env_, kMaxReaders));
    // A reader takes the size that the file says.
    if (access == Access::write) check("set the map size", mdb_env_set_mapsize(env_, options.max_size / 4096 * 4096));
    check("open the database", mdb_env_open(env_, directory_.c_str(), flags, 0600));
    if (access == Access::write) sync_names(options);
    MDB_envinfo info{};
    check("examine the database", mdb_env_info(env_, &info));
    map_size_ = info.me_mapsize;
    check_length();
    clear_stale_readers();
    check_format();
    open_tables(access);
  } catch (const SpoolError&) {
    mdb_env_close(env_);
    throw;
  } catch (const LmdbError& error) {
    mdb_env_close(env_);
    throw SpoolError("cannot open the spool in " + directory_ + ": " + error.what());
  }
}

Environment::~Environment() {
  mdb_env_close(env_);
}

void Environment::prepare_directory(const SpoolOptions& options) {
  if (options.max_size < kLeastSpoolSize) {
    throw SpoolError("spool.max_size is below " + std::to_string(kLeastSpoolSize >> 20) + " MiB");
  }
  std::error_code error;
  std::filesystem::create_directories(options.data_dir, error);
  if (error) throw SpoolError("cannot make " + options.data_dir + ": " + error.message());
  if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) refuse("cannot make " + directory_, errno);
  const auto magic = options.filesystem_type ? options.filesystem_type(directory_) : filesystem_type(directory_);
  if (auto name = network_filesystem(magic)) {
    throw SpoolError(directory_ + " is on a network filesystem (" + std::string(*name) +
                     "): the spool needs a local one, because its locks and its memory map are not safe there");
  }
  lock_ = lock_directory(directory_);
}

// A file whose data is synced is lost all the same when the power goes before its name is on the disk.
void Environment::sync_names(const SpoolOptions& options) const {
  sync_directory(directory_);
  sync_directory(options.data_dir);
}

void Environment::check_readable() const {
  const std::string data = directory_ + "/data.mdb", readers = directory_ + "/lock.mdb";
  if (::access(data.c_str(), F_OK) != 0 && errno == ENOENT)
    throw SpoolError("there is no spool in " + directory_, SpoolError::Kind::absent);
  // A reader registers itself in lock.mdb, or a running daemon could reuse pages under its eyes.
  const bool registered = ::access(readers.c_str(), F_OK) == 0;
  if (::access(data.c_str(), R_OK) != 0 || (registered && ::access(readers.c_str(), R_OK | W_OK) != 0)) {
    throw SpoolError("no permission to read the spool in " + directory_ +
                         ": run this as the user that postrider runs as, or as root",
                     SpoolError::Kind::permission);
  }
}

// Reading a page of the map behind the file's end would kill the process. LMDB may leave a few last pages unwritten.
void Environment::check_length() const {
  struct stat info {};
  const std::string data = directory_ + "/data.mdb";
  if (stat(data.c_str(), &info) != 0) refuse("cannot examine " + data, errno);
  if (static_cast<std::uint64_t>(info.st_size) + kUnwrittenPages * 4096 >= file_end()) return;
  throw SpoolError(data + " is cut off: " + std::to_string(file_end() - static_cast<std::uint64_t>(info.st_size)) +
                   " octets are missing at its end; `postrider spool salvage` reads what is left");
}

// Before a table is made in it: a spool of another format is left as it is.
void Environment::check_format() const {
  const Txn txn(env_, Txn::Mode::read);
  MDB_dbi meta = 0;
  const int code = mdb_dbi_open(txn.raw(), "meta", 0, &meta);
  if (code == MDB_NOTFOUND) return;
  check("open a table", code);
  const auto row = txn.get(meta, kMetaKey);
  const auto format = row ? format_of_meta(*row) : std::nullopt;
  if (!format || is_known_format(*format)) return;
  throw SpoolError("cannot open the spool in " + directory_ + ": it has format " + std::to_string(*format) +
                   ", this program knows " + std::to_string(kOldestFormat) + " to " + std::to_string(kSpoolFormat));
}

void Environment::open_tables(Access access) {
  const bool writing = access == Access::write;
  Txn txn(env_, writing ? Txn::Mode::write : Txn::Mode::read);
  for (const TableName& table : kTableNames) {
    MDB_dbi& handle = tables_.*table.table;
    const int code = mdb_dbi_open(txn.raw(), table.name, writing ? MDB_CREATE : 0, &handle);
    if (code == MDB_NOTFOUND) {  // of an older version that nothing but readers has opened since
      handle = kAbsentTable;
      continue;
    }
    check("open a table", code);
  }
  txn.commit();  // a read transaction too: its table handles live on only then
}

void Environment::for_each_table(const std::function<void(MDB_dbi Tables::*)>& call) const {
  for (const TableName& table : kTableNames) call(table.table);
}

std::uint64_t Environment::file_end() const {
  MDB_envinfo info{};
  check("examine the database", mdb_env_info(env_, &info));
  return (info.me_last_pgno + 1) * 4096;
}

int Environment::clear_stale_readers() const {
  int dead = 0;
  check("clear stale readers", mdb_reader_check(env_, &dead));
  return dead;
}

std::uint64_t used_bytes(MDB_txn* txn, const Tables& tables) {
  constexpr MDB_dbi kFreeTable = 0, kMainTable = 1;  // LMDB's own two
  const auto pages = [txn](MDB_dbi table) {
    if (table == kAbsentTable) return std::size_t{0};
    MDB_stat stat{};
    check("examine a table", mdb_stat(txn, table, &stat));
    return stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
  };
  std::uint64_t total = 2 + pages(kFreeTable) + pages(kMainTable);  // and the two meta pages
  for (const TableName& table : kTableNames) total += pages(tables.*table.table);
  return total * 4096;
}

}  // namespace postrider::storage::lmdb
