#include "mgmt/send_api.h"

#include <boost/json/array.hpp>

#include "mgmt/answers.h"
#include "mgmt/json_values.h"
#include "mgmt/media_type.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// As it was accepted: what has become of it since is under its id.
json::object accepted_json(const Sent& sent) {
  return {{"id", sent.id->str()},
          {"state", to_string(RecipientState::queued)},
          {"created_at", format_rfc3339(sent.id->created_at())},
          {"message_id", text_or_null(sent.message_id)}};
}

void mark_replay(Response& response, const SendOutcome& outcome) {
  if (outcome.replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
}

Response batch_response(const SendOutcome& outcome, json::array results, std::size_t accepted, Faults faults) {
  const std::size_t total = results.size();
  if (accepted == 0) {
    Refusal refusal = outcome.refusal ? *outcome.refusal : invalid_fields(std::move(faults));
    if (!outcome.refusal) refusal.detail = "no message of the batch was accepted";
    Response response = problem(refusal);
    json::object body = problem_json(refusal);
    body["results"] = std::move(results);
    response.body = json_response(body).body;
    return response;
  }
  Response response = json_response({{"batch_id", outcome.batch.str()},
                                     {"total", total},
                                     {"accepted", accepted},
                                     {"refused", total - accepted},
                                     {"results", std::move(results)}},
                                    http::status::accepted);
  response.headers.emplace_back("Location", "/v1/batches/" + outcome.batch.str());
  mark_replay(response, outcome);
  return response;
}

}  // namespace

void SendApi::add_routes(Router& router) {
  Route one{http::verb::post, "/v1/messages",
            Access::send,     kJson,
            {"from", "to"},   [this](const Request& r) { return send(r); }};
  one.consumes = {kJson, kRfc822};
  one.body = BodySize::message;
  router.add(std::move(one));
  Route batch{http::verb::post,
              "/v1/messages/batch",
              Access::send,
              kJson,
              {},
              [this](const Request& r) { return send_batch(r); }};
  batch.body = BodySize::message;
  router.add(std::move(batch));
}

asio::awaitable<Response> SendApi::send(const Request& request) {
  SendTerms terms;
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return problem(key.error());
  terms.idempotency_key = std::move(*key);
  auto read = read_letter_request(request);
  if (const auto* refusal = std::get_if<Refusal>(&read)) co_return problem(*refusal);
  std::vector<Letter> letters;
  letters.push_back(std::move(std::get<Letter>(read)));
  const SendOutcome outcome = co_await door_.send(request, std::move(letters), std::move(terms));
  if (outcome.refusal) co_return problem(*outcome.refusal);
  const Sent& sent = outcome.letters.front();
  Response response = json_response(accepted_json(sent), http::status::accepted);
  response.headers.emplace_back("Location", "/v1/messages/" + sent.id->str());
  mark_replay(response, outcome);
  co_return response;
}

asio::awaitable<Response> SendApi::send_batch(const Request& request) {
  auto read = read_batch_request(request);
  if (const auto* refusal = std::get_if<Refusal>(&read)) co_return problem(*refusal);
  Response response = co_await send_items(request, std::move(std::get<std::vector<BatchItem>>(read)));
  co_return response;
}

asio::awaitable<Response> SendApi::send_items(const Request& request, std::vector<BatchItem> items) {
  SendTerms terms;
  terms.all_or_nothing = false;
  terms.batch = true;
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return problem(key.error());
  terms.idempotency_key = std::move(*key);
  std::vector<Letter> letters;
  for (BatchItem& item : items)
    if (auto* letter = std::get_if<Letter>(&item)) letters.push_back(std::move(*letter));
  const SendOutcome outcome = co_await door_.send(request, std::move(letters), std::move(terms));

  json::array results;
  Faults faults;
  std::size_t accepted = 0, next = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Refusal* refusal = std::get_if<Refusal>(&items[i]);
    const Sent* sent = refusal ? nullptr : &outcome.letters[next++];
    if (sent && !sent->id) refusal = sent->refusal.detail.empty() ? &*outcome.refusal : &sent->refusal;
    json::object result{{"index", i}};
    if (refusal) {
      result["error"] = problem_json(*refusal);
      for (const FieldFault& fault : refusal->faults) add_fault(faults, fault.pointer, fault.detail);
    } else {
      ++accepted;
      for (auto& [name, value] : accepted_json(*sent)) result[name] = std::move(value);
    }
    results.push_back(std::move(result));
  }
  co_return batch_response(outcome, std::move(results), accepted, std::move(faults));
}

}  // namespace postrider::mgmt
