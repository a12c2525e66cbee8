// Subjects as listings show them: RFC 2047 encoded words in UTF-8 and US-ASCII decoded, everything else as it is.
#include <array>
#include <cstdint>
#include <optional>

#include "relay/inbound/header_editor.h"
#include "relay/smtp/base64.h"

namespace postrider::relay {
namespace {

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if ((a[i] >= 'A' && a[i] <= 'Z' ? a[i] + 32 : a[i]) != lower[i]) return false;
  return true;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<std::string> decode_q(std::string_view text) {  // RFC 2047 4.2
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out += ' ';
    } else if (text[i] != '=') {
      out += text[i];
    } else {
      int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1, low = high >= 0 ? hex_value(text[i + 2]) : -1;
      if (low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

struct EncodedWord {
  std::size_t length = 0;  // octets it takes in the source
  std::string decoded;
};

// "=?charset?encoding?text?=" at the front of `text`.
std::optional<EncodedWord> take_encoded_word(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  std::array<std::size_t, 3> marks{};
  std::size_t from = 2;
  for (std::size_t i = 0; i < 3; ++i) {
    marks[i] = text.find('?', from);
    if (marks[i] == std::string_view::npos) return std::nullopt;
    from = marks[i] + 1;
  }
  if (from >= text.size() || text[from] != '=') return std::nullopt;
  std::string_view charset = text.substr(2, marks[0] - 2),
                   encoding = text.substr(marks[0] + 1, marks[1] - marks[0] - 1),
                   payload = text.substr(marks[1] + 1, marks[2] - marks[1] - 1);
  charset = charset.substr(0, charset.find('*'));  // RFC 2231 5. language
  if (!equals_ignoring_case(charset, "utf-8") && !equals_ignoring_case(charset, "us-ascii")) return std::nullopt;
  std::optional<std::string> decoded;
  if (equals_ignoring_case(encoding, "b")) decoded = smtp::base64_decode(payload);
  if (equals_ignoring_case(encoding, "q")) decoded = decode_q(payload);
  if (!decoded) return std::nullopt;
  return EncodedWord{from + 1, std::move(*decoded)};
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

std::string listing_subject(std::string_view value) {
  constexpr std::size_t kEnough = 4 * kMaxListingSubject;
  std::string out;
  bool after_word = false;  // blanks between two encoded words are not text (RFC 2047 6.2)
  std::size_t blanks_from = 0;
  for (std::size_t i = 0; i < value.size() && out.size() < kEnough;) {
    if (auto word = take_encoded_word(value.substr(i))) {
      if (after_word) out.resize(blanks_from);
      out += word->decoded;
      i += word->length;
      after_word = true;
      blanks_from = out.size();
      continue;
    }
    if (is_blank(value[i])) {
      while (i < value.size() && is_blank(value[i])) ++i;
      out += ' ';
      continue;
    }
    out += value[i++];
    after_word = false;
  }
  std::string clean = sanitize_reason_text(out);
  if (clean.size() <= kMaxListingSubject) return clean;
  std::size_t cut = kMaxListingSubject;
  while (cut > 0 && (static_cast<unsigned char>(clean[cut]) & 0xc0) == 0x80) --cut;
  clean.resize(cut);
  return clean;
}

}  // namespace postrider::relay
