#include "mgmt/messages_api.h"

#include <algorithm>

#include "mgmt/answers.h"
#include "mgmt/body_fields.h"
#include "mgmt/media_type.h"
#include "mgmt/message_access.h"
#include "mgmt/message_json.h"
#include "mgmt/problem.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
using storage::SteerVerb;

// The recipient the request names, or none when it names none; the fault says there is no such one.
result<std::optional<std::uint32_t>> find_recipient(const MessageRecord& message,
                                                    const std::optional<std::string>& text) {
  if (!text) return std::optional<std::uint32_t>();
  const auto address = parse_address(*text);
  if (!address) return invalid("'recipient' is not an address: " + address.error().text);
  const auto& all = message.recipients;
  const auto it = std::find_if(all.begin(), all.end(), [&](const Recipient& r) { return r.address == *address; });
  if (it == all.end()) return Fault{FaultKind::not_found, "this message has no recipient " + *text};
  return std::optional<std::uint32_t>(static_cast<std::uint32_t>(it - all.begin()));
}

}  // namespace

MessagesApi::MessagesApi(Mailbox& home, const Clock& clock, storage::Store& store)
    : home_(home), clock_(clock), store_(store) {}

void MessagesApi::add_routes(Router& router) {
  router.add({http::verb::get,
              "/v1/messages",
              Access::read,
              kJson,
              {"state", "sender", "recipient", "tag", "batch", "since", "until", "limit", "cursor"},
              [this](const Request& r) { return list(r); }});
  router.add(
      {http::verb::get, "/v1/messages/{id}", Access::read, kJson, {}, [this](const Request& r) { return show(r); }});
  const std::pair<std::string_view, SteerVerb> verbs[] = {{"/v1/messages/{id}/retry", SteerVerb::retry},
                                                          {"/v1/messages/{id}/hold", SteerVerb::hold},
                                                          {"/v1/messages/{id}/release", SteerVerb::release},
                                                          {"/v1/messages/{id}/cancel", SteerVerb::cancel}};
  for (const auto& [pattern, verb] : verbs)
    router.add({http::verb::post, pattern, Access::steer, kJson, {}, [this, v = verb](const Request& r) {
                  return steer(r, v);
                }});
  router.add({http::verb::delete_, "/v1/messages/{id}", Access::steer, kJson, {}, [this](const Request& r) {
                return steer(r, SteerVerb::cancel);
              }});
}

asio::awaitable<Response> MessagesApi::list(const Request& request) {
  auto query = parse_list_query(request.query);
  if (!query) co_return problem(ProblemType::invalid_parameter, query.error().text);
  query->tenant = confined_to(request.principal);
  auto start = [&](Done<storage::ListPage> done) { store_.list(std::move(*query), std::move(done)); };
  const auto page = co_await net::await_done<storage::ListPage>(home_, start);
  if (!page) co_return problem(page.error());
  co_return json_response(list_json(*page));
}

asio::awaitable<Response> MessagesApi::show(const Request& request) {
  const auto message = co_await find_message(home_, store_, request.captures[0], request.principal);
  if (!message) co_return problem(message.error());
  auto start = [&](Done<std::vector<Event>> done) { store_.history(message->id, std::move(done)); };
  const auto history = co_await net::await_done<std::vector<Event>>(home_, start);
  if (!history) co_return problem(history.error());
  co_return json_response(to_json(*message, *history));
}

asio::awaitable<Response> MessagesApi::steer(const Request& request, SteerVerb verb) {
  const auto fields = BodyFields::parse(request.body, {"recipient", "reason"});
  if (!fields) co_return problem(ProblemType::invalid_body, fields.error().text);
  const auto recipient = fields->text("recipient");
  if (!recipient) co_return problem(ProblemType::invalid_body, recipient.error().text);
  const auto reason = fields->text("reason", kMaxReasonText);
  if (!reason) co_return problem(ProblemType::invalid_body, reason.error().text);
  const auto message = co_await find_message(home_, store_, request.captures[0], request.principal);
  if (!message) co_return problem(message.error());
  const auto index = find_recipient(*message, *recipient);
  if (!index) co_return problem(index.error());

  storage::SteerRequest steering;
  steering.id = message->id;
  steering.verb = verb;
  steering.recipient = *index;
  steering.actor = request.principal.actor;
  steering.tenant = confined_to(request.principal).value_or("");
  steering.reason.cause = Cause::operator_;
  steering.reason.text = sanitize_reason_text(reason->value_or(""));
  steering.now = clock_.now();
  using Answer = std::vector<result<storage::Steered>>;
  auto start = [&](Done<Answer> done) {
    std::vector<storage::SteerRequest> one;
    one.push_back(std::move(steering));
    store_.steer(std::move(one), std::move(done));
  };
  const auto answer = co_await net::await_done<Answer>(home_, start);
  if (!answer) co_return problem(answer.error());
  const auto& steered = answer->at(0);
  if (!steered) co_return problem(steered.error());
  co_return json_response(to_json(*steered->record));
}

}  // namespace postrider::mgmt
