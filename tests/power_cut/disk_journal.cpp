#include "tests/power_cut/disk_journal.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace postrider {
namespace {

constexpr std::size_t kSector = 512;  // what a disk writes whole

std::atomic<DiskJournal*> the_journal{nullptr};

std::string path_of(int fd) {
  std::array<char, 4096> path;
  const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

void apply(const DiskChange& change, std::size_t first, std::size_t size, std::string& disk) {
  const std::size_t at = change.offset + first;
  if (disk.size() < at + size) disk.resize(at + size, '\0');
  disk.replace(at, size, change.octets, first, size);
}

void apply(const DiskChange& change, std::string& disk) {
  if (change.kind == DiskChange::Kind::resize) {
    disk.resize(change.offset, '\0');
  } else {
    apply(change, 0, change.octets.size(), disk);
  }
}

// Sector by sector, some and some not.
void apply_torn(const DiskChange& change, std::string& disk, std::mt19937_64& dice) {
  if (change.kind == DiskChange::Kind::resize) {
    if (dice() % 2 == 0) apply(change, disk);
    return;
  }
  for (std::size_t first = 0; first < change.octets.size();) {
    const std::size_t left = kSector - (change.offset + first) % kSector;
    const std::size_t size = std::min(left, change.octets.size() - first);
    if (dice() % 2 == 0) apply(change, first, size, disk);
    first += size;
  }
}

}  // namespace

// Does the call, and writes it down if it concerns the journal's file and worked. The journal is locked meanwhile: what it says came
// first did come first.
struct JournaledCalls {
  using Kind = DiskChange::Kind;

  template <typename Call>
  static auto on_file(int fd, const Call& call) {
    DiskJournal* const journal = the_journal.load();
    const bool ours = journal && journal->concerns(fd);
    if (!ours) return call(nullptr);
    const std::lock_guard lock(journal->mutex_);
    return call(&journal->changes_);
  }

  static void wrote(std::vector<DiskChange>& changes, int fd, std::uint64_t offset, std::string octets) {
    changes.push_back({Kind::write, offset, std::move(octets)});
    if ((::fcntl(fd, F_GETFL) & O_DSYNC) != 0) changes.push_back({Kind::write_through, 0, {}});
  }

  static int sync(int fd, const char* name) {
    const int done = real<int(int)>(name)(fd);
    DiskJournal* const journal = the_journal.load();
    if (done != 0 || !journal) return done;
    const std::string path = path_of(fd);
    const std::lock_guard lock(journal->mutex_);
    if (path == journal->file_) journal->changes_.push_back({Kind::sync, 0, {}});
    if (journal->file_.compare(0, path.size() + 1, path + '/') == 0)
      journal->changes_.push_back({Kind::sync_entries, 0, path});
    return done;
  }
};

DiskJournal::DiskJournal(std::string file) : file_(std::move(file)) {
  if (the_journal.exchange(this)) throw std::logic_error("there is a journal already");
}

DiskJournal::~DiskJournal() {
  the_journal.store(nullptr);
}

std::size_t DiskJournal::size() const {
  const std::lock_guard lock(mutex_);
  return changes_.size();
}

bool DiskJournal::concerns(int fd) const {
  return path_of(fd) == file_;
}

void CutDisk::advance_to(std::size_t position) {
  for (; position_ < position; ++position_) {
    const DiskChange& change = changes_.at(position_);
    switch (change.kind) {
      case DiskChange::Kind::write:
      case DiskChange::Kind::resize:
        unsynced_.push_back(&change);
        break;
      case DiskChange::Kind::write_through:
        apply(*unsynced_.back(), synced_);
        unsynced_.pop_back();
        break;
      case DiskChange::Kind::sync:
        for (const DiskChange* earlier : std::exchange(unsynced_, {})) apply(*earlier, synced_);
        break;
      case DiskChange::Kind::sync_entries:
        break;
    }
  }
}

std::string CutDisk::image(Unsynced what, std::mt19937_64& dice) const {
  std::string disk = synced_;
  for (const DiskChange* change : unsynced_) {
    switch (what) {
      case Unsynced::lost:
        break;
      case Unsynced::kept:
        apply(*change, disk);
        break;
      case Unsynced::torn:
        apply_torn(*change, disk, dice);
        break;
    }
  }
  return disk;
}

}  // namespace postrider

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the system's names of parameters are reserved ones
using postrider::JournaledCalls;

extern "C" {

ssize_t pwrite(int fd, const void* octets, size_t size, off_t offset) {
  return JournaledCalls::on_file(fd, [&](std::vector<postrider::DiskChange>* changes) {
    const ssize_t done = postrider::real<ssize_t(int, const void*, size_t, off_t)>("pwrite")(fd, octets, size, offset);
    if (changes && done > 0) {
      JournaledCalls::wrote(*changes, fd, static_cast<std::uint64_t>(offset),
                            {static_cast<const char*>(octets), static_cast<std::size_t>(done)});
    }
    return done;
  });
}

ssize_t writev(int fd, const iovec* parts, int count) {
  return JournaledCalls::on_file(fd, [&](std::vector<postrider::DiskChange>* changes) {
    const off_t offset = changes ? ::lseek(fd, 0, SEEK_CUR) : 0;
    const ssize_t done = postrider::real<ssize_t(int, const iovec*, int)>("writev")(fd, parts, count);
    if (changes && done > 0) {
      std::string octets;
      for (int i = 0; i < count; ++i) octets.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
      octets.resize(static_cast<std::size_t>(done));
      JournaledCalls::wrote(*changes, fd, static_cast<std::uint64_t>(offset), std::move(octets));
    }
    return done;
  });
}

int ftruncate(int fd, off_t size) noexcept {
  return JournaledCalls::on_file(fd, [&](std::vector<postrider::DiskChange>* changes) {
    const int done = postrider::real<int(int, off_t)>("ftruncate")(fd, size);
    if (changes && done == 0)
      changes->push_back({postrider::DiskChange::Kind::resize, static_cast<std::uint64_t>(size), {}});
    return done;
  });
}

int posix_fallocate(int fd, off_t offset, off_t size) {
  return JournaledCalls::on_file(fd, [&](std::vector<postrider::DiskChange>* changes) {
    struct stat before {};
    if (changes && ::fstat(fd, &before) != 0) return errno;
    const int error = postrider::real<int(int, off_t, off_t)>("posix_fallocate")(fd, offset, size);
    if (changes && error == 0 && before.st_size < offset + size)
      changes->push_back({postrider::DiskChange::Kind::resize, static_cast<std::uint64_t>(offset + size), {}});
    return error;
  });
}

int fdatasync(int fd) {
  return JournaledCalls::sync(fd, "fdatasync");
}

int fsync(int fd) {
  return JournaledCalls::sync(fd, "fsync");
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
