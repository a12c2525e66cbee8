#include "storage/partial_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "storage/lmdb_store.h"

namespace postrider::storage {

namespace {

namespace fs = std::filesystem;

SpoolError::Kind kind_of(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return SpoolError::Kind::permission;
    case EEXIST:
    case ENOTEMPTY:
      return SpoolError::Kind::exists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return SpoolError::Kind::no_space;
    default:
      return SpoolError::Kind::other;
  }
}

std::string without_slashes(std::string name) {
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return name;
}

std::string parent_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// One sync for all files below, however many they are.
void sync_filesystem(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw_system_error("open " + directory, errno);
  const int error = ::syncfs(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (error != 0) throw_system_error("sync " + directory, error);
}

}  // namespace

PartialDirectory::PartialDirectory(const std::string& name) : name_(without_slashes(name)), path_(name_ + ".partial") {
  struct stat info {};
  if (name_.empty()) throw SpoolError("an output directory needs a name");
  if (::lstat(name_.c_str(), &info) == 0)
    throw SpoolError(name_ + " exists already: name an output that does not, or remove it", SpoolError::Kind::exists);
  if (::mkdir(path_.c_str(), 0700) == 0) return;
  if (errno == EEXIST)
    throw SpoolError(path_ + " exists: an earlier run did not finish, or one is running now; remove it if none is",
                     SpoolError::Kind::exists);
  throw_system_error("make " + path_, errno);
}

PartialDirectory::~PartialDirectory() {
  std::error_code ignored;
  if (!published_) fs::remove_all(path_, ignored);
}

void PartialDirectory::publish() {
  sync_filesystem(path_);
  if (::rename(path_.c_str(), name_.c_str()) != 0) throw_system_error("rename " + path_ + " to " + name_, errno);
  published_ = true;
  path_ = name_;
  sync_directory(parent_of(name_));
}

void require_space(const std::string& directory, std::uint64_t bytes) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) throw_system_error("examine the filesystem of " + directory, errno);
  const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
  if (free >= bytes) return;
  constexpr std::uint64_t kMiB = 1 << 20;
  throw SpoolError("not enough space for a copy in " + directory + ": it needs about " +
                       std::to_string(bytes / kMiB + 1) + " MiB, " + std::to_string(free / kMiB) + " MiB are free",
                   SpoolError::Kind::no_space);
}

void give_to_owner_of(const std::string& model, const std::string& path) {
  struct stat owner {};
  if (::geteuid() != 0 || ::stat(model.c_str(), &owner) != 0) return;
  const auto give = [&owner](const fs::path& to) {
    if (::lchown(to.c_str(), owner.st_uid, owner.st_gid) != 0)
      throw_system_error("change the owner of " + to.string(), errno);
  };
  give(path);
  if (!fs::is_directory(path)) return;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) give(entry.path());
}

void throw_system_error(const std::string& what, int error) {
  throw SpoolError("cannot " + what + ": " + std::strerror(error), kind_of(error));
}

void sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw_system_error("open " + directory, errno);
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (error != 0) throw_system_error("sync " + directory, error);
}

}  // namespace postrider::storage
