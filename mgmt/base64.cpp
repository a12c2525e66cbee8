#include "mgmt/base64.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

namespace postrider::mgmt {

namespace {

struct Free {
  void operator()(EVP_ENCODE_CTX* context) const { EVP_ENCODE_CTX_free(context); }
};

bool is_blank(char c) {
  return c == '\r' || c == '\n' || c == ' ' || c == '\t';
}

bool is_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

// OpenSSL takes a '-' for the end of the text, and what follows for nothing; and digits after the padding.
bool is_whole(std::string_view text) {
  std::size_t digits = 0, pads = 0;
  for (const char c : text) {
    if (is_blank(c)) continue;
    if (c == '=')
      ++pads;
    else if (is_digit(c) && pads == 0)
      ++digits;
    else
      return false;
  }
  return pads <= 2 && (digits + pads) % 4 == 0;
}

}  // namespace

std::optional<std::string> base64_decode(std::string_view text) {
  constexpr std::size_t kPiece = 1u << 20;  // OpenSSL counts in int
  if (!is_whole(text)) return std::nullopt;
  const std::unique_ptr<EVP_ENCODE_CTX, Free> context(EVP_ENCODE_CTX_new());
  EVP_DecodeInit(context.get());
  std::string octets(text.size() / 4 * 3 + 3, '\0');
  std::size_t size = 0;
  int written = 0;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(std::min(rest.size(), kPiece))) {
    const std::string_view piece = rest.substr(0, kPiece);
    if (EVP_DecodeUpdate(context.get(), reinterpret_cast<unsigned char*>(octets.data() + size), &written,
                         reinterpret_cast<const unsigned char*>(piece.data()), static_cast<int>(piece.size())) < 0)
      return std::nullopt;
    size += static_cast<std::size_t>(written);
  }
  if (EVP_DecodeFinal(context.get(), reinterpret_cast<unsigned char*>(octets.data() + size), &written) < 0)
    return std::nullopt;
  octets.resize(size + static_cast<std::size_t>(written));
  return octets;
}

}  // namespace postrider::mgmt
