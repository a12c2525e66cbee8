#include "mgmt/key_rules.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "mgmt/aws_auth.h"
#include "mgmt/json_values.h"
#include "mgmt/user_rules.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;
using storage::ApiKeyRecord;
using storage::ApiKeyUsage;

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

json::value limit_or_null(std::uint32_t limit) {
  return limit == 0 ? json::value(nullptr) : json::value(limit);
}

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

ApiKeyRecord read_members(const json::value& document, Time now, Faults& faults) {
  JsonFields fields(document, "", faults);
  ApiKeyRecord key;
  key.name = fields.text("name", 4096).value_or("");
  key.tenant = fields.text("tenant", 4096).value_or(key.name);
  key.scopes = read_scopes(fields, faults);
  key.senders = read_patterns(fields, "senders", faults);
  key.networks = read_networks(fields, faults);
  key.guard = read_guard(fields, faults);
  key.per_minute = read_limit(fields, "per_minute");
  key.per_day = read_limit(fields, "per_day");
  key.created_at = now;
  key.expires_at = read_expiry(fields, now);
  fields.finish();
  return key;
}

Faults rule_faults(const ApiKeyRecord& key, Time now) {
  constexpr const char* kName =
      "must have 1 to 128 octets without blanks, quotes, slashes and colons, and not be operator, . or ..";
  Faults faults;
  if (!is_credential_name(key.name)) add_fault(faults, "/name", kName);
  if (key.tenant != key.name && !is_credential_name(key.tenant)) add_fault(faults, "/tenant", kName);
  if (key.scopes.empty()) add_fault(faults, "/scopes", "must name at least one of send, read, steer, admin");
  for (std::size_t i = 0; i < key.senders.size(); ++i)
    if (!is_sender_pattern(key.senders[i]))
      add_fault(faults, element_of("/senders", i), "must be an address, *@domain or a domain");
  if (key.expires_at <= now) add_fault(faults, "/expires_at", "must be in the future");
  check_guard(key.guard, faults);
  return faults;
}

}  // namespace

ApiKeyRecord read_key(std::string_view body, Time now, Faults& faults) {
  const auto document = parse_document(body, faults);
  if (!document) return {};
  ApiKeyRecord key = read_members(*document, now, faults);
  if (document->is_object()) add_other_faults(rule_faults(key, now), faults);
  return key;
}

json::object to_json(const ApiKeyRecord& key, const ApiKeyUsage& usage, Time now) {
  json::array scopes, networks;
  for (const std::string_view scope : key.scopes.names()) scopes.emplace_back(scope);
  for (const Network& network : key.networks) networks.emplace_back(network.str());
  const bool is_of_today = usage.day == std::chrono::floor<std::chrono::days>(now);
  return {{"name", key.name},
          {"id", key.id},
          {"tenant", key.tenant},
          {"scopes", std::move(scopes)},
          {"senders", array_of(key.senders)},
          {"networks", std::move(networks)},
          {"allow_recipients", array_of(key.guard.allow_recipients)},
          {"redirect_to", text_or_null(key.guard.redirect_to)},
          {"capture", !key.guard.capture.empty()},
          {"per_minute", limit_or_null(key.per_minute)},
          {"per_day", limit_or_null(key.per_day)},
          {"created_at", format_rfc3339(key.created_at)},
          {"expires_at", time_or_null(key.expires_at)},
          {"expired", key.expires_at <= now},
          {"last_used_at", time_or_null(usage.last_used_at)},
          {"recipients_today", is_of_today ? usage.recipients : 0},
          {"aws_access_key_id", aws_access_key_id(key)}};
}

json::object keys_json(const std::vector<ApiKeyRecord>& keys, const std::vector<ApiKeyUsage>& usage, Time now) {
  json::array all;
  for (const ApiKeyRecord& key : keys) {
    const auto used =
        std::find_if(usage.begin(), usage.end(), [&](const ApiKeyUsage& one) { return one.name == key.name; });
    all.emplace_back(to_json(key, used == usage.end() ? ApiKeyUsage() : *used, now));
  }
  return {{"keys", std::move(all)}, {"next", nullptr}};
}

json::object new_key_json(const NewKey& made, std::string_view relay_aws_key, Time now) {
  json::object shown = to_json(made.record, {}, now);
  shown["key"] = made.token;
  shown["aws_secret_access_key"] = aws_key_pair(made.record, relay_aws_key).secret_access_key;
  return shown;
}

}  // namespace postrider::mgmt
