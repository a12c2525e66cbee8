// Who is asking: turns what a request brings along into a Principal, in one place for every route and every vendor's scheme:
//   Authorization: Bearer <key>      the operator token, an API key, or a session (JWT) of POST /tokens
//   Authorization: Basic             any of these as the password (Mailgun `api:KEY`, Mailjet), or name and password of a user
//   X-Postmark-Server-Token: <key>
//   Authorization: AWS4-HMAC-SHA256  an access key made from an API key (mgmt/aws_auth.h); covers the body
// or nothing at all from [mgmt] trusted_networks. Slows down who guesses (mgmt/login_guard.h). One, on the mgmt thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "mgmt/http.h"
#include "mgmt/problem.h"
#include "mgmt/secret.h"
#include "storage/store.h"

namespace postrider::mgmt {

class KeyRing;
class LoginGuard;
class Sessions;

// The user when the password is right; nothing when it is not; a fault when that cannot be told now.
using CheckPassword = std::function<boost::asio::awaitable<result<std::optional<storage::UserRecord>>>(
    std::string name, std::string password)>;

// How much of a request is there. Of the head alone all is checked that can be, so that nobody without a key makes us take a body.
enum class RequestStage : std::uint8_t { head, whole };

struct AuthParts {
  std::string operator_token;
  KeyRing& keys;  // whose use is noted
  Sessions& sessions;
  LoginGuard& guard;
  CheckPassword check_password;
  std::string aws_key;                                           // see aws_auth.h
  std::function<bool(const boost::asio::ip::address&)> trusted;  // null: no network is trusted
  const Clock& clock;
  std::vector<std::string> hosts = {};  // names that clients of a trusted network call this relay by, in any case
};

// What a request without any credential is told. The dialects whose clients bring theirs in another field say it in their words.
inline constexpr std::string_view kKeyNeeded = "a key is needed: Authorization: Bearer <key>";

class Authenticator {
 public:
  using Checked = std::variant<Principal, Refusal>;
  using Login = std::variant<storage::UserRecord, Refusal>;

  explicit Authenticator(AuthParts parts);

  // Whether a check is complete only with the body: a signature covers it.
  static bool needs_body(const Request& request);
  // The principal, or why not: unauthorized (a credential that is unknown, void or expired, RFC 6750 3.1), forbidden (a key used
  // outside its networks), forbidden_origin, unsupported_media_type, too_many_requests, unavailable. A wrong key is refused also
  // from a trusted network.
  boost::asio::awaitable<Checked> check(const Request& request, RequestStage stage = RequestStage::whole);
  // A name and a password, held to the same limits.
  boost::asio::awaitable<Login> log_in(boost::asio::ip::address peer, std::string name, std::string password);

 private:
  boost::asio::awaitable<Checked> check_token(const Request& request, std::string token);
  boost::asio::awaitable<Checked> check_basic(const Request& request, std::string_view credentials);
  Checked check_signature(const Request& request, RequestStage stage);
  Checked check_trust(const Request& request) const;
  Checked admit(const Request& request, const storage::ApiKeyRecord& key);
  Refusal wrong(const Request& request, std::string detail);

  AuthParts parts_;
  Digest operator_digest_;
};

// The token of "Authorization: Bearer <token>" (RFC 6750 2.1), or nothing.
std::optional<std::string_view> bearer_token(const Request& request);

Principal principal_of(const storage::UserRecord& user);
Principal principal_of(const storage::ApiKeyRecord& key);

}  // namespace postrider::mgmt
