#include "mgmt/auth.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <stdexcept>

#include "mgmt/aws_auth.h"
#include "mgmt/base64.h"
#include "mgmt/key_ring.h"
#include "mgmt/login_guard.h"
#include "mgmt/media_type.h"
#include "mgmt/sessions.h"
#include "mgmt/user_rules.h"
#include "relay/inbound/password.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
using storage::ApiKeyRecord;
using storage::UserRecord;

constexpr std::string_view kPostmarkField = "x-postmark-server-token";
// RFC 7239 and what came before it, RFC 9110 7.6.3.
constexpr std::array<std::string_view, 3> kProxyFields{"forwarded", "x-forwarded-for", "via"};

// What follows the scheme (in any case, RFC 9110 11.1), or nothing.
std::optional<std::string_view> after_scheme(std::string_view authorization, std::string_view scheme) {
  if (!boost::beast::iequals(authorization.substr(0, scheme.size()), scheme)) return std::nullopt;
  authorization.remove_prefix(scheme.size());
  if (!authorization.starts_with(' ')) return std::nullopt;
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

bool may_change_something(http::verb method) {
  return method != http::verb::get && method != http::verb::head;
}

bool is_within(const std::vector<Network>& networks, const asio::ip::address& peer) {
  const auto address = parse_ip_address(peer.to_string());
  return address && std::any_of(networks.begin(), networks.end(),
                                [&](const Network& network) { return network.contains(*address); });
}

// Whether Host (RFC 9110 7.2) names us. A name of somebody else that leads here is how a page gets a browser to take us for its own
// server (DNS rebinding); an address cannot be led elsewhere. Without a name there is no browser.
bool is_own_host(std::string_view host, const std::vector<std::string>& names) {
  const bool bracketed = host.starts_with('[');
  const std::size_t end = bracketed ? host.find(']') : host.rfind(':');
  const std::string_view name =
      bracketed ? host.substr(1, end == std::string_view::npos ? end : end - 1) : host.substr(0, end);
  if (name.empty() || parse_ip_address(std::string(name))) return true;
  const auto same = [&](std::string_view own) { return boost::beast::iequals(name, own); };
  return same("localhost") || std::any_of(names.begin(), names.end(), same);
}

Refusal too_many(Duration wait) {
  Refusal no = refusal(ProblemType::too_many_requests, "too many failed logins; try again later");
  no.retry_after = wait;
  return no;
}

Principal operator_principal() {
  Principal principal;
  principal.actor = "operator";
  principal.scopes = Scopes::all();
  principal.everyone = true;
  return principal;
}

}  // namespace

Authenticator::Authenticator(AuthParts parts)
    : parts_(std::move(parts)), operator_digest_(sha256(parts_.operator_token)) {
  if (parts_.operator_token.empty()) throw std::logic_error("the operator token must not be empty");
}

bool Authenticator::needs_body(const Request& request) {
  return is_aws_authorization(request.header("authorization"));
}

asio::awaitable<Authenticator::Checked> Authenticator::check(const Request& request, RequestStage stage) {
  const std::size_t credentials = request.header_count("authorization") + request.header_count(kPostmarkField);
  if (credentials == 0) co_return check_trust(request);
  if (credentials > 1) co_return refusal(ProblemType::unauthorized, "a request must bring one credential");
  if (needs_body(request)) co_return check_signature(request, stage);
  if (request.header_count(kPostmarkField) > 0) {
    std::string token(request.header(kPostmarkField));
    co_return co_await check_token(request, std::move(token));
  }
  if (const auto given = bearer_token(request)) {
    std::string token(*given);
    co_return co_await check_token(request, std::move(token));
  }
  if (const auto basic = after_scheme(request.header("authorization"), "basic"))
    co_return co_await check_basic(request, *basic);
  co_return refusal(ProblemType::unauthorized, "the Authorization header must be: Bearer <key>");
}

// Whoever has something that nobody can guess is let in at once, whatever others tried from the same address. A wrong one counts.
asio::awaitable<Authenticator::Checked> Authenticator::check_token(const Request& request, std::string token) {
  if (same_secret(sha256(token), operator_digest_)) co_return operator_principal();
  if (const ApiKeyRecord* key = parts_.keys.find(token)) co_return admit(request, *key);
  if (!Sessions::looks_like_session(token)) co_return wrong(request, "this key is not known");
  const result<UserRecord> user = co_await parts_.sessions.check(std::move(token));
  if (user) co_return principal_of(*user);
  if (user.error().kind == FaultKind::invalid) co_return wrong(request, user.error().text);
  if (user.error().kind == FaultKind::not_found) co_return refusal(ProblemType::unauthorized, user.error().text);
  co_return refusal_of(user.error());
}

asio::awaitable<Authenticator::Checked> Authenticator::check_basic(const Request& request,
                                                                   std::string_view credentials) {
  const auto decoded = base64_decode(credentials);
  const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos)
    co_return refusal(ProblemType::unauthorized, "the Authorization header must be: Basic base64(name:password)");
  std::string name = decoded->substr(0, colon), password = decoded->substr(colon + 1);
  if (looks_like_token(password) || Sessions::looks_like_session(password) ||
      same_secret(sha256(password), operator_digest_))
    co_return co_await check_token(request, std::move(password));
  Login login = co_await log_in(request.peer, std::move(name), std::move(password));
  if (Refusal* no = std::get_if<Refusal>(&login)) co_return std::move(*no);
  co_return principal_of(std::get<UserRecord>(login));
}

// Asked before the password is checked, so that a guesser costs nothing, and once more after it: of guesses made side by side no
// more count than of guesses one by one.
asio::awaitable<Authenticator::Login> Authenticator::log_in(asio::ip::address peer, std::string name,
                                                            std::string password) {
  if (const Duration wait = parts_.guard.wait(peer, name); wait > Duration(0)) co_return too_many(wait);
  std::optional<UserRecord> user;
  if (!name.empty() && name.size() <= kMaxCredentialName && !password.empty() &&
      password.size() <= relay::kMaxPassword) {
    auto checked = co_await parts_.check_password(name, std::move(password));
    if (!checked) co_return refusal_of(checked.error());
    user = std::move(*checked);
  }
  if (const Duration wait = parts_.guard.wait(peer, name); wait > Duration(0)) co_return too_many(wait);
  if (!user) {
    parts_.guard.failed(peer, name);
    co_return refusal(ProblemType::unauthorized, "the name or the password is wrong");
  }
  parts_.guard.succeeded(peer, name);
  co_return std::move(*user);
}

Authenticator::Checked Authenticator::check_signature(const Request& request, RequestStage stage) {
  const auto key = check_aws_signature(request, parts_.keys, parts_.aws_key, parts_.clock.now(), stage);
  if (!key) return wrong(request, key.error().text);
  return admit(request, **key);
}

// A page in a browser on a trusted machine must not act with that machine's trust: browsers name the page's origin, cannot send
// JSON elsewhere without asking first, and name in Host whom they believe to talk to. A proxy there must not lend its trust to everybody.
Authenticator::Checked Authenticator::check_trust(const Request& request) const {
  if (!parts_.trusted || !parts_.trusted(request.peer))
    return refusal(ProblemType::unauthorized, std::string(kKeyNeeded));
  if (request.header_count("origin") > 0)
    return refusal(ProblemType::forbidden_origin, "requests from web pages (Origin header) need a key");
  for (const std::string_view field : kProxyFields)
    if (request.header_count(field) > 0)
      return refusal(ProblemType::forbidden_origin,
                     "requests that came through a proxy (" + std::string(field) + " header) need a key");
  if (!is_own_host(request.header("host"), parts_.hosts))
    return refusal(
        ProblemType::forbidden_origin,
        "requests without a key must name this relay in Host: by an IP address, localhost, server.hostname or "
        "mgmt.public_url");
  if (may_change_something(request.method) && !is_json(request.header("content-type")))
    return refusal(ProblemType::unsupported_media_type,
                   "without a key, requests must say Content-Type: application/json");
  Principal principal = operator_principal();
  principal.actor = "trusted:" + request.peer.to_string();
  return principal;
}

Authenticator::Checked Authenticator::admit(const Request& request, const ApiKeyRecord& key) {
  const Time now = parts_.clock.now();
  if (key.expires_at <= now)
    return refusal(ProblemType::unauthorized, "this key expired at " + format_rfc3339(key.expires_at));
  if (!key.networks.empty() && !is_within(key.networks, request.peer))
    return refusal(ProblemType::forbidden, "this key may not be used from " + request.peer.to_string());
  KeyRing::Usage& usage = parts_.keys.usage(key.name);
  usage.last_used_at = now;
  usage.changed = true;
  return principal_of(key);
}

Refusal Authenticator::wrong(const Request& request, std::string detail) {
  if (const Duration wait = parts_.guard.wait(request.peer); wait > Duration(0)) return too_many(wait);
  parts_.guard.failed(request.peer);
  return refusal(ProblemType::unauthorized, std::move(detail));
}

std::optional<std::string_view> bearer_token(const Request& request) {
  return after_scheme(request.header("authorization"), "bearer");
}

Principal principal_of(const UserRecord& user) {
  Principal principal;
  principal.actor = principal.tenant = user.name;
  principal.scopes = {Scope::send, Scope::read, Scope::steer};
  if (user.role == "admin") principal.scopes = Scopes::all();
  principal.everyone = user.role == "admin" || user.role == "operator";
  principal.senders = user.senders;
  principal.guard = user.guard;
  return principal;
}

Principal principal_of(const ApiKeyRecord& key) {
  Principal principal;
  principal.actor = "key:" + key.name;
  principal.tenant = key.tenant.empty() ? key.name : key.tenant;
  principal.scopes = key.scopes;
  principal.everyone = key.scopes.has(Scope::admin);
  principal.senders = key.senders;
  principal.guard = key.guard;
  principal.key = key.name;
  return principal;
}

}  // namespace postrider::mgmt
