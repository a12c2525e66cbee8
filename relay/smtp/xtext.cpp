#include "relay/smtp/xtext.h"

namespace postrider::smtp {
namespace {

int hex_value(char c) {  // upper case only (RFC 3461 4.)
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_xchar(char c) {
  return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string octets;
  octets.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      octets += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (is_xchar(text[i])) {
      octets += text[i];
    } else {
      return std::nullopt;
    }
  }
  return octets;
}

bool is_xtext(std::string_view text) {
  return decode_xtext(text).has_value();
}

std::string encode_xtext(std::string_view octets) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string text;
  text.reserve(octets.size());
  for (char c : octets) {
    if (is_xchar(c)) {
      text += c;
    } else {
      const auto u = static_cast<unsigned char>(c);
      text += {'+', kHex[u >> 4], kHex[u & 15]};
    }
  }
  return text;
}

}  // namespace postrider::smtp
