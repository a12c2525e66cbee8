#include "mgmt/validate_api.h"

#include <boost/json/array.hpp>

#include "mgmt/answers.h"
#include "mgmt/json_values.h"
#include "mgmt/letter_request.h"
#include "mgmt/media_type.h"
#include "mgmt/problem.h"
#include "mgmt/upstream_explain.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

json::object refused_json(const Refusal& refusal) {
  return {{"valid", false}, {"problem", problem_json(refusal)}, {"recipients", json::array()}};
}

// What a route comes to, without the state of upstreams it does not take.
json::object choice_of(const json::object& route) {
  const json::object* chosen = route.at("chosen").if_object();
  json::value name = chosen ? json::value(json::object{{"upstream", chosen->at("upstream")}}) : json::value(nullptr);
  return {{"chosen", std::move(name)}, {"summary", route.at("summary")}};
}

}  // namespace

void ValidateApi::add_routes(Router& router) {
  Route route{http::verb::post, "/v1/validate",
              Access::send,     kJson,
              {"from", "to"},   [this](const Request& r) { return validate(r); }};
  route.consumes = {kJson, kRfc822};
  route.body = BodySize::message;
  router.add(std::move(route));
}

asio::awaitable<Response> ValidateApi::validate(const Request& request) {
  auto read = read_letter_request(request);
  if (const auto* refusal = std::get_if<Refusal>(&read)) co_return json_response(refused_json(*refusal));
  const SendPlan plan = plan_letter(std::get<Letter>(read), request, parts_.submission, parts_.clock.now());
  std::vector<Letter> letters;
  letters.push_back(std::move(std::get<Letter>(read)));
  SendTerms terms;
  terms.dry_run = true;
  const SendOutcome outcome = co_await parts_.door.send(request, std::move(letters), std::move(terms));

  const auto suppressed = co_await find_suppressed(plan);
  if (!suppressed) co_return problem(suppressed.error());
  const Shown most = request.principal.is_operator() ? Shown::all : Shown::choice;
  json::array recipients;
  for (const PlannedRecipient& recipient : plan.recipients) {
    const Shown route = recipients.size() >= kMaxExplained ? Shown::nothing : most;
    json::object one = recipient_json(plan, recipient, route);
    const storage::Suppression* entry = nullptr;
    if (recipient.index && (*suppressed)[*recipient.index]) entry = &*(*suppressed)[*recipient.index];
    one["suppressed"] = entry != nullptr;
    one["suppressed_because"] = entry == nullptr ? json::value(nullptr) : text_or_null(entry->reason);
    recipients.push_back(std::move(one));
  }
  json::object answer{{"valid", !outcome.refusal},
                      {"problem", outcome.refusal ? json::value(problem_json(*outcome.refusal)) : json::value(nullptr)},
                      {"recipients", std::move(recipients)}};
  co_return json_response(answer);
}

asio::awaitable<result<ValidateApi::Entries>> ValidateApi::find_suppressed(const SendPlan& plan) {
  std::vector<std::string> addresses;
  for (const relay::RecipientSpec& recipient : plan.envelope.recipients) addresses.push_back(recipient.address.str());
  if (addresses.empty()) co_return Entries();
  auto start = [&](Done<Entries> done) { parts_.store.find_suppressions(std::move(addresses), std::move(done)); };
  co_return co_await net::await_done<Entries>(parts_.home, start);
}

json::object ValidateApi::recipient_json(const SendPlan& plan, const PlannedRecipient& recipient, Shown shown) const {
  json::object out{
      {"given", recipient.given}, {"pointer", recipient.at},    {"result", recipient.refused ? "refused" : "duplicate"},
      {"address", nullptr},       {"redirected_from", nullptr}, {"route", nullptr}};
  if (!recipient.index) return out;
  const relay::RecipientSpec& spec = plan.envelope.recipients[*recipient.index];
  out["result"] = !spec.redirected_from.empty() ? "redirected" : spec.captured ? "captured" : "accepted";
  out["address"] = spec.address.str();
  out["redirected_from"] = text_or_null(spec.redirected_from);
  if (shown == Shown::nothing) return out;
  RouteQuestion question;
  question.envelope.sender = plan.envelope.sender;
  question.envelope.lane = relay::lane_of(plan.envelope, parts_.submission.options());
  question.envelope.tags = plan.envelope.steering.tags;
  question.envelope.tenant = plan.envelope.tenant;
  for (const relay::RecipientSpec& one : plan.envelope.recipients)
    question.envelope.capture_only = question.envelope.capture_only || one.captured;
  question.recipient.address = spec.address;
  question.recipient.redirected_from = spec.redirected_from;
  json::object route = explain_json(*parts_.upstreams.routes(), question, Guarded::no, parts_.clock.now());
  out["route"] = shown == Shown::all ? std::move(route) : choice_of(route);
  return out;
}

}  // namespace postrider::mgmt
