#include "cmd/upstream_command.h"

#include <boost/json/serialize.hpp>
#include <iostream>

#include "cmd/exit_codes.h"
#include "cmd/json_view.h"
#include "cmd/output.h"
#include "cmd/upstream_view.h"
#include "net/loop.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kTestTakes(30);  // at most, says the daemon
constexpr std::chrono::minutes kHooksTake(10);  // a request for each kind of event, to a vendor that may be slow

std::string upstream_path(const std::string& name, const char* verb) {
  return "/v1/upstreams/" + url_encode(name) + "/" + verb;
}

Look look(const UpstreamOptions& options) {
  return stdout_look(net::SystemClock().now(), options.absolute);
}

using Render = std::string (*)(const json::object& answer, const Look& look);

int show(const json::value& answer, const UpstreamOptions& options, Render render) {
  if (options.json)
    std::cout << json::serialize(answer) << '\n';
  else
    std::cout << render(object_of(answer), look(options));
  return EX_OK;
}

void name_either(bool one, bool other, const std::string& usage) {
  if (one == other) throw CommandError(EX_USAGE, usage);
}

}  // namespace

int run_upstream_list(const ApiOptions& api, const UpstreamOptions& options) {
  return show(ApiClient(api).get("/v1/upstreams"), options, render_upstreams);
}

int run_upstream_test(const ApiOptions& api, const UpstreamOptions& options) {
  const json::value answer = ApiClient(api).send("POST", upstream_path(options.name, "test"), nullptr, {}, kTestTakes);
  show(answer, options, render_test);
  return flag_of(object_of(answer), "ok") ? EX_OK : EX_UNAVAILABLE;
}

int run_upstream_pause(const ApiOptions& api, const UpstreamOptions& options) {
  return show(ApiClient(api).send("POST", upstream_path(options.name, "pause"), nullptr), options, render_steered);
}

int run_upstream_resume(const ApiOptions& api, const UpstreamOptions& options) {
  return show(ApiClient(api).send("POST", upstream_path(options.name, "resume"), nullptr), options, render_steered);
}

int run_upstream_prefer(const ApiOptions& api, const UpstreamOptions& options) {
  name_either(options.name.empty(), !options.none, "name the upstream that is to go first, or say --none");
  if (options.none) {
    if (options.dry_run || !options.canary.empty())
      throw CommandError(EX_USAGE, "--none goes without --canary and --dry-run");
    return show(ApiClient(api).send("POST", "/v1/upstreams/prefer-none", nullptr), options, render_upstreams);
  }
  json::object order;
  if (!options.canary.empty()) order["canary"] = options.canary;
  if (options.dry_run) order["dry_run"] = true;
  const json::value answer = ApiClient(api).send("POST", upstream_path(options.name, "prefer"), order);
  return show(answer, options, options.dry_run ? render_forecast : render_steered);
}

int run_upstream_hooks(const ApiOptions& api, const UpstreamOptions& options) {
  const std::string path = upstream_path(options.name, "hooks");
  ApiClient client(api);
  json::value answer;
  if (options.register_hooks) {
    json::object order{{"dry_run", options.dry_run}};
    if (!options.url.empty()) order["url"] = options.url;
    answer = client.send("POST", path, order, {}, kHooksTake);
  } else {
    const Parameters query = options.url.empty() ? Parameters() : Parameters{{"url", options.url}};
    answer = client.get(path, query, kHooksTake);
  }
  show(answer, options, render_hooks);
  return text_of(object_of(answer), "problem").empty() ? EX_OK : EX_UNAVAILABLE;
}

int run_upstream_explain(const ApiOptions& api, const UpstreamOptions& options) {
  name_either(options.id.empty(), options.parameters.empty(),
              "give the id of a message, or --to and what else is known of one");
  if (!options.id.empty())
    return show(ApiClient(api).get("/v1/messages/" + url_encode(options.id) + "/route"), options, render_message_route);
  return show(ApiClient(api).get("/v1/route/explain", options.parameters), options, render_route);
}

}  // namespace postrider::cmd
