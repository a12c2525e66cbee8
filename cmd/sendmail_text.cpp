#include "cmd/sendmail_text.h"

#include <utility>

namespace postrider::cmd {

bool SendmailText::feed(std::string_view octets, smtp::Spans& out) {
  if (ended_ || fault() != smtp::BodyFault::none) return false;
  if (dot_ == LoneDot::is_text) {
    pass(octets, out);
  } else {
    const std::size_t end = find_end(octets, out);
    pass(octets.substr(0, end), out);
  }
  return !ended_ && fault() == smtp::BodyFault::none;
}

void SendmailText::finish(smtp::Spans& out) {
  // A dot held back now stood alone on a last line without an end: it ends the message as well.
  if (fault() == smtp::BodyFault::none) checker_.finish(out);
}

// How many octets stand before the lone dot. A dot at the start of a line, and a CR behind it, are held back until what follows is
// known. Those of an earlier piece are passed on from a constant then.
std::size_t SendmailText::find_end(std::string_view octets, smtp::Spans& out) {
  constexpr std::string_view kHeld = ".\r";
  std::size_t text_ends = 0;  // octets of this piece that are known to be message
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const char c = octets[i];
    if (at_ == At::line_start && c == '.') {
      at_ = At::dot;
    } else if (at_ == At::dot && c == '\r') {
      at_ = At::dot_cr;
    } else if (c == '\n' && (at_ == At::dot || at_ == At::dot_cr)) {
      ended_ = true;
      return text_ends;
    } else {
      if (held_ > 0) pass(kHeld.substr(0, std::exchange(held_, 0)), out);
      at_ = c == '\n' ? At::line_start : At::text;
      text_ends = i + 1;
    }
  }
  held_ += octets.size() - text_ends;
  return text_ends;
}

}  // namespace postrider::cmd
