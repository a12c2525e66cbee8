#include "relay/outbound/capture_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace postrider::relay {
namespace {

Fault io_fault(const std::string& path, int error) {
  return {FaultKind::unavailable, path + ": " + std::generic_category().message(error)};
}

result<void> sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_fault(path, errno);
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (error != 0) return io_fault(path, error);
  return {};
}

}  // namespace

result<void> make_maildir(const std::string& directory) {
  namespace fs = std::filesystem;
  for (const char* folder : {"", "/tmp", "/new", "/cur"}) {
    const std::string path = directory + folder;
    std::error_code error;
    if (!fs::create_directories(path, error)) {
      if (error) return io_fault(path, error.value());
      continue;
    }
    fs::permissions(path, fs::perms::owner_all, error);
    if (error) return io_fault(path, error.value());
    const std::string parent = fs::path(path).parent_path().string();
    if (auto synced = sync_directory(parent.empty() ? "." : parent); !synced) return synced;
  }
  return {};
}

void CaptureFile::discard() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (!remove_.empty()) ::unlink(remove_.c_str());
  remove_.clear();
}

result<void> CaptureFile::open() {
  fd_ = ::open(path("tmp").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd_ < 0) return io_fault(path("tmp"), errno);
  remove_ = path("tmp");
  return {};
}

result<void> CaptureFile::write(std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t n = ::write(fd_, octets.data(), octets.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_fault(path("tmp"), errno);
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

result<void> CaptureFile::finish() {
  if (::fsync(fd_) != 0) return io_fault(path("tmp"), errno);
  if (::rename(path("tmp").c_str(), path("new").c_str()) != 0) return io_fault(path("new"), errno);
  remove_ = path("new");
  if (auto synced = sync_directory(directory_ + "/new"); !synced) return synced;
  remove_.clear();
  return {};
}

}  // namespace postrider::relay
