#include "storage/lmdb/space.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace postrider::storage::lmdb {

namespace {

constexpr std::uint64_t kTail = 4ull << 20;  // a settle rewrites some twenty pages and takes freed ones first
constexpr std::uint64_t kStep = 8ull << 20;  // the data file grows by this much at a time

// Written, not only allocated: thin volumes and compressing filesystems promise nothing for blocks of zeros.
int write_blocks(int fd, std::uint64_t bytes) {
  std::vector<char> block(1 << 20);
  std::uint64_t noise = 0x9e3779b97f4a7c15;
  for (char& c : block) c = static_cast<char>((noise = noise * 6364136223846793005 + 1442695040888963407) >> 56);
  for (std::uint64_t at = 0; at < bytes;) {
    const ssize_t n =
        pwrite(fd, block.data(), std::min<std::uint64_t>(block.size(), bytes - at), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return ENOSPC;
    at += static_cast<std::uint64_t>(n);
  }
  return fdatasync(fd) == 0 ? 0 : errno;
}

}  // namespace

Space::Space(const std::string& directory, std::uint64_t map_size, std::uint64_t reserve_bytes)
    : directory_(directory),
      reserve_path_(directory + "/reserve"),
      data_(open((directory + "/data.mdb").c_str(), O_RDWR | O_CLOEXEC)),
      map_size_(map_size),
      reserve_bytes_(reserve_bytes) {
  struct stat info {};
  if (data_.get() < 0 || fstat(data_.get(), &info) != 0) {
    throw SpoolError("cannot open " + directory + "/data.mdb: " + std::strerror(errno));
  }
  // What lies beyond the last page in use may be a hole that an earlier process left: it is allocated anew.
  allocated_ = 0;
  restore();
}

bool Space::ensure(std::uint64_t file_end, std::uint64_t used, std::uint64_t bytes) {
  allocated_ = std::max(allocated_, file_end);
  const std::uint64_t wanted = std::min(file_end + bytes + kTail, map_size_);
  if (allocated_ >= wanted) return true;
  if (grow_to(std::min(wanted + kStep, map_size_)) || grow_to(wanted)) return true;
  // No new pages; those that were freed may do.
  return allocated_ >= used + bytes + kTail;
}

void Space::give_back() {
  reserve_held_ = false;
  unlink(reserve_path_.c_str());
}

bool Space::restore() {
  if (reserve_held_ || reserve_bytes_ == 0) return true;
  struct stat info {};
  if (stat(reserve_path_.c_str(), &info) == 0 && static_cast<std::uint64_t>(info.st_size) == reserve_bytes_ &&
      static_cast<std::uint64_t>(info.st_blocks) * 512 >= reserve_bytes_) {
    return reserve_held_ = true;  // an earlier process left it
  }
  UniqueFd fd(open(reserve_path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const int error = fd.get() < 0 ? errno : write_blocks(fd.get(), reserve_bytes_);
  if (error == 0) return reserve_held_ = true;
  unlink(reserve_path_.c_str());
  // A limit on the size of files says nothing about the disk: then there is no use for a reserve beside the data.
  if (error == EFBIG) return true;
  trouble_ = "cannot keep a reserve in " + directory_ + ": " + std::strerror(error);
  return false;
}

bool Space::looks_full(std::uint64_t file_end) const {
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && file_end + kStep > limit.rlim_cur)
    return true;
  struct statvfs info {};
  return fstatvfs(data_.get(), &info) == 0 && static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize < kTail;
}

// What the reserve gave back is for the settles, and must be there when it is made again: a data file never shrinks, so one that
// had grown into that room would keep mail out for good, however empty the spool becomes.
bool Space::leaves_room_for_reserve(std::uint64_t bytes) const {
  if (reserve_held_ || reserve_bytes_ == 0) return true;
  struct statvfs info {};
  if (fstatvfs(data_.get(), &info) != 0) return true;  // allocation will tell
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize >= bytes + reserve_bytes_;
}

bool Space::grow_to(std::uint64_t end) {
  if (!leaves_room_for_reserve(end - allocated_)) {
    trouble_ = "no room for a reserve in " + directory_ + ": " + std::strerror(ENOSPC);
    return false;
  }
  const int error = posix_fallocate(data_.get(), static_cast<off_t>(allocated_), static_cast<off_t>(end - allocated_));
  if (error == 0) {
    allocated_ = end;
    return true;
  }
  trouble_ = "cannot enlarge " + directory_ + "/data.mdb: " + std::strerror(error);
  return false;
}

}  // namespace postrider::storage::lmdb
