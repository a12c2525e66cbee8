#include "relay/smtp/sasl_client.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "relay/smtp/base64.h"

namespace postrider::smtp {

std::string plain_response(std::string_view user, std::string_view password) {
  std::string message(1, '\0');  // no authorisation identity (RFC 4616 2.)
  message.append(user).append(1, '\0').append(password);
  return base64_encode(message);
}

std::string login_response(std::string_view user_or_password) {
  return base64_encode(user_or_password);
}

std::string xoauth2_response(std::string_view user, std::string_view token) {
  std::string message("user=");
  message.append(user).append("\1auth=Bearer ").append(token).append("\1\1");
  return base64_encode(message);
}

std::optional<std::string> cram_md5_response(std::string_view challenge, std::string_view user,
                                             std::string_view password) {
  const auto decoded = base64_decode(challenge);
  if (!decoded) return std::nullopt;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (HMAC(EVP_md5(), password.data(), static_cast<int>(password.size()),
           reinterpret_cast<const unsigned char*>(decoded->data()), decoded->size(), digest, &size) == nullptr) {
    return std::nullopt;  // MD5 is switched off on this machine (FIPS)
  }
  constexpr char kHex[] = "0123456789abcdef";  // RFC 2195 2.
  std::string message(user);
  message += ' ';
  for (unsigned int i = 0; i < size; ++i) message += {kHex[digest[i] >> 4], kHex[digest[i] & 15]};
  return base64_encode(message);
}

}  // namespace postrider::smtp
