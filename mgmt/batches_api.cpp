#include "mgmt/batches_api.h"

#include <array>

#include "mgmt/answers.h"
#include "mgmt/media_type.h"
#include "mgmt/message_access.h"
#include "mgmt/message_json.h"
#include "mgmt/parameters.h"
#include "mgmt/problem.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kDefaultLimit = 50;
constexpr std::size_t kStep = 100;              // messages read at a time to be counted
constexpr std::uint64_t kMaxCounted = 100'000;  // far more than one call can make

// All messages of a batch, counted, and a page of them.
struct Tally {
  std::array<std::uint64_t, kRecipientStates> by_state{};
  std::uint64_t total = 0;
  storage::ListPage page;

  void add(MessageRecord message, const std::optional<MessageId>& before, std::size_t limit) {
    ++total;
    ++by_state[static_cast<std::size_t>(message.state())];
    if (before && message.id >= *before) return;
    if (page.messages.size() < limit)
      page.messages.push_back(std::move(message));
    else if (!page.next)
      page.next = page.messages.back().id;
  }
};

json::object to_json(const MessageId& id, const Tally& tally) {
  json::object by_state;
  for (int i = 0; i < kRecipientStates; ++i)
    if (const auto count = tally.by_state[static_cast<std::size_t>(i)]) by_state[to_string(RecipientState(i))] = count;
  json::object out{{"id", id.str()}, {"total", tally.total}, {"by_state", std::move(by_state)}};
  for (auto& [name, value] : list_json(tally.page)) out[name] = std::move(value);
  return out;
}

}  // namespace

void BatchesApi::add_routes(Router& router) {
  router.add({http::verb::get, "/v1/batches/{id}", Access::read, kJson, {"limit", "cursor"}, [this](const Request& r) {
                return show(r);
              }});
}

asio::awaitable<Response> BatchesApi::show(const Request& request) {
  const auto limit = number_parameter(request, "limit", 1, kMaxPage);
  if (!limit) co_return problem(ProblemType::invalid_parameter, limit.error().text);
  std::optional<MessageId> cursor;
  if (const auto text = request.parameter("cursor")) {
    cursor = MessageId::parse(*text);
    if (!cursor)
      co_return problem(ProblemType::invalid_parameter, "parameter 'cursor' must be the `next` of an earlier page");
  }
  const Fault absent{FaultKind::not_found, "there is no batch '" + request.captures[0] + "'"};
  const auto id = MessageId::parse(request.captures[0]);
  if (!id || id->is_nil()) co_return problem(absent);

  Tally tally;
  storage::ListQuery query;
  query.batch = *id;
  query.tenant = confined_to(request.principal);
  query.limit = kStep;
  for (bool more = true; more && tally.total < kMaxCounted;) {
    auto start = [&](Done<storage::ListPage> done) { store_.list(query, std::move(done)); };
    auto page = co_await net::await_done<storage::ListPage>(home_, start);
    if (!page) co_return problem(page.error());
    for (MessageRecord& message : page->messages) tally.add(std::move(message), cursor, limit->value_or(kDefaultLimit));
    query.before = page->next;
    more = page->next.has_value();
  }
  if (tally.total == 0) co_return problem(absent);
  co_return json_response(to_json(*id, tally));
}

}  // namespace postrider::mgmt
