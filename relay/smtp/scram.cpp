#include "relay/smtp/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <charconv>
#include <stdexcept>

#include "relay/smtp/base64.h"

namespace postrider::smtp {
namespace {

constexpr std::uint32_t kMinIterations = 4096;      // RFC 7677 4.
constexpr std::uint32_t kMaxIterations = 10000000;  // a mistyped verifier must not stall a login
constexpr std::size_t kDigest = SHA256_DIGEST_LENGTH;
constexpr std::string_view kScheme = "SCRAM-SHA-256$";

const unsigned char* raw(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

std::string hmac(std::string_view key, std::string_view text) {
  std::string digest(kDigest, '\0');
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(text), text.size(),
           reinterpret_cast<unsigned char*>(digest.data()), &size) == nullptr) {
    throw std::runtime_error("HMAC-SHA-256 failed");
  }
  return digest;
}

std::string sha256(std::string_view text) {
  std::string digest(kDigest, '\0');
  SHA256(raw(text), text.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Takes "x=value" off the front of a comma-separated list (RFC 5802 7.).
std::optional<std::string_view> take_attribute(std::string_view& list, char name) {
  const std::size_t end = list.find(',');
  const std::string_view item = list.substr(0, end);
  if (item.size() < 2 || item[0] != name || item[1] != '=') return std::nullopt;
  list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
  return item.substr(2);
}

// "=2C" is a comma, "=3D" an equals sign, nothing else may follow '=' (RFC 5802 5.1).
std::optional<std::string> decode_name(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      name += text[i];
      continue;
    }
    const std::string_view code = text.substr(i, 3);
    if (code != "=2C" && code != "=3D") return std::nullopt;
    name += code == "=2C" ? ',' : '=';
    i += 2;
  }
  return name;
}

bool is_nonce(std::string_view text) {
  for (char c : text) {
    if (c < '!' || c > '~' || c == ',') return false;
  }
  return !text.empty();
}

}  // namespace

result<ScramVerifier> parse_scram_verifier(std::string_view text) {
  const Fault fault = invalid("not a SCRAM-SHA-256 verifier");
  if (text.substr(0, kScheme.size()) != kScheme) return fault;
  text.remove_prefix(kScheme.size());
  const std::size_t colon = text.find(':'), dollar = text.find('$');
  if (colon == std::string_view::npos || dollar == std::string_view::npos || dollar < colon) return fault;
  const std::string_view keys = text.substr(dollar + 1);
  const std::size_t second = keys.find(':');
  if (second == std::string_view::npos) return fault;

  ScramVerifier v;
  const auto [end, error] = std::from_chars(text.data(), text.data() + colon, v.iterations);
  const auto salt = base64_decode(text.substr(colon + 1, dollar - colon - 1));
  const auto stored = base64_decode(keys.substr(0, second)), server = base64_decode(keys.substr(second + 1));
  if (error != std::errc() || end != text.data() + colon || !salt || salt->empty() || !stored || !server) return fault;
  if (v.iterations < kMinIterations || v.iterations > kMaxIterations) return fault;
  if (stored->size() != kDigest || server->size() != kDigest) return fault;
  v.salt = *salt;
  v.stored_key = *stored;
  v.server_key = *server;
  return v;
}

std::string format_scram_verifier(const ScramVerifier& v) {
  return std::string(kScheme) + std::to_string(v.iterations) + ':' + base64_encode(v.salt) + '$' +
         base64_encode(v.stored_key) + ':' + base64_encode(v.server_key);
}

// RFC 5802 3. Passwords are taken as they are: SASLprep changes nothing in ASCII ones.
ScramVerifier make_scram_verifier(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  std::string salted(kDigest, '\0');
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), raw(salt), static_cast<int>(salt.size()),
                        static_cast<int>(iterations), EVP_sha256(), static_cast<int>(kDigest),
                        reinterpret_cast<unsigned char*>(salted.data())) != 1) {
    throw std::runtime_error("PBKDF2 failed");
  }
  ScramVerifier v;
  v.iterations = iterations;
  v.salt = salt;
  v.stored_key = sha256(hmac(salted, "Client Key"));
  v.server_key = hmac(salted, "Server Key");
  return v;
}

bool scram_verifier_matches(const ScramVerifier& verifier, std::string_view password) {
  return same(make_scram_verifier(password, verifier.salt, verifier.iterations).stored_key, verifier.stored_key);
}

ScramVerifier decoy_scram_verifier(std::string_view name, std::string_view secret, std::uint32_t iterations) {
  ScramVerifier v;
  v.iterations = iterations;
  v.salt = hmac(secret, std::string("salt:").append(name)).substr(0, 16);
  v.stored_key = hmac(secret, std::string("stored:").append(name));
  v.server_key = hmac(secret, std::string("server:").append(name));
  return v;
}

result<std::string> ScramServer::on_client_first(std::string_view message) {
  std::string_view rest = message;
  if (rest.substr(0, 2) == "p=") return invalid("channel binding is not offered");
  if (rest.substr(0, 2) != "n," && rest.substr(0, 2) != "y,") return invalid("bad GS2 header");
  rest.remove_prefix(2);
  const std::size_t comma = rest.find(',');
  if (comma == std::string_view::npos) return invalid("bad GS2 header");
  if (comma != 0 && rest.substr(0, 2) != "a=") return invalid("bad GS2 header");
  const auto authzid = decode_name(comma == 0 ? std::string_view() : rest.substr(2, comma - 2));
  rest.remove_prefix(comma + 1);
  gs2_header_ = message.substr(0, message.size() - rest.size());
  client_first_bare_ = rest;

  const auto name = take_attribute(rest, 'n');  // "m=" (mandatory extensions) ends here, as it must
  const auto nonce = name ? take_attribute(rest, 'r') : std::nullopt;
  const auto user = name ? decode_name(*name) : std::nullopt;
  if (!authzid || !user || user->empty() || !nonce || !is_nonce(*nonce)) return invalid("bad client-first message");
  if (!authzid->empty() && *authzid != *user) return invalid("acting for another user is not offered");
  nonce_ = std::string(*nonce) + nonce_;
  return *user;
}

std::string ScramServer::server_first(const ScramVerifier& verifier) {
  verifier_ = verifier;
  server_first_ = "r=" + nonce_ + ",s=" + base64_encode(verifier.salt) + ",i=" + std::to_string(verifier.iterations);
  return server_first_;
}

result<std::optional<std::string>> ScramServer::on_client_final(std::string_view message) {
  const std::size_t proof_at = message.rfind(",p=");
  if (proof_at == std::string_view::npos) return invalid("bad client-final message");
  const std::string_view without_proof = message.substr(0, proof_at);
  const auto proof = base64_decode(message.substr(proof_at + 3));
  std::string_view rest = without_proof;
  const auto binding = take_attribute(rest, 'c');
  const auto nonce = binding ? take_attribute(rest, 'r') : std::nullopt;
  if (!proof || proof->size() != kDigest || !nonce) return invalid("bad client-final message");
  if (*binding != base64_encode(gs2_header_) || *nonce != nonce_) return invalid("nonce or GS2 header does not match");

  const std::string auth_message = client_first_bare_ + ',' + server_first_ + ',' + std::string(without_proof);
  std::string client_key = hmac(verifier_.stored_key, auth_message);
  for (std::size_t i = 0; i < kDigest; ++i) client_key[i] = static_cast<char>(client_key[i] ^ (*proof)[i]);
  if (!same(sha256(client_key), verifier_.stored_key)) return std::optional<std::string>();
  return std::optional<std::string>("v=" + base64_encode(hmac(verifier_.server_key, auth_message)));
}

}  // namespace postrider::smtp
