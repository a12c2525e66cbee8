#include "relay/outbound/notice_encoding.h"

#include <algorithm>
#include <cstdint>

#include "core/outcome.h"
#include "core/utf8.h"

namespace postrider::relay {

namespace {

constexpr std::size_t kLine = 76;      // RFC 2045 6.7 (5), RFC 2047 2.
constexpr std::size_t kWord = 63;      // of encoded text: with "=?UTF-8?Q?" and "?=" 75 (RFC 2047 2.)
constexpr std::size_t kLongest = 998;  // RFC 5322 2.1.1

constexpr char kHex[] = "0123456789ABCDEF";

unsigned octet(char c) {
  return static_cast<unsigned char>(c);
}

std::uint32_t code_point(std::string_view character) {
  if (character.size() == 1) return octet(character[0]);
  std::uint32_t point = octet(character[0]) & (0xffu >> (character.size() + 1));
  for (const char c : character.substr(1)) point = point << 6 | (octet(c) & 0x3fu);
  return point;
}

void append_embedded(std::string& out, std::uint32_t point) {
  out += "\\x{";
  for (int shift = 20; shift >= 0; shift -= 4) {
    if (point >> shift != 0 || shift <= 4) out += kHex[point >> shift & 15];
  }
  out += '}';
}

void append_hex(std::string& out, char c) {
  out += {'=', kHex[octet(c) >> 4], kHex[octet(c) & 15]};
}

// One character in the Q encoding (RFC 2047 4.2).
std::string q_encoded(std::string_view character) {
  std::string out;
  for (const char c : character) {
    if (c == ' ') {
      out += '_';
    } else if (c > ' ' && c < 0x7f && c != '=' && c != '?' && c != '_') {
      out += c;
    } else {
      append_hex(out, c);
    }
  }
  return out;
}

// The text between two line ends.
void append_quoted(std::string& out, std::string_view line) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool last = i + 1 == line.size();
    const bool blank = c == ' ' || c == '\t';
    const bool plain = (c > ' ' && c < 0x7f && c != '=') || (blank && !last);
    const std::size_t size = plain ? 1 : 3;
    if (used + size > kLine - (last ? 0 : 1)) {
      out += "=\r\n";
      used = 0;
    }
    if (plain) {
      out += c;
    } else {
      append_hex(out, c);
    }
    used += size;
  }
}

}  // namespace

std::string one_line(std::string_view text) {
  return sanitize_reason_text(text);
}

std::string folded(std::string_view line) {
  line = line.substr(0, line.find_last_not_of(' ') + 1);
  std::string out;
  std::size_t used = 0;
  while (!line.empty()) {
    const std::size_t word = std::min(line.find_first_not_of(' '), line.size());
    const std::size_t size = std::min(line.find(' ', word), line.size());  // blanks and the word behind them
    if (word > 0 && used > 0 && used + size > kLine) {
      out += "\r\n";
      used = 0;
    }
    out += line.substr(0, size);
    used += size;
    line.remove_prefix(size);
  }
  return out += "\r\n";
}

std::string encoded_words(std::string_view utf8) {
  std::string out;
  for (std::size_t room = 0; !utf8.empty();) {
    const std::size_t size = std::max<std::size_t>(utf8_sequence_length(utf8), 1);
    const std::string character = q_encoded(utf8.substr(0, size));
    if (character.size() > room) {
      out += out.empty() ? "\r\n =?UTF-8?Q?" : "?=\r\n =?UTF-8?Q?";
      room = kWord;
    }
    out += character;
    room -= character.size();
    utf8.remove_prefix(size);
  }
  return out += "?=";
}

std::string quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    append_quoted(out, text.substr(0, end));
    out += "\r\n";
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

bool needs_encoding(std::string_view text) {
  std::size_t line = 0;
  for (const char c : text) {
    if (octet(c) > 127 || c == '\0') return true;
    line = c == '\n' ? 0 : line + 1;
    if (line > kLongest + 1) return true;  // the CR of the line end is counted
  }
  return false;
}

std::string embedded_unicode(std::string_view utf8, std::string_view also) {
  std::string out;
  out.reserve(utf8.size());
  while (!utf8.empty()) {
    const std::size_t size = std::max<std::size_t>(utf8_sequence_length(utf8), 1);
    const bool plain = octet(utf8[0]) < 0x80 && also.find(utf8[0]) == std::string_view::npos;
    if (plain) {
      out += utf8[0];
    } else {
      append_embedded(out, code_point(utf8.substr(0, size)));
    }
    utf8.remove_prefix(size);
  }
  return out;
}

std::string utf8_addr_xtext(std::string_view address) {
  return embedded_unicode(one_line(address), " \\+=");
}

}  // namespace postrider::relay
