#include "mgmt/tokens_api.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "mgmt/answers.h"
#include "mgmt/json_fields.h"
#include "mgmt/json_values.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

struct NameAndPassword {
  std::string name, password;
};

std::optional<NameAndPassword> read_login(std::string_view body, Faults& faults) {
  const auto document = parse_document(body, faults);
  if (!document) return std::nullopt;
  JsonFields fields(*document, "", faults);
  auto name = fields.text("username");
  auto password = fields.text("password", 4096);
  for (const auto& [field, value] : {std::pair("username", &name), std::pair("password", &password)})
    if (document->is_object() && !*value && !fields.has(field)) fields.fault(field, "is needed");
  fields.finish();
  if (!name || !password || !faults.empty()) return std::nullopt;
  return NameAndPassword{std::move(*name), std::move(*password)};
}

// What must not lie in a cache on the way (RFC 6749 5.1).
Response uncached(Response response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

json::value seconds_until(Time at, Time now) {
  if (at == kNever) return nullptr;
  return std::chrono::ceil<std::chrono::seconds>(at - now).count();
}

// The problem, and the one member that who asks this looks for.
Response not_valid(const Refusal& refusal) {
  Response response = problem(refusal);
  json::object body = json::parse(response.body).as_object();
  body["valid"] = false;
  response.body = json::serialize(body);
  return uncached(std::move(response));
}

}  // namespace

TokensApi::TokensApi(const Clock& clock, Authenticator& authenticator, Sessions& sessions, const KeyRing& keys,
                     Log& log)
    : clock_(clock), authenticator_(authenticator), sessions_(sessions), keys_(keys), log_(log) {}

void TokensApi::add_routes(Router& router) {
  router.add({http::verb::post, "/tokens", Access::open, kJson, {}, [this](const Request& r) { return create(r); }});
  // Open, as a token that is not valid is an answer here.
  router.add({http::verb::get, "/tokens", Access::open, kJson, {}, [this](const Request& r) { return show(r); }});
  router.add(
      {http::verb::post, "/v1/tokens/rotate", Access::admin, "", {}, [this](const Request& r) { return rotate(r); }});
}

asio::awaitable<Response> TokensApi::create(const Request& request) {
  Faults faults;
  auto login = read_login(request.body, faults);
  if (!login) co_return problem(invalid_fields(std::move(faults)));
  const Authenticator::Login answer =
      co_await authenticator_.log_in(request.peer, std::move(login->name), std::move(login->password));
  if (const Refusal* no = std::get_if<Refusal>(&answer)) co_return problem(*no);
  const auto issued = sessions_.issue(std::get<storage::UserRecord>(answer));
  if (!issued) co_return problem(issued.error());
  json::object body{{"token", issued->token},
                    {"token_type", "Bearer"},
                    {"expires_at", format_rfc3339(issued->expires_at)},
                    {"expires_in", seconds_until(issued->expires_at, clock_.now())}};
  co_return uncached(json_response(body));
}

asio::awaitable<Response> TokensApi::show(const Request& request) {
  const auto token = bearer_token(request);
  if (!token) {
    Refusal missing;
    missing.type = ProblemType::unauthorized;
    missing.detail = "give the token to check: Authorization: Bearer <token>";
    co_return not_valid(missing);
  }
  const Authenticator::Checked checked = co_await authenticator_.check(request);
  if (const Refusal* no = std::get_if<Refusal>(&checked)) co_return not_valid(*no);
  const Principal& principal = std::get<Principal>(checked);
  json::array scopes;
  for (const std::string_view scope : principal.scopes.names()) scopes.emplace_back(scope);
  const Time expires_at = expiry_of(*token);
  json::object body{{"valid", true},
                    {"username", principal.actor},
                    {"scopes", std::move(scopes)},
                    {"expires_at", time_or_null(expires_at)},
                    {"expires_in", seconds_until(expires_at, clock_.now())}};
  co_return uncached(json_response(body));
}

asio::awaitable<Response> TokensApi::rotate(const Request& request) {
  if (const auto rotated = sessions_.rotate(); !rotated) co_return problem(rotated.error());
  log_.warn("sessions.rotated", {{"by", request.principal.actor}});
  co_return no_content();
}

Time TokensApi::expiry_of(std::string_view token) const {
  if (const storage::ApiKeyRecord* key = keys_.find(token)) return key->expires_at;
  if (const auto claims = sessions_.read(token)) return claims->expires_at;
  return kNever;  // the operator token
}

}  // namespace postrider::mgmt
