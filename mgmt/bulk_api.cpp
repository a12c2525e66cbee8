#include "mgmt/bulk_api.h"

#include <algorithm>

#include "mgmt/answers.h"
#include "mgmt/media_type.h"
#include "mgmt/problem.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
using storage::SteerVerb;
using Answers = std::vector<result<storage::Steered>>;

// What goes to the store for one page: requests, and which message of the page each is for.
struct Batch {
  std::vector<storage::SteerRequest> requests;
  std::vector<std::size_t> messages;
};

Batch make_batch(const BulkOrder& order, const storage::ListPage& page, Time now, BulkTotals& totals) {
  Batch batch;
  storage::SteerRequest request;
  request.verb = order.verb;
  request.actor = order.actor;
  request.tenant = order.tenant;
  request.reason = order.reason;
  request.now = now;
  for (std::size_t i = 0; i < page.messages.size(); ++i) {
    const MessageRecord& message = page.messages[i];
    ++totals.matched;
    ++totals.by_state[std::string(postrider::to_string(message.state()))];
    const BulkTarget target = bulk_target(order, message);
    if (!target.skipped_because.empty()) {
      totals.skip(target.skipped_because);
      continue;
    }
    ++totals.applicable;
    if (order.dry_run) continue;
    request.id = message.id;
    request.recipient.reset();
    for (std::size_t n = 0; n < (target.whole ? 1 : target.recipients.size()); ++n) {
      if (!target.whole) request.recipient = target.recipients[n];
      batch.requests.push_back(request);
      batch.messages.push_back(i);
    }
  }
  return batch;
}

// Between the page and the writer's turn a message may have moved on.
std::string why_not(const Fault& fault) {
  if (fault.kind == FaultKind::conflict) return "changed meanwhile";
  return fault.kind == FaultKind::not_found ? "gone" : "unreadable";
}

}  // namespace

BulkApi::BulkApi(Mailbox& home, const Clock& clock, storage::Store& store, BulkLimits limits)
    : home_(home), clock_(clock), store_(store), limits_(limits) {}

void BulkApi::add_routes(Router& router) {
  const std::pair<std::string_view, SteerVerb> verbs[] = {{"/v1/messages/retry", SteerVerb::retry},
                                                          {"/v1/messages/hold", SteerVerb::hold},
                                                          {"/v1/messages/release", SteerVerb::release},
                                                          {"/v1/messages/cancel", SteerVerb::cancel}};
  for (const auto& [pattern, verb] : verbs)
    router.add({http::verb::post,
                pattern,
                Access::steer,
                kJson,
                {"state", "sender", "recipient", "tag", "batch", "since", "until", "all", "dry_run", "cursor"},
                [this, v = verb](const Request& r) { return run(r, v); }});
}

asio::awaitable<Response> BulkApi::run(const Request& request, SteerVerb verb) {
  auto order = read_bulk_order(request, verb);
  if (!order) co_return problem(ProblemType::invalid_parameter, order.error().text);
  BulkTotals totals;
  const auto worked = co_await work(*order, totals);
  if (!worked) co_return problem(worked.error());
  co_return json_response(to_json(*order, totals));
}

asio::awaitable<result<Nothing>> BulkApi::work(BulkOrder& order, BulkTotals& totals) {
  const Duration started = clock_.monotonic();
  const std::size_t most = order.dry_run ? limits_.max_counted : limits_.max_messages;
  order.query.limit = limits_.page;
  for (std::size_t pages = 0; pages < limits_.max_pages && totals.matched < most; ++pages) {
    auto start = [&](Done<storage::ListPage> done) { store_.list(order.query, std::move(done)); };
    const auto page = co_await net::await_done<storage::ListPage>(home_, start);
    if (!page) co_return page.error();
    const auto steered = co_await steer(order, *page, totals);
    if (!steered) co_return steered.error();
    totals.next = order.query.before = page->next;
    if (!page->next || clock_.monotonic() - started > limits_.max_time) break;
  }
  co_return Nothing();
}

asio::awaitable<result<Nothing>> BulkApi::steer(const BulkOrder& order, const storage::ListPage& page,
                                                BulkTotals& totals) {
  Batch batch = make_batch(order, page, clock_.now(), totals);
  std::vector<std::string> faults(page.messages.size());
  std::vector<bool> changed(page.messages.size(), false);
  for (std::size_t at = 0; at < batch.requests.size();) {
    const std::size_t end = std::min(at + limits_.batch, batch.requests.size());
    std::vector<storage::SteerRequest> some(batch.requests.begin() + static_cast<std::ptrdiff_t>(at),
                                            batch.requests.begin() + static_cast<std::ptrdiff_t>(end));
    auto start = [&](Done<Answers> done) { store_.steer(std::move(some), std::move(done)); };
    const auto answers = co_await net::await_done<Answers>(home_, start);
    if (!answers) co_return answers.error();
    for (std::size_t i = 0; i < answers->size(); ++i) {
      const std::size_t message = batch.messages[at + i];
      if (const auto& answer = (*answers)[i]; answer)
        changed[message] = true;
      else
        faults[message] = why_not(answer.error());
    }
    at = end;
  }
  for (std::size_t i = 0; i < changed.size(); ++i) {
    if (changed[i])
      ++totals.changed;
    else if (!faults[i].empty())
      totals.skip(faults[i]);
  }
  co_return Nothing();
}

}  // namespace postrider::mgmt
