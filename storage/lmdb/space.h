// Disk space for the writer, so that a full disk is met before a commit and not inside it. Used by the writer's thread only.
//
// The data file is allocated ahead of what a batch can need, plus a tail that only settles and deletes may use up. A
// file `reserve` of written blocks beside it is given back when allocation fails: filesystems that copy on write need
// free blocks to overwrite any. Both come back, at most once a second, when the disk has room again.
#pragma once

#include <cstdint>
#include <string>

#include "storage/lmdb/environment.h"

namespace postrider::storage::lmdb {

class Space {
 public:
  Space(const std::string& directory, std::uint64_t map_size, std::uint64_t reserve_bytes);

  // Room for `bytes` more above the tail, in new pages after `file_end` or among the free ones. False: the disk is full.
  bool ensure(std::uint64_t file_end, std::uint64_t used, std::uint64_t bytes);
  // After a write that failed for want of space.
  void give_back();
  // Makes the reserve again. False: still no room.
  bool restore();
  // A write error that LMDB reports as I/O error although the disk or the file-size limit is what it met: it does so
  // after a short write.
  bool looks_full(std::uint64_t file_end) const;

  const std::string& trouble() const { return trouble_; }  // of the last failure

 private:
  bool grow_to(std::uint64_t end);
  bool leaves_room_for_reserve(std::uint64_t bytes) const;

  std::string directory_, reserve_path_;
  UniqueFd data_;
  std::uint64_t map_size_, reserve_bytes_;
  std::uint64_t allocated_ = 0;
  bool reserve_held_ = false;
  std::string trouble_;
};

}  // namespace postrider::storage::lmdb
