#include "relay/inbound/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <vector>

#include "relay/smtp/base64.h"
#include "relay/smtp/scram.h"

namespace postrider::relay {
namespace {

// RFC 7914 2.; 16 MB and about 50 ms a check. Bounds of what a stored hash may ask for, so that a damaged record is no bomb.
struct Cost {
  unsigned log_n = 14, r = 8, p = 1;
};
constexpr unsigned kMaxLogN = 17, kMaxR = 16, kMaxP = 4;
constexpr std::size_t kSaltOctets = 16, kHashOctets = 32;

struct ParsedHash {
  Cost cost;
  std::string salt, hash;
};

std::string random_octets(std::size_t n) {
  std::string out(n, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(n)) != 1)
    throw std::runtime_error("the system has no random numbers");
  return out;
}

std::string derive(std::string_view password, std::string_view salt, const Cost& cost, std::size_t octets) {
  constexpr std::uint64_t kMaxMemory = 512ull << 20;
  std::string out(octets, '\0');
  if (EVP_PBE_scrypt(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
                     1ull << cost.log_n, cost.r, cost.p, kMaxMemory, reinterpret_cast<unsigned char*>(out.data()),
                     octets) != 1)
    throw std::runtime_error("scrypt failed");
  return out;
}

std::string format_hash(const Cost& cost, std::string_view salt, std::string_view hash) {
  return "scrypt$ln=" + std::to_string(cost.log_n) + ",r=" + std::to_string(cost.r) + ",p=" + std::to_string(cost.p) +
         "$" + smtp::base64_encode(salt) + "$" + smtp::base64_encode(hash);
}

// Takes "<name>=<number>" off the front of `text`, and the comma behind it.
std::optional<unsigned> take_number(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name)) return std::nullopt;
  text.remove_prefix(name.size());
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(',')) text.remove_prefix(1);
  return value;
}

std::optional<ParsedHash> parse_hash(std::string_view text) {
  std::array<std::string_view, 4> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto end = i + 1 < parts.size() ? text.find('$') : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    parts[i] = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  auto log_n = take_number(parts[1], "ln="), r = take_number(parts[1], "r="), p = take_number(parts[1], "p=");
  auto salt = smtp::base64_decode(parts[2]), hash = smtp::base64_decode(parts[3]);
  if (parts[0] != "scrypt" || !log_n || !r || !p || !parts[1].empty() || !salt || !hash || hash->size() < 16)
    return std::nullopt;
  if (*log_n < 1 || *log_n > kMaxLogN || *r < 1 || *r > kMaxR || *p < 1 || *p > kMaxP) return std::nullopt;
  return ParsedHash{{*log_n, *r, *p}, std::move(*salt), std::move(*hash)};
}

std::optional<Fault> unfit(std::string_view password) {
  if (password.empty()) return invalid("a password must have at least one character");
  if (password.size() > kMaxPassword)
    return invalid("a password may have at most " + std::to_string(kMaxPassword) + " octets");
  return std::nullopt;
}

}  // namespace

result<std::string> make_password_hash(std::string_view password) {
  if (auto fault = unfit(password)) return std::move(*fault);
  const Cost cost;
  std::string salt = random_octets(kSaltOctets);
  return format_hash(cost, salt, derive(password, salt, cost, kHashOctets));
}

result<std::string> make_scram_text(std::string_view password) {
  if (auto fault = unfit(password)) return std::move(*fault);
  return smtp::format_scram_verifier(smtp::make_scram_verifier(password, random_octets(kSaltOctets), kScramIterations));
}

bool verify_password(std::string_view hash, std::string_view password) {
  auto parsed = parse_hash(hash);
  if (!parsed || password.size() > kMaxPassword) return false;
  std::string derived = derive(password, parsed->salt, parsed->cost, parsed->hash.size());
  return CRYPTO_memcmp(derived.data(), parsed->hash.data(), derived.size()) == 0;
}

bool password_matches(const storage::UserRecord& user, std::string_view password) {
  if (!user.password_hash.empty()) return verify_password(user.password_hash, password);
  auto verifier = smtp::parse_scram_verifier(user.scram);
  return verifier.has_value() && smtp::scram_verifier_matches(*verifier, password);
}

const std::string& decoy_password_hash() {
  static const std::string decoy = format_hash(Cost{}, random_octets(kSaltOctets), random_octets(kHashOctets));
  return decoy;
}

}  // namespace postrider::relay
