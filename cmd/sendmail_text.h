// What a program writes to sendmail's stdin, as message text: line ends become CRLF, a line with a single dot ends it unless told
// otherwise. Sans-I/O: octets in, views out. One per message.
#pragma once

#include <string_view>

#include "relay/smtp/data_decoder.h"

namespace postrider::cmd {

enum class LoneDot : unsigned char { ends, is_text };

class SendmailText {
 public:
  explicit SendmailText(LoneDot dot) : dot_(dot) {}

  // Appends what is message; the views are valid until `octets` change. False: the message has ended, or cannot go on (fault()).
  bool feed(std::string_view octets, smtp::Spans& out);
  void finish(smtp::Spans& out);  // the input ended; a last line without an end gets one
  smtp::BodyFault fault() const { return checker_.fault(); }
  bool eight_bit() const { return checker_.eight_bit(); }

 private:
  enum class At : unsigned char { line_start, dot, dot_cr, text };
  std::size_t find_end(std::string_view octets, smtp::Spans& out);
  void pass(std::string_view octets, smtp::Spans& out) { checker_.feed(octets, out); }

  const LoneDot dot_;
  At at_ = At::line_start;
  std::size_t held_ = 0;  // octets of earlier pieces that are held back: none, "." or ".\r"
  bool ended_ = false;
  smtp::BodyChecker checker_{{smtp::BareNewline::normalise, 0, 0}};
};

}  // namespace postrider::cmd
