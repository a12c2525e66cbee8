#include "mgmt/schedule_api.h"

#include <algorithm>

#include "mgmt/answers.h"
#include "mgmt/json_fields.h"
#include "mgmt/letter_json.h"
#include "mgmt/media_type.h"
#include "mgmt/message_access.h"
#include "mgmt/message_json.h"
#include "mgmt/problem.h"
#include "net/await.h"
#include "relay/inbound/submission.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// What a PATCH asks for, before the message is known.
struct Amendment {
  std::optional<Time> send_at, expires_at;
  std::optional<Duration> expires_in;
  std::optional<Lane> lane;
};

bool is_null(const json::value& document, std::string_view name) {
  const json::object* object = document.if_object();
  const json::value* value = object == nullptr ? nullptr : object->if_contains(name);
  return value != nullptr && value->is_null();
}

Amendment read_amendment(std::string_view body, Duration max_hold, Time now, Faults& faults) {
  Amendment wanted;
  const auto document = parse_document(body, faults);
  if (!document) return wanted;
  JsonFields fields(*document, "", faults);
  wanted.send_at = fields.time("send_at");
  if (wanted.send_at && *wanted.send_at - now > max_hold)
    fields.fault("send_at", max_hold == Duration::zero()
                                ? "scheduling is switched off here"
                                : "a message is held for at most " + format_duration(max_hold));
  if (const auto lane = fields.text("lane")) {
    wanted.lane = parse_lane(*lane);
    if (!wanted.lane) fields.fault("lane", "must be high, normal or low");
  }
  wanted.expires_at = fields.time("expires_at");
  wanted.expires_in = fields.duration("expires_in");
  if (wanted.expires_at && *wanted.expires_at <= std::max(wanted.send_at.value_or(now), now))
    fields.fault("expires_at", "must be later than now, and than the message is sent");
  const bool takes_expiry_away = is_null(*document, "expires_at") || is_null(*document, "expires_in");
  if ((wanted.expires_at || takes_expiry_away) && wanted.expires_in)
    fields.fault("expires_in", "cannot be given with expires_at");
  if (wanted.expires_in && *wanted.expires_in <= Duration::zero())
    fields.fault("expires_in", "must be a time span such as 10m or 2h");
  if (takes_expiry_away) wanted.expires_at = kNever;
  const bool any = wanted.send_at || wanted.lane || wanted.expires_at || wanted.expires_in;
  fields.finish();
  if (!any && faults.empty()) add_fault(faults, "", "nothing to change: give send_at, lane, expires_at or expires_in");
  return wanted;
}

}  // namespace

void ScheduleApi::add_routes(Router& router) {
  router.add({http::verb::patch, "/v1/messages/{id}", Access::steer, kJson, {}, [this](const Request& r) {
                return amend(r);
              }});
}

// A time to live counts from the release (relay/inbound/steering.h), as when the message was submitted.
asio::awaitable<Response> ScheduleApi::amend(const Request& request) {
  const Time now = clock_.now();
  Faults faults;
  const Amendment wanted = read_amendment(request.body, submission_.max_hold(), now, faults);
  if (!faults.empty()) co_return problem(invalid_fields(std::move(faults)));
  const auto message = co_await find_message(home_, store_, request.captures[0], request.principal);
  if (!message) co_return problem(message.error());

  const Time release = std::max(wanted.send_at.value_or(message->due()), now);
  storage::AmendRequest amendment;
  amendment.id = message->id;
  amendment.actor = request.principal.actor;
  amendment.tenant = confined_to(request.principal).value_or("");
  amendment.send_at = wanted.send_at;
  amendment.lane = wanted.lane;
  amendment.expires_at = wanted.expires_in && release != kNever ? release + *wanted.expires_in : wanted.expires_at;
  amendment.now = now;
  if (amendment.expires_at && release != kNever && *amendment.expires_at <= release) {
    add_fault(faults, "/expires_at", "must be later than the message is sent, " + format_rfc3339(release));
    co_return problem(invalid_fields(std::move(faults)));
  }
  using Amended = std::shared_ptr<MessageRecord>;
  auto start = [&](Done<Amended> done) { store_.amend(std::move(amendment), std::move(done)); };
  const auto amended = co_await net::await_done<Amended>(home_, start);
  if (!amended) co_return problem(amended.error());
  co_return json_response(to_json(**amended));
}

}  // namespace postrider::mgmt
