#include "mgmt/upstream_json.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <numeric>

#include "mgmt/json_values.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;
using relay::Health;
using relay::Quota;
using relay::Routes;
using relay::Upstream;

json::value match_json(const UpstreamMatch& match) {
  if (match.empty()) return nullptr;
  const std::pair<const char*, const std::vector<std::string>*> keys[] = {{"sender_domain", &match.sender_domain},
                                                                          {"recipient_domain", &match.recipient_domain},
                                                                          {"lane", &match.lane},
                                                                          {"tag", &match.tag},
                                                                          {"credential", &match.credential}};
  json::object out;
  for (const auto& [name, values] : keys) {
    if (values->empty()) continue;
    json::array list;
    for (const std::string& value : *values) list.emplace_back(value);
    out[name] = std::move(list);
  }
  return out;
}

json::value last_error_json(const Upstream& upstream) {
  const auto failure = upstream.last_failure();
  if (!failure) return nullptr;
  return json::object{{"text", text_or_null(failure->reason.text)},
                      {"stage", to_string(failure->reason.stage)},
                      {"code", code_or_null(failure->reason.code)},
                      {"at", time_or_null(failure->at)}};
}

// "14/s", as it is configured.
std::string rate_text(const Rate& rate) {
  const std::pair<Duration, const char*> units[] = {{std::chrono::seconds(1), "/s"},
                                                    {std::chrono::minutes(1), "/m"},
                                                    {std::chrono::hours(1), "/h"},
                                                    {std::chrono::hours(24), "/d"}};
  for (const auto& [per, unit] : units)
    if (rate.per == per) return std::to_string(rate.count) + unit;
  return std::to_string(rate.count) + "/" + format_duration(rate.per);
}

// `full_until`: when the next one may go; null: now.
json::value rate_json(const Upstream& upstream, Time now) {
  if (!upstream.rate().limited()) return nullptr;
  const Time next = upstream.rate().at(now);
  return json::object{{"limit", rate_text(upstream.config().rate)},
                      {"full_until", time_or_null(next > now ? next : Time{})}};
}

json::value quota_json(const Quota& quota) {
  if (!quota.limited()) return nullptr;
  return json::object{{"limit", quota.limit()},
                      {"used", quota.used()},
                      {"left", quota.left()},
                      {"renewed_at", time_or_null(quota.period_end())}};
}

json::value quotas_json(const Upstream& upstream) {
  if (!upstream.day().limited() && !upstream.month().limited()) return nullptr;
  return json::object{{"day", quota_json(upstream.day())}, {"month", quota_json(upstream.month())}};
}

json::object attempts_json(const Upstream& upstream) {
  const Upstream::Tally tally = upstream.tally();
  json::object out;
  for (const OutcomeKind kind :
       {OutcomeKind::sent, OutcomeKind::deferred, OutcomeKind::bounced, OutcomeKind::uncertain})
    out[to_string(kind)] = tally.attempts[static_cast<std::size_t>(kind)];
  return out;
}

json::object recent_json(const Upstream& upstream, Time now) {
  const relay::FailureWindow::Counts counts = upstream.recent(now);
  return {{"hand_overs", counts.all},
          {"failed", counts.failed},
          {"window_s", std::chrono::duration_cast<std::chrono::seconds>(upstream.policy().open_window).count()}};
}

json::value preferred_json(const Routes& routes, const std::string& name) {
  const std::optional<relay::Preferred> preferred = routes.preference().get();
  return preferred && preferred->upstream == name ? preference_json(routes) : json::value(nullptr);
}

json::value count_or_null(std::uint32_t count) {
  return count == 0 ? json::value(nullptr) : json::value(count);
}

}  // namespace

std::string_view state_of(const Upstream& upstream, Time now) {
  if (upstream.stopped()) return "stopped";
  if (upstream.health() != Health::closed) return "out of service";
  if (upstream.quota(now) == Quota::Leave::used_up) return "quota used up";
  return upstream.paused(now) ? "paused" : "in service";
}

json::object upstream_json(const Routes& routes, std::size_t index, std::uint64_t waiting, Time now) {
  const Upstream& upstream = routes.at(index);
  const UpstreamConfig& config = upstream.config();
  return {
      {"name", upstream.name()},
      {"type", to_string(config.type)},
      {"priority", config.priority},
      {"weight", config.weight},
      {"match", match_json(config.match)},
      {"lossy", is_lossy(config.type)},
      {"guarded", !config.guard.empty()},
      {"state", state_of(upstream, now)},
      {"health", relay::to_string(upstream.health())},
      {"in_service", upstream.in_service(now)},
      {"paused_until", time_or_null(upstream.paused(now) ? upstream.paused_until() : Time{})},
      {"stopped", upstream.stopped()},
      {"preferred", preferred_json(routes, upstream.name())},
      {"last_error", last_error_json(upstream)},
      {"connections", json::object{{"in_use", upstream.connections().used()}, {"max", upstream.connections().limit()}}},
      {"in_flight", upstream.in_flight()},
      {"stalled", upstream.stalled()},
      {"rate", rate_json(upstream, now)},
      {"quota", quotas_json(upstream)},
      {"attempts", attempts_json(upstream)},
      {"recent", recent_json(upstream, now)},
      {"waiting", waiting}};
}

json::value preference_json(const Routes& routes) {
  const std::optional<relay::Preferred> preferred = routes.preference().get();
  if (!preferred) return nullptr;
  json::object out{{"upstream", preferred->upstream},
                   {"percent", count_or_null(preferred->percent)},
                   {"messages", count_or_null(preferred->messages)},
                   {"by", text_or_null(preferred->by)},
                   {"since", time_or_null(preferred->since)},
                   {"score", nullptr}};
  if (!preferred->canary()) return out;
  const relay::Preference::Score score = routes.preference().score();
  out["score"] = json::object{{"here", score.here},
                              {"here_failed", score.here_failed},
                              {"elsewhere", score.elsewhere},
                              {"elsewhere_failed", score.elsewhere_failed}};
  return out;
}

std::vector<std::size_t> asking_order(const Routes& routes) {
  std::vector<std::size_t> order(routes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::optional<relay::Preferred> preferred = routes.preference().get();
  const auto rank = [&](std::size_t i) {
    const bool first = preferred && !preferred->canary() && preferred->upstream == routes.at(i).name();
    return std::pair(!first, routes.at(i).config().priority);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  return order;
}

json::object test_json(const std::string& upstream, const std::optional<Attempt>& attempt, Duration limit) {
  if (!attempt)
    return {{"upstream", upstream},
            {"ok", false},
            {"stage", nullptr},
            {"cause", nullptr},
            {"code", nullptr},
            {"enhanced_code", nullptr},
            {"text", "no answer within " + format_duration(limit)},
            {"peer", nullptr},
            {"tls", nullptr},
            {"started_at", nullptr},
            {"duration_ms", limit.count()}};
  return {{"upstream", upstream},
          {"ok", attempt->outcome == OutcomeKind::sent},
          {"stage", to_string(attempt->stage)},
          {"cause", to_string(attempt->reason.cause)},
          {"code", code_or_null(attempt->reason.code)},
          {"enhanced_code", text_or_null(attempt->reason.enhanced)},
          {"text", text_or_null(attempt->reason.text)},
          {"peer", text_or_null(attempt->peer)},
          {"tls", text_or_null(attempt->tls)},
          {"started_at", format_rfc3339(attempt->started_at)},
          {"duration_ms", attempt->duration_ms}};
}

}  // namespace postrider::mgmt
