// The drop directory as the daemon sees it: what lies in it, opened, removed, set aside. Everything in it may have been put there
// to harm: nothing is followed, only plain files with one name are read, and each answer is about what was opened, not about a
// name. Calls block on the disk: for the maildrop thread, never for a relay thread.
#pragma once

#include <dirent.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/done.h"
#include "core/result.h"
#include "core/time.h"

namespace postrider::relay {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

struct DropFile {
  FileDescriptor descriptor;
  std::string identity;  // of this very file, the same as long as it lies there
  uid_t owner = 0;
  Time written{};
};

// Makes the directory and `bad` in it, 0700, unless they are there. Faults are sentences.
result<Nothing> prepare_maildrop(const std::string& path);

class MaildropDirectory {
 public:
  static constexpr Duration kAbandoned =
      std::chrono::hours(24);  // a file still being written after that never will be whole

  static result<MaildropDirectory> open(const std::string& path);

  // The next name that may be a whole file; nothing at the end.
  std::optional<std::string> next();
  void remove_abandoned(Time now) const;  // what writers that died left behind; next() begins anew

  // invalid: it can never be mail, whoever put it there. unavailable: not now, or not for us. not_found: it is gone.
  result<DropFile> open_file(const std::string& name) const;
  bool remove(const std::string& name) const;
  result<Nothing> set_aside(const std::string& name) const;  // into bad/, under another name if that one is taken

 private:
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  explicit MaildropDirectory(DIR* stream) : stream_(stream) {}
  int fd() const { return ::dirfd(stream_.get()); }
  std::unique_ptr<DIR, Close> stream_;
};

}  // namespace postrider::relay
