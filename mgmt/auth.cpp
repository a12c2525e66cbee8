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

Authenticator::Authenticator(AuthOptions options)
    : operator_digest_(digest(options.operator_token)), trusted_(std::move(options.trusted)) {
  if (options.operator_token.empty()) throw std::logic_error("the operator token must not be empty");
}

std::variant<Principal, Response> Authenticator::check(const Request& request) const {
  if (!request.authorization.empty()) {
    const auto token = bearer_token(request.authorization);
    if (!token) return problem(ProblemType::unauthorized, "the Authorization header must be: Bearer <key>");
    // Digests are compared, so that neither the length nor a common prefix of the key shows in the time this takes.
    const Digest given = digest(*token);
    if (CRYPTO_memcmp(given.data(), operator_digest_.data(), given.size()) != 0)
      return problem(ProblemType::unauthorized, "this key is not known");
    return Principal{"operator"};
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
  return Principal{"trusted:" + request.peer.to_string()};
}

Authenticator::Digest Authenticator::digest(std::string_view text) {
  Digest out{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  return out;
}

}  // namespace postrider::mgmt
