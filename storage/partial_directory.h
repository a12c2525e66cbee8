// A directory that appears under its name only when it is whole: filled as `NAME.partial`, synced, then renamed. For backup,
// salvage and export; owned by the command that fills it, one thread. Never overwrites anything.
//
// A process that is killed leaves NAME.partial, which says what it is; one that fails removes it.
#pragma once

#include <cstdint>
#include <string>

namespace postrider::storage {

class PartialDirectory {
 public:
  // Throws SpoolError when NAME or NAME.partial exists or cannot be made.
  explicit PartialDirectory(const std::string& name);
  PartialDirectory(const PartialDirectory&) = delete;
  PartialDirectory& operator=(const PartialDirectory&) = delete;
  ~PartialDirectory();

  const std::string& path() const { return path_; }  // where to write: NAME.partial, after publish() NAME
  void publish();                                    // all of it on stable storage, then under its name

 private:
  std::string name_, path_;
  bool published_ = false;
};

// Throws SpoolError unless the filesystem of `directory` has room for that many octets.
void require_space(const std::string& directory, std::uint64_t bytes);
// When root made `path` beside the files of another user, that user gets it.
void give_to_owner_of(const std::string& model, const std::string& path);
// Throws SpoolError: "cannot DO WHAT: reason", with the kind that the error number means.
[[noreturn]] void throw_system_error(const std::string& what, int error);
// The entries of a directory on stable storage.
void sync_directory(const std::string& directory);

}  // namespace postrider::storage
