#include "mgmt/events_api.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mgmt/answers.h"
#include "mgmt/media_type.h"
#include "mgmt/parameters.h"
#include "mgmt/problem.h"
#include "net/task_group.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

class Waiting {
 public:
  explicit Waiting(std::size_t& count) : count_(count) { ++count_; }
  ~Waiting() { --count_; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  std::size_t& count_;
};

Response answer(EventPage page) {
  return json_response({{"events", std::move(page.events)}, {"next", page.next}, {"more", page.more}});
}

}  // namespace

EventsApi::EventsApi(Mailbox& home, const Clock& clock, storage::Store& store) : clock_(clock), feed_(home, store) {}

void EventsApi::add_routes(Router& router) {
  router.add({http::verb::get,
              "/v1/events",
              Access::read,
              kJson,
              {"after", "limit", "type", "message", "upstream", "since", "until", "wait"},
              [this](const Request& r) { return list(r); }});
}

asio::awaitable<Response> EventsApi::list(const Request& request) {
  auto filter = read_event_filter(request);
  if (!filter) co_return problem(ProblemType::invalid_parameter, filter.error().text);
  const auto seconds = number_parameter(request, "wait", 0, kMaxWait);
  if (!seconds) co_return problem(ProblemType::invalid_parameter, seconds.error().text);
  const std::chrono::seconds wait(seconds->value_or(0));
  if (wait.count() > 0 && waiting_ >= kMaxWaiting)
    co_return problem(ProblemType::unavailable, "too many requests wait for events already");
  const Waiting counted(waiting_);
  const Duration until = clock_.monotonic() + wait;
  const auto from = co_await feed_.start(*filter);
  if (!from) co_return problem(from.error());
  filter->after = *from;
  while (true) {
    const std::uint64_t seen = feed_.last();
    auto page = co_await feed_.read(*filter, request.principal);
    if (!page) co_return problem(page.error());
    if (!page->events.empty() || page->more || wait.count() == 0) co_return answer(std::move(*page));
    filter->after = page->next;
    const bool news = co_await wait_for_news(seen, until);
    if (!news) co_return answer(std::move(*page));
  }
}

asio::awaitable<bool> EventsApi::wait_for_news(std::uint64_t seen, Duration until) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (feed_.last() == seen) {
    const Duration left = until - clock_.monotonic();
    if (left <= Duration::zero()) co_return false;
    timer.expires_after(std::min(kLook, left));
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    const bool stopping = co_await net::cancelled();
    if (stopping) co_return false;
  }
  co_return true;
}

}  // namespace postrider::mgmt
