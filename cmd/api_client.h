// The management API as commands see it: where it is, which key to show, and JSON in and out. Errors become CommandErrors that
// say what to do. One per command run.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmd/config_command.h"
#include "net/http_client.h"

namespace postrider::cmd {

// What --url, --token and --config said; empty: not given.
struct ApiOptions {
  std::string url, token;
  std::optional<std::string> config_file;
};

using Parameters = std::vector<std::pair<std::string, std::string>>;

class ApiClient {
 public:
  // --url, else POSTRIDER_URL, else the [[mgmt.listener]] of api_listener(); the key: --token, else POSTRIDER_TOKEN, else
  // data_dir/operator.token. Throws CommandError when no listener or no key can be found.
  explicit ApiClient(const ApiOptions& options);

  // `wait`: how long the daemon may take on top of the usual.
  boost::json::value get(std::string_view path, const Parameters& query = {}, Duration wait = Duration(0));
  std::string get_text(std::string_view path, std::string_view accept);
  // `body` null: none. Null when the answer has no content. `wait` as for get().
  boost::json::value send(std::string_view method, std::string_view path, const boost::json::value& body,
                          const Parameters& query = {}, Duration wait = Duration(0));

  const std::string& url() const { return url_; }

 private:
  void complete_from(const LoadedConfig& loaded);
  net::HttpRequest request(std::string_view path, const Parameters& query) const;
  net::HttpResponse call(net::HttpRequest request);

  std::string url_, token_, ca_file_;
  std::string url_from_, token_from_;  // where they were found, for errors
};

// The first that serves the API to whoever has a key; else the first that serves it at all, to a client with a certificate. Throws
// CommandError when none does.
const MgmtListenerConfig& api_listener(const Config& config);
// What a refusal of this status ends a command with.
int exit_code_for(int http_status);
// The object every answer of the API is; throws when it is something else.
const boost::json::object& object_of(const boost::json::value& value);
// One path segment or query value, percent-encoded (RFC 3986 2.1).
std::string url_encode(std::string_view text);

}  // namespace postrider::cmd
