#include "relay/inbound/maildrop_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "relay/inbound/maildrop_file.h"

namespace postrider::relay {
namespace {

constexpr char kBad[] = "bad";
constexpr int kMostOfOneName = 100;  // in bad/

Fault cannot(const std::string& what, int error) {
  return {error == ENOENT ? FaultKind::not_found : FaultKind::unavailable, what + ": " + std::strerror(error)};
}

Time written_at(const struct stat& facts) {
  return from_ms(static_cast<std::int64_t>(facts.st_mtim.tv_sec) * 1000);
}

// Not the device: its number may be another after the machine started anew.
std::string identity_of(const std::string& name, const struct stat& facts) {
  return "maildrop " + name.substr(0, 128) + " " + std::to_string(facts.st_ino) + " " +
         std::to_string(facts.st_mtim.tv_sec) + "." + std::to_string(facts.st_mtim.tv_nsec);
}

// bad/ must be ours: with a directory of somebody else, or a link to one, what is set aside would go where he likes.
result<FileDescriptor> open_bad(int directory) {
  FileDescriptor bad(::openat(directory, kBad, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!bad) return cannot("cannot open bad/ in the drop directory", errno);
  struct stat facts {};
  if (::fstat(bad.get(), &facts) != 0 || facts.st_uid != ::geteuid() || (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return Fault{FaultKind::unavailable, "bad/ in the drop directory is not the daemon's own"};
  return bad;
}

}  // namespace

result<Nothing> prepare_maildrop(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return cannot("cannot make " + path, errno);
  const FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return cannot("cannot open " + path, errno);
  if (::mkdirat(directory.get(), kBad, 0700) != 0 && errno != EEXIST)
    return cannot("cannot make " + path + "/bad", errno);
  const auto bad = open_bad(directory.get());
  if (!bad) return bad.error();
  return Nothing();
}

result<MaildropDirectory> MaildropDirectory::open(const std::string& path) {
  DIR* stream = ::opendir(path.c_str());
  if (stream == nullptr) return cannot("cannot read " + path, errno);
  return MaildropDirectory(stream);
}

std::optional<std::string> MaildropDirectory::next() {
  while (const dirent* entry = ::readdir(stream_.get())) {
    const std::string_view name = entry->d_name;
    if (name.front() != kMaildropTemporary && name != kBad) return std::string(name);
  }
  return std::nullopt;
}

// Nobody was told that such a message was taken: its program never said so.
void MaildropDirectory::remove_abandoned(Time now) const {
  while (const dirent* entry = ::readdir(stream_.get())) {
    struct stat facts {};
    if (entry->d_name[0] != kMaildropTemporary || ::fstatat(fd(), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    if (S_ISREG(facts.st_mode) && now - written_at(facts) > kAbandoned) ::unlinkat(fd(), entry->d_name, 0);
  }
  ::rewinddir(stream_.get());
}

// O_NONBLOCK: a FIFO must not stop us before fstat() can say what it is. It means nothing to plain files.
result<DropFile> MaildropDirectory::open_file(const std::string& name) const {
  DropFile file;
  file.descriptor =
      FileDescriptor(::openat(fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.descriptor) {
    if (errno == ELOOP || errno == ENXIO) return invalid("not a plain file");  // a symbolic link; a socket
    return cannot("cannot be opened", errno);
  }
  struct stat facts {};
  if (::fstat(file.descriptor.get(), &facts) != 0) return cannot("cannot be looked at", errno);
  if (!S_ISREG(facts.st_mode)) return invalid("not a plain file");
  if (facts.st_nlink != 1) return invalid("has more than one name");  // perhaps a link to what only the daemon may read
  file.identity = identity_of(name, facts);
  file.owner = facts.st_uid;
  file.written = written_at(facts);
  return file;
}

bool MaildropDirectory::remove(const std::string& name) const {
  return ::unlinkat(fd(), name.c_str(), 0) == 0;
}

result<Nothing> MaildropDirectory::set_aside(const std::string& name) const {
  const auto bad = open_bad(fd());
  if (!bad) return bad.error();
  for (int i = 0; i < kMostOfOneName; ++i) {
    const std::string target = i == 0 ? name : name + "." + std::to_string(i);
    if (::renameat2(fd(), name.c_str(), bad->get(), target.c_str(), RENAME_NOREPLACE) == 0) return Nothing();
    if (errno != EEXIST) return cannot("cannot be moved to bad/", errno);
  }
  return Fault{FaultKind::unavailable, "cannot be moved to bad/: there are too many of that name"};
}

}  // namespace postrider::relay
