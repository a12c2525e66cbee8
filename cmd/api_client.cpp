#include "cmd/api_client.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <filesystem>

#include "cmd/config_command.h"
#include "cmd/data_dir.h"
#include "cmd/exit_codes.h"
#include "cmd/json_view.h"
#include "cmd/settings.h"
#include "core/network.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string first_of(const std::string& option, const char* variable) {
  return option.empty() ? environment(variable) : option;
}

// The address to reach a listener by, from this machine: a listener on every address is reached by loopback.
std::string url_of(const MgmtListenerConfig& listener) {
  const std::string scheme = listener.tls == HttpTls::on ? "https://" : "http://";
  const auto parsed = parse_listen_address(listener.address);
  if (!parsed) return scheme + listener.address;
  std::string host = "127.0.0.1";
  if (parsed->address && !parsed->address->is_unspecified())
    host = parsed->address->v6 ? "[" + parsed->address->str() + "]" : parsed->address->str();
  return scheme + host + ":" + std::to_string(parsed->port);
}

// "; /scopes/0 must be send, read, steer or admin" for each field that a problem names.
std::string faults_of(const json::object& problem) {
  std::string text;
  for (const json::object* fault : objects_of(problem, "errors"))
    text += "; " + text_of(*fault, "pointer") + " " + text_of(*fault, "detail");
  return text;
}

// The `detail` of a problem, or what is left to say about an answer that is none of ours.
std::string detail_of(const net::HttpResponse& response) {
  boost::system::error_code error;
  const json::value body = json::parse(response.body, error);
  if (!error && body.is_object())
    if (std::string detail = text_of(body.get_object(), "detail"); !detail.empty())
      return detail + faults_of(body.get_object());
  return "status " + std::to_string(response.status);
}

}  // namespace

ApiClient::ApiClient(const ApiOptions& options)
    : url_(first_of(options.url, "POSTRIDER_URL")),
      token_(first_of(options.token, "POSTRIDER_TOKEN")),
      url_from_(options.url.empty() ? "POSTRIDER_URL" : "--url"),
      token_from_(options.token.empty() ? "POSTRIDER_TOKEN" : "--token") {
  if (url_.empty() || token_.empty()) {
    const LoadedConfig loaded = load_config(options.config_file);
    if (!loaded.ok()) {
      print_findings(loaded);
      throw CommandError(EX_CONFIG, "the configuration has faults; --url and --token make it unnecessary");
    }
    complete_from(loaded);
  }
  while (!url_.empty() && url_.back() == '/') url_.pop_back();
  if (!url_.starts_with("http://") && !url_.starts_with("https://"))
    throw CommandError(EX_USAGE, "'" + url_ + "' (from " + url_from_ +
                                     ") is not the address of an API, such as http://127.0.0.1:8025");
}

void ApiClient::complete_from(const LoadedConfig& loaded) {
  const Config& config = loaded.result.config;
  if (url_.empty()) {
    url_ = url_of(api_listener(config));
    url_from_ = loaded.file.empty() ? "the built-in configuration" : loaded.file;
  }
  if (token_.empty()) {
    token_from_ = operator_token_file(config.server.data_dir);
    auto token = read_operator_token(config.server.data_dir);
    if (!token)
      throw CommandError(EX_NOPERM, token.error().text +
                                        "; give --token, set POSTRIDER_TOKEN, or name the configuration of the daemon "
                                        "with --config");
    token_ = std::move(*token);
  }
  const auto own = std::filesystem::path(config.server.data_dir) / "certs" / "relay.crt";
  std::error_code error;
  if (config.tls.certificate.empty() && std::filesystem::exists(own, error)) ca_file_ = own.string();
}

json::value ApiClient::get(std::string_view path, const Parameters& query, Duration wait) {
  net::HttpRequest asked = request(path, query);
  asked.timeout += wait;
  asked.headers.emplace_back("Accept", "application/json");
  boost::system::error_code error;
  json::value value = json::parse(call(std::move(asked)).body, error);
  if (error) throw CommandError(EX_PROTOCOL, "the answer of " + url_ + " is not JSON: is it postrider?");
  return value;
}

std::string ApiClient::get_text(std::string_view path, std::string_view accept) {
  net::HttpRequest asked = request(path, {});
  asked.headers.emplace_back("Accept", std::string(accept));
  return call(std::move(asked)).body;
}

json::value ApiClient::send(std::string_view method, std::string_view path, const json::value& body,
                            const Parameters& query, Duration wait) {
  net::HttpRequest asked = request(path, query);
  asked.timeout += wait;
  asked.method = std::string(method);
  asked.headers.emplace_back("Content-Type", "application/json");
  if (!body.is_null()) asked.body = json::serialize(body);
  const net::HttpResponse response = call(std::move(asked));
  if (response.body.empty()) return nullptr;
  boost::system::error_code error;
  json::value value = json::parse(response.body, error);
  if (error) throw CommandError(EX_PROTOCOL, "the answer of " + url_ + " is not JSON: is it postrider?");
  return value;
}

net::HttpRequest ApiClient::request(std::string_view path, const Parameters& query) const {
  net::HttpRequest request;
  request.url = url_ + std::string(path);
  char separator = '?';
  for (const auto& [name, value] : query) {
    request.url += separator + url_encode(name) + "=" + url_encode(value);
    separator = '&';
  }
  return request;
}

net::HttpResponse ApiClient::call(net::HttpRequest request) {
  request.headers.emplace_back("Authorization", "Bearer " + token_);
  request.ca_file = ca_file_;
  auto response = net::http_call(request);
  if (!response)
    throw CommandError(EX_UNAVAILABLE, "cannot reach postrider at " + url_ + " (from " + url_from_ +
                                           "): " + response.error().text +
                                           "; is it running? --url, POSTRIDER_URL or --config say where else");
  if (response->status == 401)
    throw CommandError(EX_NOPERM, "postrider at " + url_ + " refuses the key from " + token_from_ + ": " +
                                      detail_of(*response) +
                                      "; --token, POSTRIDER_TOKEN or data_dir/operator.token give another");
  if (response->status < 200 || response->status > 299)
    throw CommandError(exit_code_for(response->status), detail_of(*response));
  return std::move(*response);
}

const MgmtListenerConfig& api_listener(const Config& config) {
  const MgmtListenerConfig* found = nullptr;
  for (const MgmtListenerConfig& listener : config.mgmt_listeners) {
    if (!serves(listener, "api")) continue;
    if (listener.client_ca.empty()) return listener;
    if (!found) found = &listener;
  }
  if (found) return *found;
  throw CommandError(EX_CONFIG, "no [[mgmt.listener]] of the configuration serves the API: give one serve = [\"api\"]");
}

int exit_code_for(int http_status) {
  if (http_status == 400) return EX_USAGE;  // what was asked, not what it was asked of: a filter of the command line
  if (http_status == 401 || http_status == 403) return EX_NOPERM;
  if (http_status == 404 || http_status == 410) return EX_NOINPUT;
  if (http_status == 429 || http_status == 503) return EX_TEMPFAIL;
  return http_status >= 500 ? EX_SOFTWARE : EX_DATAERR;
}

const json::object& object_of(const json::value& value) {
  if (!value.is_object()) throw CommandError(EX_PROTOCOL, "the answer is not what postrider gives: another version?");
  return value.get_object();
}

std::string url_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~@:";
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool letter = (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z');
    if (letter || kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[u >> 4];
      out += kHex[u & 15];
    }
  }
  return out;
}

}  // namespace postrider::cmd
