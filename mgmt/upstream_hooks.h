// GET and POST /v1/upstreams/{name}/hooks: whether a provider is told to report events to this relay, and telling it so: the public
// address of [mgmt] public_url, or another, becomes its webhook target. Asks the vendor what it has and changes only what differs
// (providers/callbacks.h). For operators; mgmt thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"
#include "mgmt/router.h"
#include "net/http_sender.h"
#include "net/loop.h"
#include "providers/callbacks.h"
#include "relay/outbound/upstream_control.h"

namespace postrider::mgmt {

struct UpstreamHooksParts {
  net::Loop& loop;
  relay::UpstreamControl& upstreams;
  net::HttpSender& http;
  std::string public_url;  // empty: none is configured
  Log& log;
};

class UpstreamHooksApi {
 public:
  // What `parts` refers to outlives the router the routes are added to, and so does this.
  explicit UpstreamHooksApi(UpstreamHooksParts parts) : parts_(std::move(parts)) {}
  void add_routes(Router& router);

 private:
  enum class Mode : std::uint8_t { look, change };
  struct Findings;
  boost::asio::awaitable<Response> show(const Request& request);
  boost::asio::awaitable<Response> change(const Request& request);
  boost::asio::awaitable<Response> answer(const Request& request, std::string url, Mode mode);
  boost::asio::awaitable<void> look_and_change(const UpstreamConfig& config, Mode mode, Findings& findings);
  boost::asio::awaitable<result<std::vector<providers::HookChange>>> make_plan(const UpstreamConfig& config,
                                                                               Findings& findings);
  boost::asio::awaitable<result<providers::Answer>> ask(const UpstreamConfig& config, providers::Request request,
                                                        Findings& findings);
  std::string default_url(const std::string& upstream) const;

  UpstreamHooksParts parts_;
  std::set<std::string> changing_;  // upstreams; two changes at a time would register everything twice
};

// A fault says what is wrong with it as the place a provider is to report to: https with a host, without login, query and fragment;
// plain http for loopback only.
result<void> check_hook_url(std::string_view url);

// What a provider says may quote the address that was registered, with the login in it: every "//...@" without what is in between, also
// where JSON escapes the slashes.
std::string without_logins(std::string_view text);

}  // namespace postrider::mgmt
