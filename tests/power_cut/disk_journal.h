// What this process did to one file and to the directories around it, in order, so that a test can ask what a disk would hold had the
// power gone at any moment in between. One journal at a time; any thread may write to the file.
//
// disk_journal.cpp defines pwrite, writev, ftruncate, posix_fallocate, fdatasync and fsync, does them as ever and writes down those that
// concern the file. The executable exports its symbols, so that the calls of shared libraries come there too.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace postrider {

struct DiskChange {
  enum class Kind : std::uint8_t {
    write,          // of `octets` at `offset`
    resize,         // to `offset` octets
    write_through,  // the write before it was of a descriptor with O_DSYNC, and came back
    sync,           // fdatasync or fsync came back: all before it is on the disk
    sync_entries,   // fsync of the directory `octets`
  };
  Kind kind = Kind::write;
  std::uint64_t offset = 0;
  std::string octets;
};

class DiskJournal {
 public:
  explicit DiskJournal(std::string file);  // from now on; the file need not be there yet
  DiskJournal(const DiskJournal&) = delete;
  DiskJournal& operator=(const DiskJournal&) = delete;
  ~DiskJournal();

  std::size_t size() const;
  const std::vector<DiskChange>& changes() const { return changes_; }  // once nobody writes any more

 private:
  friend struct JournaledCalls;
  bool concerns(int fd) const;

  const std::string file_;
  mutable std::mutex mutex_;
  std::vector<DiskChange> changes_;
};

// The disk after the first so many changes of a journal.
class CutDisk {
 public:
  explicit CutDisk(const std::vector<DiskChange>& changes) : changes_(changes) {}

  void advance_to(std::size_t position);  // never back
  // What was never synced, and is nowhere, all there, or there by the sector: a disk writes in whatever order it likes.
  enum class Unsynced : std::uint8_t { lost, kept, torn };
  std::string image(Unsynced what, std::mt19937_64& dice) const;

 private:
  const std::vector<DiskChange>& changes_;
  std::size_t position_ = 0;
  std::string synced_;
  std::vector<const DiskChange*> unsynced_;
};

}  // namespace postrider
