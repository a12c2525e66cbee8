// `spool compact`: the database without its free pages, in a new file that takes the old one's place by one rename. Until then
// the old file is not touched; a kill at any instant leaves the one or the other, and at most a directory
// `spool/compact` beside it, which the next run removes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <future>

#include "storage/lmdb/environment.h"
#include "storage/lmdb/txn.h"
#include "storage/lmdb_store.h"
#include "storage/partial_directory.h"

namespace postrider::storage {

namespace {

using namespace lmdb;  // the parts named below are all from there

constexpr auto kProgressInterval = std::chrono::milliseconds(100);
constexpr std::uint64_t kSpareSpace = 16ull << 20;  // left on the disk beside the copy
constexpr std::uint64_t kCompareStep = 1000;        // values between two reports of progress

class Compaction {
 public:
  Compaction(const SpoolOptions& options, const CompactRequest& request)
      : options_(options),
        request_(request),
        directory_(options.data_dir + "/spool"),
        beside_(directory_ + "/compact"),
        old_path_(directory_ + "/data.mdb"),
        new_path_(beside_ + "/spool/data.mdb") {}

  CompactReport run() {
    if (::access(old_path_.c_str(), F_OK) != 0 && errno == ENOENT)
      throw SpoolError("there is no spool in " + directory_, SpoolError::Kind::absent);
    const UniqueFd lock = lock_directory(directory_);
    CompactReport report;
    report.bytes_before = file_size(old_path_);
    remove_leftover();
    copy();
    step("copied");
    compare();
    step("compared");
    report.bytes_after = file_size(new_path_);
    take_its_place();
    remove_leftover();
    step("cleaned");
    return report;
  }

 private:
  static std::uint64_t file_size(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) throw_system_error("examine " + path, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }
  void step(std::string_view name) const {
    if (request_.on_step) request_.on_step(name);
  }
  void remove_leftover() const {
    std::error_code error;
    std::filesystem::remove_all(beside_, error);
    if (error) throw_system_error("remove " + beside_, error.value());
  }

  void copy() {
    const Environment old(options_, Environment::Access::read_only);
    {
      const Txn txn(old.raw(), Txn::Mode::read);
      total_ = used_bytes(txn.raw(), old.tables());
    }
    require_space(directory_, total_ + kSpareSpace);
    std::filesystem::create_directories(beside_ + "/spool");
    const UniqueFd to(::open(new_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (to.get() < 0) throw_system_error("make " + new_path_, errno);
    auto copying = std::async(std::launch::async, [&] { return mdb_env_copyfd2(old.raw(), to.get(), MDB_CP_COMPACT); });
    while (copying.wait_for(kProgressInterval) != std::future_status::ready)
      progress("copying", file_size(new_path_), total_);
    const int code = copying.get();
    if (code == ENOSPC || code == EDQUOT || code == EFBIG) throw_system_error("write " + new_path_, code);
    check("copy the database", code);
    like_the_old_one(to.get());
    if (::fsync(to.get()) != 0) throw_system_error("sync " + new_path_, errno);
  }

  void like_the_old_one(int fd) const {
    struct stat info {};
    if (::stat(old_path_.c_str(), &info) != 0) throw_system_error("examine " + old_path_, errno);
    if (::fchmod(fd, info.st_mode & 07777) != 0) throw_system_error("change the mode of " + new_path_, errno);
    if (::geteuid() == 0 && ::fchown(fd, info.st_uid, info.st_gid) != 0)
      throw_system_error("change the owner of " + new_path_, errno);
  }

  // Every key and value of every table, read back through the new file's own tree.
  void compare() {
    SpoolOptions beside = options_;
    beside.data_dir = beside_;
    const Environment old(options_, Environment::Access::read_only), fresh(beside, Environment::Access::read_only);
    const Txn old_txn(old.raw(), Txn::Mode::read), fresh_txn(fresh.raw(), Txn::Mode::read);
    std::uint64_t bytes = 0;
    old.for_each_table([&](MDB_dbi Tables::*table) {
      Cursor a(old_txn, old.tables().*table), b(fresh_txn, fresh.tables().*table);
      bool more_a = a.first(), more_b = b.first();
      for (std::uint64_t n = 0; more_a && more_b; more_a = a.next(), more_b = b.next(), ++n) {
        if (a.key() != b.key() || a.value() != b.value()) break;
        bytes += a.key().size() + a.value().size();
        if (n % kCompareStep == 0) progress("comparing", bytes, total_);
      }
      if (more_a || more_b)
        throw SpoolError("the compacted copy differs from the spool in " + directory_ + ": nothing was changed");
    });
  }

  void take_its_place() {
    sync_directory(beside_ + "/spool");
    // The table of readers counts by the old file's transactions. Whoever still reads keeps both old files.
    if (::unlink((directory_ + "/lock.mdb").c_str()) != 0 && errno != ENOENT)
      throw_system_error("remove " + directory_ + "/lock.mdb", errno);
    step("readers forgotten");
    if (::rename(new_path_.c_str(), old_path_.c_str()) != 0) throw_system_error("rename " + new_path_, errno);
    step("renamed");
    sync_directory(directory_);
    step("synced");
  }

  void progress(std::string_view phase, std::uint64_t done, std::uint64_t total) const {
    if (request_.on_progress) request_.on_progress(phase, std::min(done, total), total);
  }

  const SpoolOptions& options_;
  const CompactRequest& request_;
  const std::string directory_, beside_, old_path_, new_path_;
  std::uint64_t total_ = 0;
};

}  // namespace

CompactReport compact_spool(const SpoolOptions& spool, const CompactRequest& request) {
  try {
    return Compaction(spool, request).run();
  } catch (const LmdbError& error) {
    throw SpoolError(
        "cannot compact the spool in " + spool.data_dir + "/spool: " + error.what() +
        "; nothing was changed. `postrider spool verify` says what is damaged, `salvage` reads what is left");
  } catch (const std::filesystem::filesystem_error& error) {
    throw SpoolError("cannot compact the spool in " + spool.data_dir + "/spool: " + error.what());
  }
}

}  // namespace postrider::storage
