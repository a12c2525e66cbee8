#include "mgmt/key_rules.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "mgmt/aws_auth.h"
#include "mgmt/json_fields.h"
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

}  // namespace

std::vector<FieldFault> wrong_with(const ApiKeyRecord& key, Time now) {
  constexpr const char* kName = "must have 1 to 128 octets, without blanks, quotes and slashes";
  Faults faults;
  if (!is_credential_name(key.name)) add_fault(faults, "/name", kName);
  if (!key.tenant.empty() && !is_credential_name(key.tenant)) add_fault(faults, "/tenant", kName);
  if (key.scopes.empty()) add_fault(faults, "/scopes", "must name at least one of send, read, steer, admin");
  if (key.senders.size() > kMaxPatterns)
    add_fault(faults, "/senders", "may have at most " + std::to_string(kMaxPatterns) + " elements");
  for (std::size_t i = 0; i < key.senders.size(); ++i)
    if (!is_sender_pattern(key.senders[i]))
      add_fault(faults, element_of("/senders", i), "must be an address, *@domain or a domain");
  if (key.networks.size() > kMaxNetworks)
    add_fault(faults, "/networks", "may have at most " + std::to_string(kMaxNetworks) + " elements");
  if (key.expires_at <= now) add_fault(faults, "/expires_at", "must be in the future");
  if (const auto guard = check_guard(key.guard); !guard) {
    const bool is_list = guard.error().text.starts_with('\'') || guard.error().text.starts_with("allow_recipients");
    add_fault(faults, is_list ? "/allow_recipients" : "/redirect_to", guard.error().text);
  }
  return faults;
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
