#include "mgmt/health_api.h"

#include "mgmt/answers.h"
#include "mgmt/media_type.h"
#include "mgmt/metrics_json.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

constexpr std::string_view kText = "text/plain";

Response json_text(std::string_view text) {
  Response response;
  response.content_type = kJson;
  response.body = text;
  return response;
}

asio::awaitable<Response> healthy(const Request&) {
  co_return json_text(R"({"health":"ok"})");
}
asio::awaitable<Response> alive(const Request&) {
  co_return json_text(R"({"live":true})");
}

}  // namespace

HealthApi::HealthApi(const Readiness& readiness, const storage::Store& store, const MetricsRegistry& metrics)
    : readiness_(readiness), store_(store), metrics_(metrics) {}

void HealthApi::add_public_routes(Router& router) {
  router.add({http::verb::get, "/health", Access::open, kJson, {}, healthy});
  router.add({http::verb::get, "/livez", Access::open, kJson, {}, alive});
  router.add({http::verb::get, "/readyz", Access::open, kJson, {}, [this](const Request& r) { return ready(r); }});
}

void HealthApi::add_metrics_route(Router& router) {
  router.add({http::verb::get, "/metrics", Access::admin, "", {}, [this](const Request& r) { return metrics(r); }});
}

asio::awaitable<Response> HealthApi::ready(const Request&) {
  switch (readiness_.phase()) {
    case Phase::starting:
      co_return problem(ProblemType::unavailable, "starting");
    case Phase::stopping:
      co_return problem(ProblemType::unavailable, "stopping");
    case Phase::serving:
      break;
  }
  const storage::SpoolStats stats = store_.stats();
  if (stats.accepting) co_return json_text(R"({"ready":true})");
  co_return problem(ProblemType::unavailable,
                    stats.trouble.empty() ? "the spool takes no mail" : "the spool takes no mail: " + stats.trouble);
}

asio::awaitable<Response> HealthApi::metrics(const Request& request) {
  const std::string_view accept = request.header("accept");
  if (prefers(accept, kJson, kText)) co_return json_response(metrics_json(metrics_.families()));
  if (!accepts(accept, kText))
    co_return problem(ProblemType::not_acceptable, "this path gives text/plain or application/json");
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_.render();
  co_return response;
}

}  // namespace postrider::mgmt
