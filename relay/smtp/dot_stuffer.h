// A body on its way out by DATA (RFC 5321 4.5.2): doubles leading dots, makes every line end CRLF, ends with
// CRLF.CRLF. Gives views into the chunks and constants; copies nothing. Owned by one hand-over.
#pragma once

#include <string_view>

#include "relay/smtp/newline.h"

namespace postrider::smtp {

class DotStuffer {
 public:
  // Appends the pieces to send for `chunk`, which must stay as it is until they were sent.
  void feed(std::string_view chunk, Spans& out);
  // The final line end if it was missing, then ".\r\n".
  void finish(Spans& out);

 private:
  bool at_line_start_ = true;
  bool pending_cr_ = false;  // the chunk ended in CR, not sent yet
};

}  // namespace postrider::smtp
