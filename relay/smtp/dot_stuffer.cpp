#include "relay/smtp/dot_stuffer.h"

#include <algorithm>

#include "relay/smtp/plain_lines.h"

namespace postrider::smtp {
namespace {

void give(std::string_view octets, Spans& out) {
  if (!octets.empty()) out.push_back(octets);
}

}  // namespace

void DotStuffer::feed(std::string_view chunk, Spans& out) {
  std::size_t sent = 0;  // octets of the chunk that are in `out`
  std::size_t pos = 0;
  if (pending_cr_ && !chunk.empty()) {
    pending_cr_ = false;
    give(kCrlf, out);
    at_line_start_ = true;
    if (chunk.front() == '\n') sent = pos = 1;
  }
  while (pos < chunk.size()) {
    if (at_line_start_) {
      pos += plain_lines(chunk.substr(pos), 0).octets;
      if (pos == chunk.size()) break;
    }
    if (at_line_start_ && chunk[pos] == '.') {
      // The dot goes out twice: as the end of one view and as the start of the next.
      give(chunk.substr(sent, pos + 1 - sent), out);
      sent = pos;
    }
    const std::size_t cr = std::min(chunk.find('\r', pos), chunk.size());
    const std::size_t end = std::min(chunk.substr(0, cr).find('\n', pos), cr);  // of the text of this line
    at_line_start_ = end < chunk.size();
    if (end == chunk.size()) break;
    if (end == cr && cr + 1 == chunk.size()) {  // what follows decides
      at_line_start_ = false;
      pending_cr_ = true;
      give(chunk.substr(sent, cr - sent), out);
      return;
    }
    if (end == cr && chunk[cr + 1] == '\n') {
      pos = cr + 2;
      continue;
    }
    give(chunk.substr(sent, end - sent), out);  // a lone CR or LF is never sent
    give(kCrlf, out);
    sent = pos = end + 1;
  }
  give(chunk.substr(sent), out);
}

void DotStuffer::finish(Spans& out) {
  out.push_back(at_line_start_ && !pending_cr_ ? ".\r\n" : "\r\n.\r\n");
  at_line_start_ = true;
  pending_cr_ = false;
}

}  // namespace postrider::smtp
