#include "mgmt/upstream_hooks.h"

#include <algorithm>
#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/url_view.hpp>

#include "core/network.h"
#include "mgmt/answers.h"
#include "mgmt/json_fields.h"
#include "mgmt/json_values.h"
#include "mgmt/media_type.h"
#include "mgmt/outside.h"
#include "mgmt/parameters.h"
#include "mgmt/problem.h"
#include "mgmt/reason_text.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using providers::Answer;
using providers::Callbacks;
using providers::HookChange;

constexpr std::size_t kMaxUrl = 1024;
constexpr std::size_t kMaxChanges = 50;  // more than a vendor has kinds of events
constexpr std::size_t kRounds = 3;
constexpr Duration kAnswerTimeout = std::chrono::seconds(30);

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  const auto address = parse_ip_address(host);
  return address && host.starts_with("127.");
}

class Changing {
 public:
  Changing(std::set<std::string>& names, std::string name) : names_(names), name_(std::move(name)) {
    names_.insert(name_);
  }
  ~Changing() { names_.erase(name_); }
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;

 private:
  std::set<std::string>& names_;
  const std::string name_;
};

}  // namespace

result<void> check_hook_url(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(url.data(), url.size()));
  if (url.size() > kMaxUrl || !parsed || parsed->host().empty())
    return invalid("must be an address such as https://mail-hooks.example.com/hooks/primary");
  if (parsed->has_userinfo() || parsed->has_query() || parsed->has_fragment())
    return invalid("takes no login, query or fragment; the login is webhook_username and webhook_password");
  if (parsed->scheme() == "https" || (parsed->scheme() == "http" && is_loopback(std::string(parsed->host()))))
    return {};
  return invalid("must be https: reports carry addresses, and some vendors' logins");
}

std::string without_logins(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t begin = std::min(text.find("//"), text.find("/\\/"));
    if (begin == std::string_view::npos) return out.append(text);
    const std::size_t host = begin + (text[begin + 1] == '/' ? 2 : 3);
    out.append(text.substr(0, host));
    text.remove_prefix(host);
    // A password may have been unescaped: only what never stands in an address ends it.
    const std::string_view address = text.substr(0, text.find_first_of(" \t\r\n\"'<>"));
    if (const std::size_t at = address.rfind('@'); at != std::string_view::npos) text.remove_prefix(at + 1);
  }
}

// What was found and done, as the answer shows it.
struct UpstreamHooksApi::Findings {
  std::string url;
  struct Change {
    std::string what;
    std::string_view state;  // planned, done, failed, "not tried"
  };
  std::vector<Change> changes;
  std::vector<std::string> notes;  // keys that the vendor gave
  std::string problem;             // empty: none
  bool registered = false;         // nothing is left to do

  bool names(const std::string& what) const {
    return std::any_of(changes.begin(), changes.end(), [&](const Change& change) { return change.what == what; });
  }
};

void UpstreamHooksApi::add_routes(Router& router) {
  router.add({http::verb::get, "/v1/upstreams/{name}/hooks", Access::admin, kJson, {"url"}, [this](const Request& r) {
                return show(r);
              }});
  router.add({http::verb::post, "/v1/upstreams/{name}/hooks", Access::admin, kJson, {}, [this](const Request& r) {
                return change(r);
              }});
}

asio::awaitable<Response> UpstreamHooksApi::show(const Request& request) {
  const auto url = request.parameter("url");
  if (url) {
    const auto good = check_hook_url(*url);
    if (!good) co_return problem(ProblemType::invalid_parameter, "parameter 'url' " + good.error().text);
  }
  co_return co_await answer(request, std::string(url.value_or("")), Mode::look);
}

asio::awaitable<Response> UpstreamHooksApi::change(const Request& request) {
  Faults faults;
  const auto document = parse_document(request.body.empty() ? "{}" : request.body, faults);
  if (!document) co_return problem(invalid_fields(std::move(faults)));
  JsonFields fields(*document, "", faults);
  const std::string url = fields.text("url", kMaxUrl).value_or("");
  const bool dry_run = fields.flag("dry_run").value_or(false);
  fields.finish();
  if (faults.empty() && !url.empty())
    if (const auto good = check_hook_url(url); !good) fields.fault("url", good.error().text);
  if (!faults.empty()) co_return problem(invalid_fields(std::move(faults)));
  co_return co_await answer(request, url, dry_run ? Mode::look : Mode::change);
}

asio::awaitable<Response> UpstreamHooksApi::answer(const Request& request, std::string url, Mode mode) {
  const std::string name = request.captures[0];
  const auto routes = parts_.upstreams.routes();
  const auto index = routes->find(name);
  if (!index) co_return problem(ProblemType::not_found, "no upstream is called " + name);
  const std::shared_ptr<relay::Upstream> upstream = routes->share(*index);
  const UpstreamConfig& config = upstream->config();  // stays as it is for this request
  if (providers::callbacks_for(config.type) == nullptr)
    co_return problem(ProblemType::conflict,
                      "an upstream of the type " + std::string(to_string(config.type)) + " reports no events");
  Findings findings;
  findings.url = url.empty() ? default_url(name) : std::move(url);
  if (findings.url.empty())
    co_return problem(ProblemType::conflict,
                      "no address is known that providers reach this relay under: give `url`, "
                      "or configure mgmt.public_url");
  if (const auto good = check_hook_url(findings.url); !good)
    co_return problem(ProblemType::conflict, "mgmt.public_url " + good.error().text);
  if (changing_.contains(name)) co_return problem(ProblemType::conflict, "another change is under way");
  const Changing changing(changing_, name);
  co_await look_and_change(config, mode, findings);
  findings.problem = without_logins(findings.problem);

  json::array changes, keys;
  for (const Findings::Change& change : findings.changes)
    changes.push_back(json::object{{"what", change.what}, {"state", change.state}});
  for (const std::string& note : findings.notes) keys.emplace_back(note);
  if (mode == Mode::change)
    parts_.log.info(
        "hook.registered",
        {{"upstream", name}, {"url", findings.url}, {"by", request.principal.actor}, {"problem", findings.problem}});
  Response response = json_response({{"upstream", name},
                                     {"type", to_string(config.type)},
                                     {"url", findings.url},
                                     {"registered", findings.registered},
                                     {"changes", std::move(changes)},
                                     {"problem", text_or_null(findings.problem)},
                                     {"keys", std::move(keys)}});
  response.headers.emplace_back("Cache-Control", "no-store");  // `keys` are secrets of some vendors
  co_return response;
}

// In rounds: some vendors let a hook be completed only once it is there. Ends when nothing is left to do, or nothing new.
asio::awaitable<void> UpstreamHooksApi::look_and_change(const UpstreamConfig& config, Mode mode, Findings& findings) {
  for (std::size_t round = 0; round < kRounds; ++round) {
    auto plan = co_await make_plan(config, findings);
    if (!plan) co_return;
    findings.registered = plan->empty();
    if (plan->empty()) co_return;
    const std::size_t first = findings.changes.size();
    for (const HookChange& change : *plan) {
      if (findings.names(change.what)) findings.problem = "the provider does not show yet what was changed; look again";
      findings.changes.push_back({change.what, mode == Mode::look ? "planned" : "not tried"});
    }
    if (mode == Mode::look || !findings.problem.empty()) co_return;
    for (std::size_t i = 0; i < plan->size(); ++i) {
      const auto done = co_await ask(config, std::move((*plan)[i].request), findings);
      findings.changes[first + i].state = done ? "done" : "failed";
      if (!done) co_return;
    }
  }
  findings.problem = "the provider wants more changes than it should; look again";
}

asio::awaitable<result<std::vector<HookChange>>> UpstreamHooksApi::make_plan(const UpstreamConfig& config,
                                                                             Findings& findings) {
  const Callbacks& callbacks = *providers::callbacks_for(config.type);
  auto plan = result<std::vector<HookChange>>(Fault{});
  auto question = callbacks.build_hook_list(config, parts_.loop.clock().now());
  if (!question) {
    plan = question.error();
  } else {
    const auto list = co_await ask(config, std::move(*question), findings);
    if (!list) co_return list.error();
    plan = callbacks.plan_hooks(config, *list, findings.url, parts_.loop.clock().now());
  }
  if (plan && plan->size() > kMaxChanges) plan = invalid("the provider has more hooks than can be changed at once");
  if (!plan) findings.problem = plan.error().text;
  co_return plan;
}

// The vendor's answer, when it is that it was done; else the problem is in the findings.
asio::awaitable<result<Answer>> UpstreamHooksApi::ask(const UpstreamConfig& config, providers::Request request,
                                                      Findings& findings) {
  net::HttpExchange exchange;
  exchange.method = std::move(request.method);
  exchange.url = std::move(request.url);
  exchange.headers = std::move(request.headers);
  exchange.body = std::move(request.body);
  exchange.connect_timeout = config.connect_timeout;
  exchange.answer_timeout = kAnswerTimeout;
  exchange.ca_file = config.tls_ca_file;
  exchange.pool = config.name + " hooks";  // not among the connections that mail has
  auto got = co_await ask_outside(parts_.loop, parts_.http, std::move(exchange));
  if (!got) {
    findings.problem = got.error().text;
    co_return got.error();
  }
  Answer answer{got->status, std::move(got->headers), std::move(got->body)};
  std::string note;
  const Callbacks& callbacks = *providers::callbacks_for(config.type);
  const providers::Reading reading = callbacks.read_hook(answer, parts_.loop.clock().now(), note);
  if (!note.empty()) findings.notes.push_back(std::move(note));
  if (reading.kind == OutcomeKind::sent) co_return answer;
  findings.problem = reason_sentence(reading.reason);
  co_return Fault{FaultKind::unavailable, findings.problem};
}

std::string UpstreamHooksApi::default_url(const std::string& upstream) const {
  if (parts_.public_url.empty()) return {};
  std::string url = parts_.public_url;
  while (url.ends_with('/')) url.pop_back();
  return url + "/hooks/" + boost::urls::encode(upstream, boost::urls::unreserved_chars);
}

}  // namespace postrider::mgmt
