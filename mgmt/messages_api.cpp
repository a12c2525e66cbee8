#include "mgmt/messages_api.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <deque>

#include "mgmt/body_fields.h"
#include "mgmt/media_type.h"
#include "mgmt/message_json.h"
#include "mgmt/problem.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
using storage::SteerVerb;

using Chunks = std::vector<std::shared_ptr<const std::string>>;

constexpr std::uint32_t kWindow = 8;  // chunks read ahead for a body download

Response json_response(const boost::json::object& object) {
  Response response;
  response.content_type = kJson;
  response.body = boost::json::serialize(object);
  return response;
}

Response no_such_message(const std::string& text) {
  return problem(ProblemType::not_found, "there is no message '" + text + "'");
}

asio::awaitable<result<Chunks>> read_window(Mailbox& home, storage::Store& store, storage::BodyQuery query) {
  auto start = [&](Done<Chunks> done) { store.read_body(query, std::move(done)); };
  co_return co_await net::await_done<Chunks>(home, start);
}

// A body from the spool, window by window; the first window was read by the handler, so that its faults are answers.
class SpoolBody final : public ResponseStream {
 public:
  SpoolBody(Mailbox& home, storage::Store& store, const MessageRecord& message, Chunks first)
      : home_(home),
        store_(store),
        id_(message.id),
        total_(message.body_chunks),
        read_(first.size()),
        ready_(first.begin(), first.end()) {}

  asio::awaitable<result<std::shared_ptr<const std::string>>> next() override {
    if (ready_.empty() && read_ < total_) {
      storage::BodyQuery query{id_, read_, kWindow};
      auto window = co_await read_window(home_, store_, query);
      if (!window) co_return window.error();
      read_ += static_cast<std::uint32_t>(window->size());
      ready_.assign(window->begin(), window->end());
    }
    std::shared_ptr<const std::string> chunk;
    if (!ready_.empty()) {
      chunk = std::move(ready_.front());
      ready_.pop_front();
    }
    co_return chunk;
  }

 private:
  Mailbox& home_;
  storage::Store& store_;
  MessageId id_;
  std::uint32_t total_, read_;
  std::deque<std::shared_ptr<const std::string>> ready_;
};

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
              Access::key,
              kJson,
              {"state", "sender", "recipient", "since", "until", "limit", "cursor"},
              [this](const Request& r) { return list(r); }});
  router.add(
      {http::verb::get, "/v1/messages/{id}", Access::key, kJson, {}, [this](const Request& r) { return show(r); }});
  router.add({http::verb::get, "/v1/messages/{id}/body", Access::key, "message/rfc822", {}, [this](const Request& r) {
                return body(r);
              }});
  const std::pair<std::string_view, SteerVerb> verbs[] = {{"/v1/messages/{id}/retry", SteerVerb::retry},
                                                          {"/v1/messages/{id}/hold", SteerVerb::hold},
                                                          {"/v1/messages/{id}/release", SteerVerb::release},
                                                          {"/v1/messages/{id}/cancel", SteerVerb::cancel}};
  for (const auto& [pattern, verb] : verbs)
    router.add({http::verb::post, pattern, Access::key, kJson, {}, [this, v = verb](const Request& r) {
                  return steer(r, v);
                }});
}

asio::awaitable<Response> MessagesApi::list(const Request& request) {
  auto query = parse_list_query(request.query);
  if (!query) co_return problem(ProblemType::invalid_parameter, query.error().text);
  auto start = [&](Done<storage::ListPage> done) { store_.list(std::move(*query), std::move(done)); };
  const auto page = co_await net::await_done<storage::ListPage>(home_, start);
  if (!page) co_return problem(page.error());
  co_return json_response(list_json(*page));
}

asio::awaitable<Response> MessagesApi::show(const Request& request) {
  const auto id = MessageId::parse(request.captures[0]);
  if (!id) co_return no_such_message(request.captures[0]);
  const auto message = co_await find(*id);
  if (!message) co_return problem(message.error());
  auto start = [&](Done<std::vector<Event>> done) { store_.history(*id, std::move(done)); };
  const auto history = co_await net::await_done<std::vector<Event>>(home_, start);
  if (!history) co_return problem(history.error());
  co_return json_response(to_json(*message, *history));
}

asio::awaitable<Response> MessagesApi::body(const Request& request) {
  const auto id = MessageId::parse(request.captures[0]);
  if (!id) co_return no_such_message(request.captures[0]);
  const auto message = co_await find(*id);
  if (!message) co_return problem(message.error());
  if (message->body == BodyState::removed)
    co_return problem(ProblemType::not_found,
                      "the body of this message was removed; its headers stay with the history");
  Response response;
  response.content_type = "message/rfc822";
  if (message->body_size == 0) co_return response;
  storage::BodyQuery query{*id, 0, kWindow};
  auto first = co_await read_window(home_, store_, query);
  if (!first) co_return problem(first.error());
  response.stream = std::make_unique<SpoolBody>(home_, store_, *message, std::move(*first));
  response.stream_size = message->body_size;
  co_return response;
}

asio::awaitable<Response> MessagesApi::steer(const Request& request, SteerVerb verb) {
  const auto id = MessageId::parse(request.captures[0]);
  if (!id) co_return no_such_message(request.captures[0]);
  const auto fields = BodyFields::parse(request.body, {"recipient", "reason"});
  if (!fields) co_return problem(ProblemType::invalid_body, fields.error().text);
  const auto recipient = fields->text("recipient");
  if (!recipient) co_return problem(ProblemType::invalid_body, recipient.error().text);
  const auto reason = fields->text("reason", kMaxReasonText);
  if (!reason) co_return problem(ProblemType::invalid_body, reason.error().text);
  const auto message = co_await find(*id);
  if (!message) co_return problem(message.error());
  const auto index = find_recipient(*message, *recipient);
  if (!index) co_return problem(index.error());

  storage::SteerRequest steering;
  steering.id = *id;
  steering.verb = verb;
  steering.recipient = *index;
  steering.actor = request.principal.actor;
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

asio::awaitable<result<MessageRecord>> MessagesApi::find(MessageId id) {
  auto start = [&](Done<MessageRecord> done) { store_.find(id, std::move(done)); };
  co_return co_await net::await_done<MessageRecord>(home_, start);
}

}  // namespace postrider::mgmt
