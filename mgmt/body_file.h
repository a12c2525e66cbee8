// BodyFile: a request body that found no memory, in a file without a name, which goes with its owner or with the process. mgmt thread;
// the writes go to the page cache.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::mgmt {

class BodyFile {
 public:
  // Nothing when a file cannot be made in `directory`.
  static std::optional<BodyFile> make(const std::string& directory);
  BodyFile(BodyFile&& other) noexcept;
  BodyFile& operator=(BodyFile&&) = delete;
  ~BodyFile();

  bool append(std::string_view octets);     // false: the disk is full or broken, and the body is worth nothing
  std::optional<std::string> read() const;  // all of it; nothing when the disk does not give it back
  std::uint64_t size() const { return size_; }

 private:
  explicit BodyFile(int fd) : fd_(fd) {}

  int fd_;
  std::uint64_t size_ = 0;
};

}  // namespace postrider::mgmt
