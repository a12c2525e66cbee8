#include "mgmt/upstreams_api.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>

#include "mgmt/answers.h"
#include "mgmt/body_fields.h"
#include "mgmt/media_type.h"
#include "mgmt/parameters.h"
#include "mgmt/problem.h"
#include "mgmt/upstream_json.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using relay::Routes;
using relay::UpstreamControl;

Response no_such(const std::string& upstream) {
  return problem(ProblemType::not_found, "no upstream is called " + upstream);
}

struct PreferOrder {
  Canary canary;
  bool dry_run = false;
};

// Both may be given in the body or, for people with curl, as query parameters.
result<PreferOrder> read_prefer(const Request& request) {
  const auto fields = BodyFields::parse(request.body, {"canary", "dry_run"});
  if (!fields) return fields.error();
  auto canary = fields->text_or_number("canary");
  if (!canary) return canary.error();
  if (!*canary && request.parameter("canary")) *canary = std::string(*request.parameter("canary"));
  const auto in_query = flag_parameter(request, "dry_run");
  if (!in_query) return in_query.error();
  const auto dry_run = fields->flag("dry_run", *in_query);
  if (!dry_run) return dry_run.error();
  PreferOrder order;
  order.dry_run = *dry_run;
  if (!*canary) return order;
  const auto parsed = parse_canary(**canary);
  if (!parsed) return parsed.error();
  order.canary = *parsed;
  return order;
}

// A test under way: the answer comes to the mgmt thread, perhaps after the request that asked has been answered.
struct Test {
  explicit Test(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  std::optional<result<Attempt>> answer;
};

}  // namespace

UpstreamsApi::UpstreamsApi(Mailbox& home, const Clock& clock, storage::Store& store, UpstreamControl& control,
                           LaneOf lane_of, UpstreamLimits limits)
    : home_(home),
      clock_(clock),
      store_(store),
      control_(control),
      lane_of_(std::move(lane_of)),
      limits_(limits),
      waiting_(home, clock, store) {}

void UpstreamsApi::add_routes(Router& router) {
  using http::verb;
  const auto add = [&router](verb method, std::string_view pattern, std::vector<std::string_view> parameters,
                             Handler handler) {
    router.add({method, pattern, Access::admin, kJson, std::move(parameters), std::move(handler)});
  };
  add(verb::get, "/v1/upstreams", {}, [this](const Request& r) { return list(r); });
  add(verb::get, "/v1/upstreams/{name}", {}, [this](const Request& r) { return show(r); });
  add(verb::post, "/v1/upstreams/prefer-none", {}, [this](const Request& r) { return prefer_none(r); });
  add(verb::post, "/v1/upstreams/{name}/pause", {},
      [this](const Request& r) { return steer(r, &UpstreamControl::pause); });
  add(verb::post, "/v1/upstreams/{name}/resume", {},
      [this](const Request& r) { return steer(r, &UpstreamControl::resume); });
  add(verb::post, "/v1/upstreams/{name}/prefer", {"canary", "dry_run"}, [this](const Request& r) { return prefer(r); });
  add(verb::post, "/v1/upstreams/{name}/test", {}, [this](const Request& r) { return test(r); });
  add(verb::get, "/v1/route/explain", {"from", "to", "lane", "tag", "credential"},
      [this](const Request& r) { return explain(r); });
  add(verb::get, "/v1/messages/{id}/route", {}, [this](const Request& r) { return explain_message(r); });
}

// ---- what there is --------------------------------------------------------------------------------------------------

asio::awaitable<Response> UpstreamsApi::list(const Request&) {
  co_return co_await whole_list();
}

asio::awaitable<Response> UpstreamsApi::whole_list() {
  const std::shared_ptr<Routes> routes = control_.routes();
  const auto mail = co_await waiting_.read(routes);
  if (!mail) co_return problem(mail.error());
  const Time now = clock_.now();
  json::array upstreams;
  for (const std::size_t i : asking_order(*routes))
    upstreams.emplace_back(upstream_json(*routes, i, (*mail)->for_upstream(i), now));
  json::object waiting{{"messages", (*mail)->all()}, {"for_nobody", (*mail)->for_nobody()}};
  json::object answer{
      {"upstreams", std::move(upstreams)}, {"preference", preference_json(*routes)}, {"waiting", std::move(waiting)}};
  co_return json_response(answer);
}

asio::awaitable<Response> UpstreamsApi::show(const Request& request) {
  co_return co_await one(request.captures[0]);
}

asio::awaitable<Response> UpstreamsApi::one(std::string upstream) {
  const std::shared_ptr<Routes> routes = control_.routes();
  const auto index = routes->find(upstream);
  if (!index) co_return no_such(upstream);
  const auto mail = co_await waiting_.read(routes);
  if (!mail) co_return problem(mail.error());
  co_return json_response(upstream_json(*routes, *index, (*mail)->for_upstream(*index), clock_.now()));
}

// ---- steering -------------------------------------------------------------------------------------------------------

asio::awaitable<Response> UpstreamsApi::steer(const Request& request, Verb verb) {
  const auto fields = BodyFields::parse(request.body, {});
  if (!fields) co_return problem(ProblemType::invalid_body, fields.error().text);
  const result<Nothing> done = (control_.*verb)(request.captures[0], request.principal.actor);
  if (!done) co_return problem(done.error());
  co_return co_await one(request.captures[0]);
}

asio::awaitable<Response> UpstreamsApi::prefer(const Request& request) {
  const std::string& upstream = request.captures[0];
  const auto order = read_prefer(request);
  if (!order) co_return problem(ProblemType::invalid_parameter, order.error().text);
  if (order->dry_run) co_return co_await foresee(upstream, order->canary);
  const result<Nothing> done =
      control_.prefer(upstream, order->canary.percent, order->canary.messages, request.principal.actor);
  if (!done) co_return problem(done.error());
  co_return co_await one(upstream);
}

asio::awaitable<Response> UpstreamsApi::foresee(std::string upstream, Canary canary) {
  const std::shared_ptr<Routes> routes = control_.routes();
  const auto index = routes->find(upstream);
  if (!index) co_return no_such(upstream);
  const auto mail = co_await waiting_.read(routes);
  if (!mail) co_return problem(mail.error());
  const Time now = clock_.now();
  const Forecast foreseen = forecast(*routes, **mail, *index, canary, now);
  co_return json_response(to_json(foreseen, routes->at(*index), canary, now));
}

asio::awaitable<Response> UpstreamsApi::prefer_none(const Request& request) {
  const auto fields = BodyFields::parse(request.body, {});
  if (!fields) co_return problem(ProblemType::invalid_body, fields.error().text);
  const result<Nothing> done = control_.prefer_none(request.principal.actor);
  if (!done) co_return problem(done.error());
  co_return co_await whole_list();
}

asio::awaitable<Response> UpstreamsApi::test(const Request& request) {
  const std::string& upstream = request.captures[0];
  if (!control_.routes()->find(upstream)) co_return no_such(upstream);
  if (tests_ >= limits_.tests)
    co_return problem(ProblemType::unavailable, std::to_string(tests_) + " tests are under way already");
  auto test = std::make_shared<Test>(co_await asio::this_coro::executor);
  test->timer.expires_after(limits_.test);
  ++tests_;
  control_.test(upstream, Done<Attempt>(home_, [this, test](result<Attempt> answer) {
                  --tests_;
                  test->answer = std::move(answer);
                  test->timer.cancel();
                }));
  boost::system::error_code ended;
  if (!test->answer) co_await test->timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  if (!test->answer) co_return json_response(test_json(upstream, std::nullopt, limits_.test));
  if (!*test->answer) co_return problem(test->answer->error());
  co_return json_response(test_json(upstream, test->answer->value(), limits_.test));
}

}  // namespace postrider::mgmt
