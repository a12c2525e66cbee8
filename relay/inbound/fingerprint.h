// What makes two submissions "the same message" under an idempotency key: envelope, header and body as they came, without trace,
// Date and Message-ID, which a client that sends again makes anew. 64 bits of SHA-256. One per message that has a key.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <string_view>

namespace postrider::relay {

class Fingerprint {
 public:
  Fingerprint();
  void add(std::string_view octets);       // part of what was added before: pieces may be cut anywhere
  void add_item(std::string_view octets);  // of its own: its length counts too
  std::uint64_t finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace postrider::relay
