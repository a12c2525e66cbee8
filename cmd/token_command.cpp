#include "cmd/token_command.h"

#include <boost/json/serialize.hpp>
#include <iostream>

#include "cmd/exit_codes.h"
#include "cmd/json_view.h"
#include "cmd/key_directory.h"
#include "cmd/output.h"
#include "net/loop.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

// The body of POST /v1/keys.
json::object request_of(const TokenOptions& options) {
  json::object request{{"name", options.name}, {"scopes", array_of(options.scopes)}};
  if (!options.tenant.empty()) request["tenant"] = options.tenant;
  if (!options.expires.empty())
    request[parse_duration(options.expires) ? "expires_in" : "expires_at"] = options.expires;
  if (!options.senders.empty()) request["senders"] = array_of(options.senders);
  if (!options.networks.empty()) request["networks"] = array_of(options.networks);
  if (!options.allow_recipients.empty()) request["allow_recipients"] = array_of(options.allow_recipients);
  if (!options.redirect_to.empty()) request["redirect_to"] = options.redirect_to;
  if (options.capture) request["capture"] = true;
  if (options.per_minute) request["per_minute"] = *options.per_minute;
  if (options.per_day) request["per_day"] = *options.per_day;
  return request;
}

// "10 a minute, 1000 a day"
std::string limits_text(const json::object& key) {
  std::string text;
  if (const auto limit = number_of(key, "per_minute"); limit > 0) text = std::to_string(limit) + " a minute";
  if (const auto limit = number_of(key, "per_day"); limit > 0)
    text += (text.empty() ? "" : ", ") + std::to_string(limit) + " a day";
  return text.empty() ? "none" : text;
}

std::string expiry_text(const json::object& key, const Look& look) {
  const auto at = time_of(key, "expires_at");
  if (!at) return "never";
  return flag_of(key, "expired") ? "expired" : time_cell(at, look);
}

}  // namespace

int run_token_create(const ApiOptions& api, const TokenOptions& options, bool as_json) {
  const json::object made = open_key_directory(api)->create(request_of(options));
  if (as_json) {
    std::cout << json::serialize(made) << '\n';
    return EX_OK;
  }
  std::cout << text_of(made, "key") << std::endl;
  std::cerr << "This is the key '" << printable(text_of(made, "name"))
            << "'. It is shown once and kept nowhere: only its digest is stored.\n"
               "For SDKs of Amazon SES:\n  AWS_ACCESS_KEY_ID="
            << text_of(made, "aws_access_key_id")
            << "\n  AWS_SECRET_ACCESS_KEY=" << text_of(made, "aws_secret_access_key") << '\n';
  return EX_OK;
}

int run_token_list(const ApiOptions& api, bool as_json) {
  const json::object answer = open_key_directory(api)->list();
  if (as_json) {
    std::cout << json::serialize(answer) << '\n';
    return EX_OK;
  }
  const Look look = stdout_look(net::SystemClock().now());
  Table table({"NAME", "TENANT", "SCOPES", "LIMITS", "TODAY", "NETWORKS", "EXPIRES", "LAST USED"});
  for (const json::object* key : objects_of(answer, "keys")) {
    const std::string networks = joined(*key, "networks", ",");
    table.add({printable(text_of(*key, "name")), printable(text_of(*key, "tenant")), joined(*key, "scopes", ","),
               limits_text(*key), text_of(*key, "recipients_today"), networks.empty() ? "any" : networks,
               expiry_text(*key, look), time_cell(time_of(*key, "last_used_at"), look)});
  }
  std::cout << table.render(look);
  return EX_OK;
}

int run_token_revoke(const ApiOptions& api, const std::string& name) {
  open_key_directory(api)->revoke(name);
  return EX_OK;
}

int run_token_rotate(const ApiOptions& api) {
  open_key_directory(api)->rotate_sessions();
  return EX_OK;
}

}  // namespace postrider::cmd
