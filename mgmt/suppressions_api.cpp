#include "mgmt/suppressions_api.h"

#include <boost/json/array.hpp>

#include "core/message.h"
#include "mgmt/answers.h"
#include "mgmt/json_fields.h"
#include "mgmt/json_values.h"
#include "mgmt/media_type.h"
#include "mgmt/parameters.h"
#include "mgmt/problem.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using storage::Suppression;
using storage::SuppressionPage;

json::object to_json(const Suppression& entry) {
  return {{"address", entry.address},
          {"reason", text_or_null(entry.reason)},
          {"actor", text_or_null(entry.actor)},
          {"created_at", format_rfc3339(entry.created_at)}};
}

}  // namespace

result<std::string> suppressible(std::string_view text) {
  auto address = parse_address(text);
  if (!address || address->local.empty() || address->domain.empty())
    return invalid("must be an address such as user@example.com");
  if (auto domain = domain_to_ascii(address->domain)) address->domain = std::move(*domain);  // not of [192.0.2.1]
  std::string whole = address->str();
  if (whole.size() > storage::kMaxSuppressedAddress)
    return invalid("has at most " + std::to_string(storage::kMaxSuppressedAddress) + " octets");
  return whole;
}

SuppressionsApi::SuppressionsApi(Mailbox& home, const Clock& clock, storage::Store& store, Log& log)
    : home_(home), clock_(clock), store_(store), log_(log) {}

void SuppressionsApi::add_routes(Router& router) {
  router.add({http::verb::get, "/v1/suppressions", Access::admin, kJson, {"limit", "cursor"}, [this](const Request& r) {
                return list(r);
              }});
  router.add(
      {http::verb::post, "/v1/suppressions", Access::admin, kJson, {}, [this](const Request& r) { return add(r); }});
  router.add({http::verb::delete_, "/v1/suppressions/{address}", Access::admin, "", {}, [this](const Request& r) {
                return remove(r);
              }});
}

asio::awaitable<Response> SuppressionsApi::list(const Request& request) {
  const auto limit = number_parameter(request, "limit", 1, kMaxPage);
  if (!limit) co_return problem(ProblemType::invalid_parameter, limit.error().text);
  storage::SuppressionQuery query;
  query.limit = limit->value_or(query.limit);
  query.after = request.parameter("cursor").value_or("");
  auto start = [&](Done<SuppressionPage> done) { store_.list_suppressions(query, std::move(done)); };
  const auto page = co_await net::await_done<SuppressionPage>(home_, start);
  if (!page) co_return problem(page.error());
  json::array entries;
  for (const Suppression& entry : page->entries) entries.emplace_back(to_json(entry));
  json::value next;
  if (page->more && !page->entries.empty()) next = page->entries.back().address;
  co_return json_response({{"suppressions", std::move(entries)}, {"next", std::move(next)}});
}

asio::awaitable<Response> SuppressionsApi::add(const Request& request) {
  Faults faults;
  const auto document = parse_document(request.body, faults);
  if (!document) co_return problem(invalid_fields(std::move(faults)));
  JsonFields fields(*document, "", faults);
  const auto given = fields.text("address");
  const auto address = suppressible(given.value_or(""));
  if (!fields.has("address"))
    fields.fault("address", "must be given");
  else if (given && !address)
    fields.fault("address", address.error().text);
  Suppression entry;
  entry.reason = fields.text("reason", kMaxReasonText).value_or("");
  fields.finish();
  if (!faults.empty()) co_return problem(invalid_fields(std::move(faults)));
  entry.address = *address;
  entry.reason = sanitize_reason_text(entry.reason);
  entry.actor = request.principal.actor;
  entry.created_at = clock_.now();
  auto start = [&](Done<Nothing> done) { store_.put_suppression(entry, std::move(done)); };
  const auto put = co_await net::await_done<Nothing>(home_, start);
  if (!put) co_return problem(put.error());
  log_.info("suppression.added", {{"address", entry.address}, {"reason", entry.reason}, {"by", entry.actor}});
  co_return json_response(to_json(entry), http::status::created);
}

asio::awaitable<Response> SuppressionsApi::remove(const Request& request) {
  const auto address = suppressible(request.captures[0]);
  if (!address) co_return problem(ProblemType::not_found, "this address is not on the list");
  auto start = [&](Done<Nothing> done) { store_.remove_suppression(*address, std::move(done)); };
  const auto removed = co_await net::await_done<Nothing>(home_, start);
  if (!removed) co_return problem(removed.error());
  log_.info("suppression.removed", {{"address", *address}, {"by", request.principal.actor}});
  co_return no_content();
}

}  // namespace postrider::mgmt
