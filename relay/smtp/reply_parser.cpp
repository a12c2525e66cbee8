#include "relay/smtp/reply_parser.h"

#include <algorithm>

#include "relay/smtp/ascii.h"

namespace postrider::smtp {
namespace {

// The length of "d.ddd.ddd" at the front of `text` when its class is that of the reply (RFC 2034 4.), else 0.
std::size_t enhanced_length(std::string_view text, int code) {
  if (text.size() < 5 || text[0] - '0' != code / 100 || text[1] != '.') return 0;
  std::size_t i = 2;
  for (int part = 0; part < 2; ++part) {
    std::size_t digits = 0;
    while (i < text.size() && is_digit(text[i]) && digits < 3) ++i, ++digits;
    if (digits == 0) return 0;
    if (part == 0 && (i >= text.size() || text[i++] != '.')) return 0;
  }
  return i == text.size() || is_blank(text[i]) ? i : 0;
}

}  // namespace

ReplyParser::Step ReplyParser::feed(std::string_view input) {
  std::size_t consumed = 0;
  while (consumed < input.size()) {
    const std::string_view rest = input.substr(consumed);
    const std::size_t end = rest.find('\n');
    const std::string_view piece = rest.substr(0, end);
    line_.append(piece.substr(0, std::min(piece.size(), kMaxLine - std::min(kMaxLine, line_.size()))));
    consumed += piece.size() + (end == std::string_view::npos ? 0 : 1);
    total_ += piece.size() + 1;
    if (total_ > kMaxReply) {
      fault_ = "reply longer than 64 KiB";
      return {Status::fault, consumed};
    }
    if (end == std::string_view::npos) break;
    if (!accept_line()) {
      fault_ = "not an SMTP reply";
      return {Status::fault, consumed};
    }
    if (last_) return {Status::complete, consumed};
  }
  return {Status::need_more, consumed};
}

// "250-text", "250 text", "250" (RFC 5321 4.2.1); what follows the code decides whether more lines come.
bool ReplyParser::accept_line() {
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  if (line_.size() < 3 || line_[0] < '2' || line_[0] > '5' || !is_digit(line_[1]) || !is_digit(line_[2])) return false;
  if (line_.size() > 3 && is_digit(line_[3])) return false;
  reply_.code = (line_[0] - '0') * 100 + (line_[1] - '0') * 10 + (line_[2] - '0');
  last_ = line_.size() == 3 || line_[3] != '-';
  if (reply_.lines.size() < kKeptLines) {
    reply_.lines.emplace_back(std::string_view(line_).substr(std::min<std::size_t>(4, line_.size())));
  }
  line_.clear();
  return true;
}

Reply ReplyParser::take() {
  for (std::string& text : reply_.lines) {
    const std::size_t n = enhanced_length(text, reply_.code);
    if (n == 0) continue;
    reply_.enhanced = text.substr(0, n);
    text.erase(0, std::min(n + 1, text.size()));
  }
  Reply reply = std::move(reply_);
  reply_ = Reply();
  total_ = 0;
  last_ = false;
  return reply;
}

}  // namespace postrider::smtp
