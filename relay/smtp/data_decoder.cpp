#include "relay/smtp/data_decoder.h"

#include <algorithm>

#include "relay/smtp/plain_lines.h"

namespace postrider::smtp {

Reply to_reply(BodyFault fault) {
  switch (fault) {
    case BodyFault::bare_newline:
      return {550, "5.5.2", "Bare CR or LF in the message: lines end in CRLF"};
    case BodyFault::nul:
      return {550, "5.6.0", "NUL in the message"};
    case BodyFault::line_too_long:
      return {500, "5.5.2", "Text line too long"};
    case BodyFault::too_big:
      return {552, "5.3.4", "Message too big"};
    case BodyFault::none:
      break;
  }
  return {451, "4.3.0", "Message refused without a reason"};
}

void BodyChecker::feed(std::string_view octets, Spans& out) {
  if (fault_ != BodyFault::none) return;
  const std::size_t nul = octets.find('\0');
  std::string_view text = octets.substr(0, nul);
  while (!text.empty() && fault_ == BodyFault::none) {
    const std::size_t plain = feed_plain(text, out);
    text.remove_prefix(plain != 0 ? plain : take_line(text, out));
  }
  if (nul != std::string_view::npos) fail(BodyFault::nul);
}

std::size_t BodyChecker::feed_plain(std::string_view text, Spans& out) {
  if (line_ != 0 || pending_cr_ || fault_ != BodyFault::none) return 0;
  const PlainLines plain = plain_lines(text, limits_.max_line);
  if (plain.octets == 0 || (limits_.max_size != 0 && size_ + plain.octets > limits_.max_size)) return 0;
  size_ += plain.octets;
  eight_bit_ = eight_bit_ || plain.eight_bit;
  join(text.substr(0, plain.octets), out);
  return plain.octets;
}

void BodyChecker::finish(Spans& out) {
  if (pending_cr_) {
    pending_cr_ = false;
    bare_newline(out);
  }
  if (line_ > 0) end_line(kCrlf, out);
}

// Takes one line, or what there is of it, and returns its octets. A CR at the end waits for what follows it.
std::size_t BodyChecker::take_line(std::string_view text, Spans& out) {
  if (pending_cr_) {
    pending_cr_ = false;
    if (text.front() == '\n') {
      end_line(kCrlf, out);
      return 1;
    }
    bare_newline(out);
    return 0;
  }
  const std::size_t cr = std::min(text.find('\r'), text.size());
  const std::size_t lf = text.substr(0, cr).find('\n');
  if (lf != std::string_view::npos) {
    pass(text.substr(0, lf), out);
    bare_newline(out);
    return lf + 1;
  }
  pass(text.substr(0, cr), out);
  if (cr == text.size()) return cr;
  if (cr + 1 == text.size()) {
    pending_cr_ = true;
    return cr + 1;
  }
  if (text[cr + 1] != '\n') {
    bare_newline(out);
    return cr + 1;
  }
  end_line(text.substr(cr, 2), out);
  return cr + 2;
}

// Octets of a line. The fault is that of the first octet too many, so that it does not depend on how the
// input was cut.
void BodyChecker::pass(std::string_view octets, Spans& out) {
  if (octets.empty() || fault_ != BodyFault::none) return;
  const bool long_line = limits_.max_line != 0 && line_ + octets.size() + kCrlf.size() > limits_.max_line;
  const bool big = limits_.max_size != 0 && size_ + octets.size() > limits_.max_size;
  if (long_line || big) {
    const std::uint64_t to_line =
        long_line ? limits_.max_line - std::min(limits_.max_line, line_ + kCrlf.size()) : ~0ull;
    const std::uint64_t to_size = big ? limits_.max_size - size_ : ~0ull;
    return fail(to_line <= to_size ? BodyFault::line_too_long : BodyFault::too_big);
  }
  line_ += octets.size();
  give(octets, out);
}

void BodyChecker::end_line(std::string_view crlf, Spans& out) {
  if (fault_ != BodyFault::none) return;
  if (limits_.max_size != 0 && size_ + crlf.size() > limits_.max_size) return fail(BodyFault::too_big);
  line_ = 0;
  give(crlf, out);
}

void BodyChecker::bare_newline(Spans& out) {
  if (limits_.bare_newline == BareNewline::reject) return fail(BodyFault::bare_newline);
  end_line(kCrlf, out);
}

void BodyChecker::give(std::string_view octets, Spans& out) {
  size_ += octets.size();
  if (!eight_bit_) eight_bit_ = has_eight_bit(octets);
  join(octets, out);
}

void BodyChecker::join(std::string_view octets, Spans& out) {
  const bool joins =
      !out.empty() && out.back().data() != kCrlf.data() && out.back().data() + out.back().size() == octets.data();
  if (joins) {
    out.back() = {out.back().data(), out.back().size() + octets.size()};
  } else {
    out.push_back(octets);
  }
}

void BodyChecker::fail(BodyFault fault) {
  if (fault_ == BodyFault::none) fault_ = fault;
}

DataDecoder::Step DataDecoder::feed(std::string_view input, Spans& out) {
  std::size_t pos = 0;
  while (pos < input.size()) {
    switch (at_) {
      case At::line_start:
        if (const std::size_t plain = checker_.feed_plain(input.substr(pos), out); plain != 0) {
          pos += plain;
          break;
        }
        at_ = At::text;
        if (input[pos] == '.') {
          at_ = At::dot;
          ++pos;
        }
        break;
      case At::dot:  // not given out: it is either the end or was stuffed
        at_ = At::text;
        if (input[pos] == '\r') {
          at_ = At::dot_cr;
          ++pos;
        }
        break;
      case At::dot_cr:
        if (input[pos] == '\n') {
          at_ = At::line_start;
          return {pos + 1, true};
        }
        checker_.feed(kCrlf.substr(0, 1), out);
        at_ = At::text;
        break;
      case At::text:
      case At::text_cr:
        pos = take_text(input, pos, out);
        break;
    }
  }
  return {pos, false};
}

// Takes text up to a line that starts with a dot, or all there is. Only CRLF starts a line here, whatever the
// policy.
std::size_t DataDecoder::take_text(std::string_view input, std::size_t pos, Spans& out) {
  const std::size_t start = pos;
  bool after_cr = at_ == At::text_cr;
  at_ = At::text;
  while (pos < input.size()) {
    const std::size_t lf = input.find('\n', pos);
    if (lf == std::string_view::npos) {
      at_ = input.back() == '\r' ? At::text_cr : At::text;
      pos = input.size();
      break;
    }
    const bool crlf = lf > pos ? input[lf - 1] == '\r' : after_cr;
    pos = lf + 1;
    after_cr = false;
    if (crlf && (pos == input.size() || input[pos] == '.')) {
      at_ = At::line_start;
      break;
    }
  }
  checker_.feed(input.substr(start, pos - start), out);
  return pos;
}

void BdatDecoder::begin_chunk(std::uint64_t size, bool last) {
  left_ = size;
  last_ = last;
}

std::size_t BdatDecoder::feed(std::string_view input, Spans& out) {
  const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  checker_.feed(input.substr(0, take), out);
  left_ -= take;
  return take;
}

void BdatDecoder::finish(Spans& out) {
  checker_.finish(out);
}

}  // namespace postrider::smtp
