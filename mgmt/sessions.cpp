#include "mgmt/sessions.h"

#include <jwt.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "mgmt/secret.h"
#include "net/await.h"
#include "providers/hmac.h"

namespace postrider::mgmt {

namespace asio = boost::asio;
using storage::UserRecord;

namespace {

constexpr const char* kIssuer = "postrider";
constexpr const char* kUserChanged = "chg";  // private claim: milliseconds, as a NumericDate of libjwt has only seconds
constexpr std::size_t kSessionIdOctets = 16;

struct JwtFree {
  void operator()(jwt_t* jwt) const { jwt_free(jwt); }
  void operator()(char* text) const { std::free(text); }  // NOLINT(cppcoreguidelines-no-malloc): libjwt's own
};
using Jwt = std::unique_ptr<jwt_t, JwtFree>;

const unsigned char* raw(const std::string& key) {
  return reinterpret_cast<const unsigned char*>(key.data());
}

std::string text_grant(const Jwt& jwt, const char* name) {
  const char* text = jwt_get_grant(jwt.get(), name);
  return text ? text : "";
}

Time seconds_grant(const Jwt& jwt, const char* name) {
  return Time(std::chrono::seconds(jwt_get_grant_int(jwt.get(), name)));
}

long seconds_of(Time at) {
  return static_cast<long>(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
}

bool is_signed(std::string_view token, std::string_view key) {
  const std::size_t dot = token.rfind('.');
  if (dot == std::string_view::npos) return false;
  return providers::same_secret(base64url(providers::hmac_sha256(key, token.substr(0, dot))), token.substr(dot + 1));
}

}  // namespace

Sessions::Sessions(SessionParts parts) : parts_(std::move(parts)) {
  if (parts_.key.size() != kSecretOctets) throw std::logic_error("a session key has 32 octets");
}

bool Sessions::looks_like_session(std::string_view token) {
  return token.starts_with("eyJ") && std::count(token.begin(), token.end(), '.') == 2;  // eyJ: {" in base64
}

result<Sessions::Issued> Sessions::issue(const UserRecord& user) {
  const long issued_at = seconds_of(parts_.clock.now());
  const long expires_at = issued_at + static_cast<long>(parts_.lifetime.count() / 1000);
  jwt_t* made = nullptr;
  if (jwt_new(&made) != 0) throw std::bad_alloc();
  const Jwt jwt(made);
  const std::string id = base64url(random_octets(kSessionIdOctets));
  const bool built = jwt_add_grant(made, "iss", kIssuer) == 0 && jwt_add_grant(made, "sub", user.name.c_str()) == 0 &&
                     jwt_add_grant_int(made, "iat", issued_at) == 0 &&
                     jwt_add_grant_int(made, "exp", expires_at) == 0 && jwt_add_grant(made, "jti", id.c_str()) == 0 &&
                     jwt_add_grant_int(made, kUserChanged, static_cast<long>(to_ms(user.changed_at))) == 0 &&
                     jwt_set_alg(made, JWT_ALG_HS256, raw(parts_.key), static_cast<int>(parts_.key.size())) == 0;
  const std::unique_ptr<char, JwtFree> text(built ? jwt_encode_str(made) : nullptr);
  if (!text) return invalid("no session can be made for a user of this name");  // a name that is no UTF-8
  return Issued{text.get(), Time(std::chrono::seconds(expires_at))};
}

// The signature is computed here, first and always as HS256, whatever the token says of itself: libjwt 1.10 writes beyond its buffers
// when a part is empty or cut, so it gets nothing that we did not sign.
result<Sessions::Claims> Sessions::read(std::string_view token) const {
  const Fault not_ours = invalid("this session is not known here");
  if (token.size() > kMaxToken || !looks_like_session(token) || !is_signed(token, parts_.key)) return not_ours;
  jwt_t* decoded = nullptr;
  const int failed =
      jwt_decode(&decoded, std::string(token).c_str(), raw(parts_.key), static_cast<int>(parts_.key.size()));
  const Jwt jwt(decoded);
  if (failed != 0 || !jwt || jwt_get_alg(jwt.get()) != JWT_ALG_HS256 || text_grant(jwt, "iss") != kIssuer)
    return not_ours;
  Claims claims{text_grant(jwt, "sub"), seconds_grant(jwt, "iat"), seconds_grant(jwt, "exp"),
                from_ms(jwt_get_grant_int(jwt.get(), kUserChanged))};
  if (claims.user.empty()) return not_ours;
  if (claims.expires_at <= parts_.clock.now())
    return Fault{FaultKind::not_found, "this session expired at " + format_rfc3339(claims.expires_at)};
  return claims;
}

asio::awaitable<result<UserRecord>> Sessions::check(std::string token) const {
  const result<Claims> claims = read(token);
  if (!claims) co_return claims.error();
  auto look_up = [this, &claims](Done<UserRecord> done) { parts_.store.find_user(claims->user, std::move(done)); };
  auto user = co_await net::await_done<UserRecord>(parts_.home, look_up);
  const bool is_gone = !user && user.error().kind == FaultKind::not_found;
  if (is_gone || (user && user->changed_at != claims->user_changed_at))
    co_return Fault{FaultKind::not_found, "this session is void: its user was changed or removed"};
  co_return user;
}

result<void> Sessions::rotate() {
  std::string key = random_octets(kSecretOctets);
  if (auto kept = parts_.keep_key(key); !kept) return kept.error();
  parts_.key = std::move(key);
  return {};
}

}  // namespace postrider::mgmt
