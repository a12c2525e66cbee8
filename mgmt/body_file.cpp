#include "mgmt/body_file.h"

#include <fcntl.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkostemp is POSIX
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

namespace postrider::mgmt {

std::optional<BodyFile> BodyFile::make(const std::string& directory) {
  const int unnamed = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (unnamed >= 0) return BodyFile(unnamed);
  std::string name = directory + "/body-XXXXXX";  // a filesystem that has no files without a name
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named < 0) return std::nullopt;
  ::unlink(name.c_str());
  return BodyFile(named);
}

BodyFile::BodyFile(BodyFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

BodyFile::~BodyFile() {
  if (fd_ >= 0) ::close(fd_);
}

bool BodyFile::append(std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t written = ::write(fd_, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    size_ += static_cast<std::uint64_t>(written);
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::optional<std::string> BodyFile::read() const {
  std::string octets;
  try {
    octets.resize(size_);
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
  for (std::size_t at = 0; at < octets.size();) {
    const ssize_t got = ::pread(fd_, octets.data() + at, octets.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    at += static_cast<std::size_t>(got);
  }
  return octets;
}

}  // namespace postrider::mgmt
