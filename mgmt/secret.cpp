#include "mgmt/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

namespace postrider::mgmt {

namespace {

constexpr std::string_view kTokenPrefix = "pr_";
constexpr std::size_t kTokenText = 43;  // 32 octets in base64 without padding

bool is_base64url(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string random_octets(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1)
    throw std::runtime_error("the system gives no random numbers");
  return out;
}

std::string make_token() {
  return std::string(kTokenPrefix) + base64url(random_octets(kSecretOctets));
}

bool looks_like_token(std::string_view text) {
  if (!text.starts_with(kTokenPrefix)) return false;
  text.remove_prefix(kTokenPrefix.size());
  return text.size() == kTokenText && std::all_of(text.begin(), text.end(), is_base64url);
}

Digest sha256(std::string_view octets) {
  Digest out{};
  if (EVP_Digest(octets.data(), octets.size(), out.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  return out;
}

bool same_secret(const Digest& a, const Digest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string base64url(std::string_view octets) {
  std::string text(4 * ((octets.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), raw(octets), static_cast<int>(octets.size()));
  text.resize(static_cast<std::size_t>(length));
  while (text.ends_with('=')) text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::string base32_lower(std::string_view octets) {
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
  std::string out;
  unsigned held = 0, bits = 0;
  for (const char c : octets) {
    held = (held << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 5; bits -= 5) out += kDigits[(held >> (bits - 5)) & 31];
  }
  if (bits > 0) out += kDigits[(held << (5 - bits)) & 31];
  return out;
}

}  // namespace postrider::mgmt
