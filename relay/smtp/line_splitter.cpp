#include "relay/smtp/line_splitter.h"

namespace postrider::smtp {

LineResult LineSplitter::next(std::string_view input) {
  const std::size_t end = input.find('\n', scanned_);
  if (end == std::string_view::npos) {
    if (swallowing_ || input.size() >= max_line_) {
      swallowing_ = true;
      scanned_ = 0;
      return {LineStatus::need_more, {}, input.size()};
    }
    scanned_ = input.size();
    return {};
  }

  LineResult result{LineStatus::line, input.substr(0, end), end + 1};
  const bool too_long = swallowing_ || end + 1 > max_line_;
  reset();
  if (too_long) return {LineStatus::too_long, {}, result.consumed};

  const bool crlf = !result.line.empty() && result.line.back() == '\r';
  if (crlf) result.line.remove_suffix(1);
  if (result.line.find('\0') != std::string_view::npos) return {LineStatus::nul, {}, result.consumed};
  const bool bare_lf = !crlf && policy_ == BareNewline::reject;
  if (bare_lf || result.line.find('\r') != std::string_view::npos) {
    return {LineStatus::bare_newline, {}, result.consumed};
  }
  return result;
}

void LineSplitter::reset() {
  scanned_ = 0;
  swallowing_ = false;
}

}  // namespace postrider::smtp
