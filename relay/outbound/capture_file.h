// CaptureFile: one message on its way into a Maildir: tmp/, synced, then new/, directory synced. Blocking system calls only, for
// the capture transport's own thread.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace postrider::relay {

// Makes directory/tmp, new and cur (mode 0700) where they are missing. The fault names the path and the reason.
result<void> make_maildir(const std::string& directory);

class CaptureFile {
 public:
  CaptureFile(std::string directory, std::string name) : directory_(std::move(directory)), name_(std::move(name)) {}
  ~CaptureFile() { discard(); }
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;

  result<void> open();
  result<void> write(std::string_view octets);
  result<void> finish();  // when it returns without a fault the message is on stable storage in new/
  void discard();         // removes what there is of it
  const std::string& name() const { return name_; }

 private:
  std::string path(const char* folder) const { return directory_ + '/' + folder + '/' + name_; }
  std::string directory_, name_;
  std::string remove_;  // what to remove unless finished
  int fd_ = -1;
};

}  // namespace postrider::relay
