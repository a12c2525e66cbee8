// SCRAM-SHA-256 (RFC 5802, 7677): the verifier that is stored instead of a password, and the server's side of
// the exchange, without channel binding. Secrets never appear in a fault. Any thread for the functions; a
// ScramServer belongs to one login.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace postrider::smtp {

struct ScramVerifier {
  std::uint32_t iterations = 0;  // at least 4096 (RFC 7677 4.)
  std::string salt;              // raw octets
  std::string stored_key;        // 32 octets
  std::string server_key;        // 32 octets
};

// Text form "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>", base64 parts (RFC 5803 with '$' as
// PostgreSQL writes it).
result<ScramVerifier> parse_scram_verifier(std::string_view text);
std::string format_scram_verifier(const ScramVerifier& verifier);
ScramVerifier make_scram_verifier(std::string_view password, std::string_view salt, std::uint32_t iterations);
bool scram_verifier_matches(const ScramVerifier& verifier,
                            std::string_view password);  // constant time; for PLAIN and LOGIN
// For a name that does not exist: the same name gets the same salt, so that names cannot be probed. `secret`
// is the server's.
ScramVerifier decoy_scram_verifier(std::string_view name, std::string_view secret, std::uint32_t iterations = 4096);

class ScramServer {
 public:
  explicit ScramServer(std::string nonce) : nonce_(std::move(nonce)) {}  // printable, fresh, no comma

  result<std::string> on_client_first(std::string_view message);  // the user name
  std::string server_first(const ScramVerifier& verifier);        // with the verifier of that user
  // The server-final message when the proof is right; nothing when it is wrong; a fault when it makes no
  // sense.
  result<std::optional<std::string>> on_client_final(std::string_view message);

 private:
  std::string nonce_;       // client's and ours, after on_client_first
  std::string gs2_header_;  // "n,," or "y,a=name,"
  std::string client_first_bare_;
  std::string server_first_;
  ScramVerifier verifier_;
};

}  // namespace postrider::smtp
