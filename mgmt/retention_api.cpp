#include "mgmt/retention_api.h"

#include "mgmt/answers.h"
#include "mgmt/body_fields.h"
#include "mgmt/media_type.h"
#include "mgmt/parameters.h"
#include "mgmt/problem.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using storage::Retired;

json::object removal_json(const Retired& removed) {
  return {{"messages", removed.messages},
          {"bodies", removed.bodies},
          {"bytes", removed.bytes},
          {"notices_owed", removed.owing}};
}

json::object preview_json(const Retired& removed) {
  json::object out = removal_json(removed);
  out["at_least"] = removed.more;
  return out;
}

json::value run_json(const std::optional<RetentionRun>& run) {
  if (!run) return nullptr;
  json::object out = removal_json(run->removed);
  out["started_at"] = format_rfc3339(run->started_at);
  out["ended_at"] = format_rfc3339(run->ended_at);
  return out;
}

json::object policy_json(const RetentionRules& rules) {
  const storage::RetirePolicy& policy = rules.policy;
  return {{"history", format_duration(policy.history)},
          {"history_seconds", policy.history.count() / 1000},
          {"history_max_bytes", policy.history_max_bytes},
          {"sent_bodies", format_duration(policy.sent_bodies)},
          {"sent_bodies_seconds", policy.sent_bodies.count() / 1000},
          {"failed_bodies", format_duration(policy.failed_bodies)},
          {"failed_bodies_seconds", policy.failed_bodies.count() / 1000},
          {"notify_sender", rules.notify_sender}};
}

}  // namespace

storage::RetireRequest RetentionRules::request(Time now) const {
  storage::RetireRequest request;
  request.policy = policy;
  request.now = now;
  request.notify_sender = notify_sender;
  return request;
}

RetentionApi::RetentionApi(Mailbox& home, const Clock& clock, storage::Store& store, const RetentionRules& rules,
                           RetentionBook& book)
    : home_(home), clock_(clock), store_(store), rules_(rules), book_(book) {}

void RetentionApi::add_routes(Router& router) {
  router.add(
      {http::verb::get, "/v1/retention", Access::admin, kJson, {}, [this](const Request& r) { return show(r); }});
  router.add({http::verb::post, "/v1/retention/run", Access::admin, kJson, {"dry_run"}, [this](const Request& r) {
                return run(r);
              }});
}

asio::awaitable<Response> RetentionApi::show(const Request&) {
  const auto would = co_await preview();
  if (!would) co_return problem(would.error());
  co_return json_response({{"policy", policy_json(rules_)},
                           {"next_run", preview_json(*would)},
                           {"last_run", run_json(book_.last())},
                           {"last_removal", run_json(book_.last_removal())}});
}

asio::awaitable<Response> RetentionApi::run(const Request& request) {
  const auto dry_run = flag_parameter(request, "dry_run");
  if (!dry_run) co_return problem(ProblemType::invalid_parameter, dry_run.error().text);
  const auto fields = BodyFields::parse(request.body, {});
  if (!fields) co_return problem(ProblemType::invalid_body, fields.error().text);
  Retired total;
  if (*dry_run) {
    const auto would = co_await preview();
    if (!would) co_return problem(would.error());
    total = *would;
  } else {
    const Duration started = clock_.monotonic();
    total.more = true;
    for (int steps = 0; total.more && steps < kMaxSteps && clock_.monotonic() - started < kMaxTime; ++steps) {
      const storage::RetireRequest step = rules_.request(clock_.now());
      auto start = [&](Done<Retired> done) { store_.retire(step, std::move(done)); };
      const auto retired = co_await net::await_done<Retired>(home_, start);
      if (!retired) co_return problem(retired.error());
      book_.add(*retired, clock_.now());
      total.messages += retired->messages;
      total.bodies += retired->bodies;
      total.bytes += retired->bytes;
      total.owing += retired->owing;
      total.more = retired->more;
    }
  }
  json::object out = removal_json(total);
  out["dry_run"] = *dry_run;
  out["more"] = total.more;
  co_return json_response(out);
}

asio::awaitable<result<Retired>> RetentionApi::preview() {
  storage::RetireRequest request = rules_.request(clock_.now());
  request.max_rows = kPreviewRows;
  auto start = [&](Done<Retired> done) { store_.preview_retire(request, std::move(done)); };
  co_return co_await net::await_done<Retired>(home_, start);
}

}  // namespace postrider::mgmt
