#include "relay/inbound/fingerprint.h"

#include <array>
#include <new>
#include <string>

namespace postrider::relay {

Fingerprint::Fingerprint() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
}

void Fingerprint::add(std::string_view octets) {
  EVP_DigestUpdate(context_.get(), octets.data(), octets.size());
}

void Fingerprint::add_item(std::string_view octets) {
  add(std::to_string(octets.size()) + ":");
  add(octets);
}

std::uint64_t Fingerprint::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | digest[static_cast<std::size_t>(i)];
  return value;
}

}  // namespace postrider::relay
