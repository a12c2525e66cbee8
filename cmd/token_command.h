// `postrider token create|list|revoke|rotate`: API keys for programs, and the end of all sessions of people. Through the API when a
// daemon is told of or holds the spool, else straight in the data directory. Each function gives the exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/api_client.h"

namespace postrider::cmd {

struct TokenOptions {
  std::string name, tenant, expires;
  std::vector<std::string> scopes, senders, networks;
  std::optional<std::uint32_t> per_minute, per_day;  // not set: no limit
  // Its guard, as of a user.
  std::vector<std::string> allow_recipients;
  std::string redirect_to;
  bool capture = false;
};

// The key alone on the first line of stdout, for scripts; the rest for people on stderr. With `json` an object with all of it.
int run_token_create(const ApiOptions& api, const TokenOptions& options, bool json);
int run_token_list(const ApiOptions& api, bool json);
int run_token_revoke(const ApiOptions& api, const std::string& name);
int run_token_rotate(const ApiOptions& api);

}  // namespace postrider::cmd
