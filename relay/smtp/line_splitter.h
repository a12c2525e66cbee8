// Cuts command lines out of a receive buffer that may hold many of them (RFC 2920) or a part of one. Owned by
// a session; keeps no octets, only what it has already looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "relay/smtp/newline.h"

namespace postrider::smtp {

enum class LineStatus : std::uint8_t {
  need_more,     // no whole line yet: drop `consumed` octets, read, call again
  line,          // `line` is one line without its end
  too_long,      // the line was over the limit and has been swallowed to its end: 500 5.5.2
  bare_newline,  // a lone LF (under BareNewline::reject) or a lone CR: 500 5.5.2, better closed than
                 // continued
  nul,           // the line held a NUL: 500 5.5.2
};

struct LineResult {
  LineStatus status = LineStatus::need_more;
  std::string_view line;     // into the input
  std::size_t consumed = 0;  // octets to drop from the front of the buffer once `line` is done with
};

class LineSplitter {
 public:
  // `max_line` counts the line end. Under `normalise` a lone LF ends a line; a lone CR is never taken.
  LineSplitter(std::size_t max_line, BareNewline policy) : max_line_(max_line), policy_(policy) {}

  // `input` is the whole unconsumed content of the buffer, beginning where the last call's `consumed` ended.
  LineResult next(std::string_view input);

  void set_max_line(std::size_t max_line) { max_line_ = max_line; }  // AUTH exchanges allow longer ones (RFC 4954 4.)
  void reset();  // forget a half-seen line: STARTTLS, or the buffer was used for something else

 private:
  std::size_t max_line_;
  BareNewline policy_;
  std::size_t scanned_ = 0;  // octets at the front known to hold no line end
  bool swallowing_ = false;  // inside a line that was too long
};

}  // namespace postrider::smtp
