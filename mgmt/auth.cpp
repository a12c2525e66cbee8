#include "mgmt/auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <boost/beast/core/string.hpp>
#include <stdexcept>

#include "mgmt/media_type.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

namespace {

// The token of "Bearer <token>" (RFC 6750 2.1; the scheme in any case, RFC 9110 11.1), or nothing.
std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return std::nullopt;
  if (!boost::beast::iequals(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

bool may_change_something(http::verb method) {
  return method != http::verb::get && method != http::verb::head;
}

}  // namespace

Authenticator::Authenticator(AuthOptions options) : trusted_(std::move(options.trusted)) {
  for (ApiKey& key : options.keys) {
    if (key.token.empty()) throw std::logic_error("a key must not be empty");
    known_.push_back({digest(key.token), std::move(key.principal)});
  }
}

std::variant<Principal, Response> Authenticator::check(const Request& request) const {
  if (!request.authorization.empty()) {
    const auto token = bearer_token(request.authorization);
    if (!token) return problem(ProblemType::unauthorized, "the Authorization header must be: Bearer <key>");
    if (const Principal* principal = find(*token)) return *principal;
    return problem(ProblemType::unauthorized, "this key is not known");
  }
  if (!trusted_ || !trusted_(request.peer))
    return problem(ProblemType::unauthorized, "a key is needed: Authorization: Bearer <key>");
  // A page in a browser on a trusted machine must not act with that machine's trust: browsers name the page's origin,
  // and cannot send JSON elsewhere without asking first.
  if (!request.origin.empty())
    return problem(ProblemType::forbidden_origin, "requests from web pages (Origin header) need a key");
  if (may_change_something(request.method) && !is_json(request.content_type))
    return problem(ProblemType::unsupported_media_type,
                   "without a key, requests must say Content-Type: application/json");
  return Principal{"trusted:" + request.peer.to_string(), {}};
}

// Digests are compared, and all of them, so that neither a common prefix nor which key it was shows in the time this takes.
const Principal* Authenticator::find(std::string_view token) const {
  const Digest given = digest(token);
  const Principal* found = nullptr;
  for (const Known& known : known_)
    if (CRYPTO_memcmp(given.data(), known.digest.data(), given.size()) == 0) found = &known.principal;
  return found;
}

Authenticator::Digest Authenticator::digest(std::string_view text) {
  Digest out{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  return out;
}

}  // namespace postrider::mgmt
