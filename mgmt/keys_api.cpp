#include "mgmt/keys_api.h"

#include "mgmt/answers.h"
#include "mgmt/key_rules.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using storage::ApiKeyRecord;

}  // namespace

KeysApi::KeysApi(const Clock& clock, KeyRing& keys, std::string aws_key, Log& log)
    : clock_(clock), keys_(keys), aws_key_(std::move(aws_key)), log_(log) {}

void KeysApi::add_routes(Router& router) {
  router.add({http::verb::get, "/v1/keys", Access::admin, kJson, {}, [this](const Request& r) { return list(r); }});
  router.add({http::verb::post, "/v1/keys", Access::admin, kJson, {}, [this](const Request& r) { return create(r); }});
  router.add(
      {http::verb::delete_, "/v1/keys/{name}", Access::admin, "", {}, [this](const Request& r) { return revoke(r); }});
}

asio::awaitable<Response> KeysApi::list(const Request&) {
  json::array all;
  for (const ApiKeyRecord* key : keys_.all()) {
    const KeyRing::Usage& usage = keys_.usage(key->name);
    all.emplace_back(to_json(*key, {key->name, usage.last_used_at, usage.day, usage.today}, clock_.now()));
  }
  co_return json_response({{"keys", std::move(all)}, {"next", nullptr}});
}

asio::awaitable<Response> KeysApi::create(const Request& request) {
  Faults faults;
  const Time now = clock_.now();
  ApiKeyRecord record = read_key(request.body, now, faults);
  if (!faults.empty()) co_return problem(invalid_fields(std::move(faults)));
  const NewKey made = make_key(std::move(record));
  ApiKeyRecord added = made.record;
  const auto stored = co_await keys_.add(std::move(added));
  if (!stored) co_return problem(stored.error());
  log_.info("key.created", {{"name", made.record.name}, {"by", request.principal.actor}});
  Response response = json_response(new_key_json(made, aws_key_, now), http::status::created);
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

asio::awaitable<Response> KeysApi::revoke(const Request& request) {
  std::string name = request.captures[0];
  const auto removed = co_await keys_.remove(std::move(name));
  if (!removed) co_return problem(removed.error());
  log_.info("key.revoked", {{"name", request.captures[0]}, {"by", request.principal.actor}});
  co_return no_content();
}

}  // namespace postrider::mgmt
