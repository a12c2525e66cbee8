#include "mgmt/keys_api.h"

#include "mgmt/answers.h"
#include "mgmt/json_fields.h"
#include "mgmt/key_rules.h"
#include "mgmt/user_rules.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using storage::ApiKeyRecord;

std::vector<std::string> read_texts(JsonFields& fields, std::string_view name, Faults& faults) {
  std::vector<std::string> out;
  for (const Placed& element : fields.array(name, kMaxPatterns))
    if (auto text = text_of(element, 320, faults)) out.push_back(std::move(*text));
  return out;
}

// Names of scopes, in a list or separated by commas as the command line has them.
Scopes read_scopes(JsonFields& fields, Faults& faults) {
  Scopes scopes;
  for (const Placed& element : fields.array("scopes", 16)) {
    const auto name = text_of(element, 32, faults);
    const auto scope = name ? parse_scope(*name) : std::nullopt;
    if (scope) scopes.add(*scope);
    if (name && !scope) add_fault(faults, element.at, "must be send, read, steer or admin");
  }
  return scopes;
}

std::vector<Network> read_networks(JsonFields& fields, Faults& faults) {
  std::vector<Network> networks;
  for (const Placed& element : fields.array("networks", kMaxNetworks)) {
    const auto text = text_of(element, 64, faults);
    if (!text) continue;
    if (const auto network = parse_network(*text))
      networks.push_back(*network);
    else
      add_fault(faults, element.at, network.error().text);
  }
  return networks;
}

Time read_expiry(JsonFields& fields, Time now) {
  const auto at = fields.time("expires_at");
  const auto in = fields.duration("expires_in");
  if (at && in) fields.fault("expires_in", "must not be given beside expires_at");
  return at ? *at : in ? now + *in : kNever;
}

std::uint32_t read_limit(JsonFields& fields, std::string_view name) {
  return static_cast<std::uint32_t>(fields.number(name, 1, kMaxKeyLimit).value_or(0));
}

ApiKeyRecord read_key(const json::value& document, Time now, Faults& faults) {
  JsonFields fields(document, "", faults);
  ApiKeyRecord key;
  key.name = fields.text("name", 4096).value_or("");
  key.tenant = fields.text("tenant", 4096).value_or(key.name);
  key.scopes = read_scopes(fields, faults);
  key.senders = read_texts(fields, "senders", faults);
  key.networks = read_networks(fields, faults);
  key.guard.allow_recipients = read_texts(fields, "allow_recipients", faults);
  key.guard.redirect_to = fields.text("redirect_to").value_or("");
  if (fields.flag("capture").value_or(false)) key.guard.capture = kCapture;
  key.per_minute = read_limit(fields, "per_minute");
  key.per_day = read_limit(fields, "per_day");
  key.created_at = now;
  key.expires_at = read_expiry(fields, now);
  fields.finish();
  return key;
}

// The faults of reading come first; those of the rules are added where reading found nothing.
void add_rule_faults(const ApiKeyRecord& key, Time now, Faults& faults) {
  const std::size_t read = faults.size();
  for (FieldFault& fault : wrong_with(key, now)) {
    const bool is_told = std::any_of(faults.begin(), faults.begin() + static_cast<std::ptrdiff_t>(read),
                                     [&](const FieldFault& one) { return one.pointer.starts_with(fault.pointer); });
    if (!is_told) add_fault(faults, std::move(fault.pointer), std::move(fault.detail));
  }
}

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
  ApiKeyRecord record;
  if (const auto document = parse_document(request.body, faults)) {
    record = read_key(*document, now, faults);
    add_rule_faults(record, now, faults);
  }
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
