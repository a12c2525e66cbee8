// Replies of an SMTP server (RFC 5321 4.2), as they come: multi-line, cut anywhere, without text, with a lone
// LF, too long or not SMTP at all. Bounded in memory. Owned by a client connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/reply.h"

namespace postrider::smtp {

class ReplyParser {
 public:
  static constexpr std::size_t kMaxLine = 2048;        // RFC 5321 4.5.3.1.5 says 512; longer ones are cut, not refused
  static constexpr std::size_t kMaxReply = 64 * 1024;  // all lines together, cut or not; beyond it the reply is a fault
  static constexpr std::size_t kKeptLines = 128;

  enum class Status : std::uint8_t { need_more, complete, fault };
  struct Step {
    Status status = Status::need_more;
    std::size_t consumed = 0;
  };
  // After `complete` take() the reply; after `fault` the connection is of no more use and fault_text() says
  // why.
  Step feed(std::string_view input);

  // The code is that of the last line; the enhanced code (RFC 2034) is taken off the text when its class
  // fits.
  Reply take();
  const char* fault_text() const { return fault_; }
  bool started() const { return total_ > 0; }  // some octets of a reply have come

 private:
  bool accept_line();
  Reply reply_;
  std::string line_;
  std::size_t total_ = 0;
  bool last_ = false;
  const char* fault_ = "";
};

}  // namespace postrider::smtp
