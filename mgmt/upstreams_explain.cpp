// The handlers behind GET /v1/route/explain and GET /v1/messages/{id}/route.
#include <algorithm>
#include <boost/json/array.hpp>

#include "mgmt/answers.h"
#include "mgmt/media_type.h"
#include "mgmt/message_access.h"
#include "mgmt/problem.h"
#include "mgmt/upstreams_api.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

std::optional<Lane> parse_lane(std::string_view text) {
  for (const Lane lane : {Lane::high, Lane::normal, Lane::low})
    if (to_string(lane) == text) return lane;
  return std::nullopt;
}

// "invoice,monthly"
std::vector<std::string> split_tags(std::string_view text) {
  std::vector<std::string> tags;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (comma != 0) tags.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return tags;
}

result<RouteQuestion> read_question(const Request& request) {
  RouteQuestion question;
  const auto to = request.parameter("to");
  if (!to || to->empty()) return invalid("parameter 'to' must be the address of a recipient");
  auto recipient = parse_address(*to);
  if (!recipient) return invalid("parameter 'to' is not an address: " + recipient.error().text);
  question.recipient.address = std::move(*recipient);
  const std::string_view from = request.parameter("from").value_or("");
  auto sender = parse_address(from == "<>" ? std::string_view() : from);
  if (!sender) return invalid("parameter 'from' is not an address: " + sender.error().text);
  question.envelope.sender = std::move(*sender);
  const auto lane = parse_lane(request.parameter("lane").value_or("normal"));
  if (!lane) return invalid("parameter 'lane' must be high, normal or low");
  question.envelope.lane = *lane;
  question.envelope.tags = split_tags(request.parameter("tag").value_or(""));
  if (question.envelope.tags.size() > kMaxTags)
    return invalid("parameter 'tag' takes at most " + std::to_string(kMaxTags) + " tags, separated by commas");
  question.envelope.tenant = request.parameter("credential").value_or("");
  return question;
}

}  // namespace

asio::awaitable<Response> UpstreamsApi::explain(const Request& request) {
  auto question = read_question(request);
  if (!question) co_return problem(ProblemType::invalid_parameter, question.error().text);
  const auto guarded = co_await guard(*question);
  if (!guarded) co_return problem(guarded.error());
  if (!request.parameter("lane")) question->envelope.lane = lane_of_(question->envelope, question->recipient);
  co_return json_response(explain_json(*control_.routes(), *question, *guarded, clock_.now()));
}

// What the credential's guard makes of the recipient; a fault when there is no such credential.
asio::awaitable<result<Guarded>> UpstreamsApi::guard(RouteQuestion& question) {
  const std::string name = question.envelope.tenant;
  if (name.empty()) co_return Guarded::no;
  auto start = [&](Done<storage::UserRecord> done) { store_.find_user(name, std::move(done)); };
  const auto user = co_await net::await_done<storage::UserRecord>(home_, start);
  if (!user && user.error().kind == FaultKind::not_found)
    co_return Fault{FaultKind::not_found, "there is no credential '" + name + "'"};
  if (!user) co_return user.error();
  co_return apply_guard(user->guard, question);
}

// Of a stored message nothing has to be guessed: its guard was applied when it was submitted, and what has happened since counts.
asio::awaitable<Response> UpstreamsApi::explain_message(const Request& request) {
  auto message = co_await find_message(home_, store_, request.captures[0], request.principal);
  if (!message) co_return problem(message.error());
  const std::shared_ptr<relay::Routes> routes = control_.routes();
  const Time now = clock_.now();
  json::array recipients;
  for (const Recipient& recipient : message->recipients) {
    if (recipients.size() == limits_.recipients) break;
    json::object one{{"address", recipient.address.str()}, {"state", to_string(recipient.state)}, {"route", nullptr}};
    if (is_live(recipient.state)) {
      const RouteQuestion question{message->envelope, recipient, std::max(Duration{0}, now - recipient.due)};
      one["route"] = explain_json(*routes, question, Guarded::no, now);
    }
    recipients.push_back(std::move(one));
  }
  const bool more = recipients.size() < message->recipients.size();
  json::object answer{{"message", message->id.str()},
                      {"state", to_string(message->state())},
                      {"recipients", std::move(recipients)},
                      {"more", more}};
  co_return json_response(answer);
}

}  // namespace postrider::mgmt
