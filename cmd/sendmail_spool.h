// The text of one message while sendmail works on it: in memory while it is small, then in a temporary file without a name. Written
// once, then read as often as needed. Throws CommandError when the disk refuses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "relay/inbound/maildrop_directory.h"

namespace postrider::cmd {

class SendmailSpool {
 public:
  static constexpr std::size_t kMemory = 1 << 20;  // octets before a file is used
  static constexpr std::size_t kPiece = 64 << 10;

  explicit SendmailSpool(std::size_t memory = kMemory) : memory_(memory) {}
  void append(std::string_view octets);
  std::uint64_t size() const { return written_ + text_.size(); }
  bool in_file() const { return static_cast<bool>(file_); }
  // At most kPiece octets from there; empty at the end.
  std::string read(std::uint64_t from) const;

 private:
  void open_file();
  void flush();

  const std::size_t memory_;
  std::string text_;  // what is not in the file: all of it, or its end
  std::uint64_t written_ = 0;
  relay::FileDescriptor file_;
};

}  // namespace postrider::cmd
