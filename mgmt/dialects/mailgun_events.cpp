// GET /v3/{domain}/events of Mailgun's API: our history in its words, page by page. docs/dialects/mailgun.md.
#include <boost/json/array.hpp>
#include <utility>

#include "mgmt/answers.h"
#include "mgmt/dialects/mailgun.h"
#include "mgmt/dialects/mailgun_walk.h"
#include "mgmt/form_data.h"
#include "mgmt/media_type.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxFields = 50;

// A query as Mailgun's clients write it: like a form, with a plus for a blank.
std::vector<std::pair<std::string, std::string>> form_query(const Request& request) {
  const auto mark = request.target.find('?');
  if (mark == std::string::npos) return {};
  return parse_urlencoded(std::string_view(request.target).substr(mark + 1), kMaxFields);
}

// One step in the direction of the query, or against it.
MailgunPlace step(const MailgunQuery& query, MailgunPlace place, bool backwards) {
  return query.ascending != backwards ? place.next() : place.previous();
}

// Links to all four sides of a page. Where a walk found nothing, what it started at is on its other side, and belongs to the next page
// there.
json::object paging(const Request& request, const MailgunQuery& query, const MailgunPage& page) {
  const std::string base = std::string(request.tls ? "https://" : "http://") + std::string(request.header("host")) +
                           "/v3/" + request.captures.front() + "/events/";
  auto onwards = page.last, back = page.first;
  if (page.items.empty() && page.first) {
    std::optional<MailgunPlace>& other_side = query.backwards ? onwards : back;
    other_side = step(query, *page.first, query.backwards);
  }
  return {{"first", base + mailgun_link(query, false, std::nullopt)},
          {"previous", base + mailgun_link(query, true, back)},
          {"next", base + mailgun_link(query, false, onwards)},
          {"last", base + mailgun_link(query, true, std::nullopt)}};
}

asio::awaitable<Response> give(const DialectParts& parts, const Request& request, result<MailgunQuery> query) {
  const auto domain = mailgun_domain(request);
  if (!domain) co_return mailgun_refusal(refusal_of(domain.error()));
  if (!query) co_return mailgun_refusal(refusal_of(query.error()));
  MailgunWalk walk(parts, *query, request.principal);
  auto page = co_await walk.run();
  if (!page) co_return mailgun_refusal(refusal_of(page.error()));
  json::object answer{{"paging", paging(request, *query, *page)}};
  json::array items;
  for (json::object& item : page->items) items.emplace_back(std::move(item));
  answer["items"] = std::move(items);
  co_return json_response(answer);
}

Route route(std::string_view pattern, std::vector<std::string_view> parameters, Handler handler) {
  Route route;
  route.pattern = pattern;
  route.access = Access::read;
  route.produces = kJson;
  route.parameters = std::move(parameters);
  route.handler = std::move(handler);
  route.render = &mailgun_refusal;
  return route;
}

}  // namespace

void add_mailgun_events(Router& router, const DialectParts& parts) {
  router.add(route("/v3/{domain}/events",
                   {"begin", "end", "ascending", "limit", "pretty", "event", "recipient", "from", "to", "subject",
                    "message-id", "tags", "severity"},
                   [&parts](const Request& request) {
                     return give(parts, request, read_mailgun_query(form_query(request), parts.clock.now()));
                   }));
  router.add(route("/v3/{domain}/events/{page}", {}, [&parts](const Request& request) {
    return give(parts, request, read_mailgun_link(request.captures.back()));
  }));
}

}  // namespace postrider::mgmt
