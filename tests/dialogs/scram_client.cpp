#include "tests/dialogs/scram_client.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <stdexcept>

#include "relay/smtp/base64.h"

namespace postrider::dialogs {
namespace {

const unsigned char* octets(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac(const std::string& key, const std::string& text) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(text), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

std::string sha256(const std::string& text) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  SHA256(octets(text), text.size(), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

std::string attribute(const std::string& message, char name) {
  std::size_t at = message.rfind(std::string(1, name) + "=", 0) == 0 ? 0 : message.find(std::string(",") + name + "=");
  if (at == std::string::npos) throw std::runtime_error("no such attribute in: " + message);
  at += message[at] == ',' ? 3 : 2;
  return message.substr(at, message.find(',', at) - at);
}

std::string bare_first(const std::string& user) {
  return "n=" + user + ",r=fyko+d2lbbFgONRv9qkxdawL";
}

}  // namespace

std::string scram_first(const std::string& user) {
  return smtp::base64_encode("n,," + bare_first(user));
}

std::string scram_final(const std::string& user, const std::string& password, const std::string& challenge) {
  const std::string first = smtp::base64_decode(challenge).value();
  const std::string salt = smtp::base64_decode(attribute(first, 's')).value();
  std::string salted(SHA256_DIGEST_LENGTH, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets(salt), static_cast<int>(salt.size()),
                    std::stoi(attribute(first, 'i')), EVP_sha256(), SHA256_DIGEST_LENGTH,
                    reinterpret_cast<unsigned char*>(salted.data()));
  const std::string without_proof = "c=biws,r=" + attribute(first, 'r');
  const std::string key = hmac(salted, "Client Key");
  const std::string signature = hmac(sha256(key), bare_first(user) + "," + first + "," + without_proof);
  std::string proof = key;
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature[i]);
  return smtp::base64_encode(without_proof + ",p=" + smtp::base64_encode(proof));
}

}  // namespace postrider::dialogs
