#include "mgmt/stats_api.h"

#include <cmath>

#include "mgmt/answers.h"
#include "mgmt/media_type.h"
#include "mgmt/message_json.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// Which metric says what. A member is the sum of all series of that name whose labels contain the text.
struct CountRow {
  const char* member;
  const char* metric;
  const char* label;
  const char* also = nullptr;  // another metric that counts with it
};
constexpr CountRow kAccepted{"accepted", "postrider_smtp_messages_total", "", "postrider_http_messages_total"};
constexpr CountRow kSent{"sent", "postrider_recipients_total", "result=\"sent\""};
constexpr CountRow kCountRows[] = {kAccepted,
                                   kSent,
                                   {"deferred", "postrider_recipients_total", "result=\"deferred\""},
                                   {"bounced", "postrider_recipients_total", "result=\"bounced\""},
                                   {"failed", "postrider_recipients_total", "result=\"failed\""},
                                   {"attempts", "postrider_attempts_total", ""},
                                   {"attempts_uncertain", "postrider_attempts_total", "outcome=\"uncertain\""},
                                   {"connections", "postrider_smtp_connections_total", ""},
                                   {"connections_refused", "postrider_smtp_refused_connections_total", ""},
                                   {"logins_refused", "postrider_smtp_failed_logins_total", ""}};

std::uint64_t total(const MetricsRegistry& metrics, const CountRow& row) {
  return metrics.total(row.metric, row.label) + (row.also ? metrics.total(row.also, row.label) : 0);
}

json::value rounded(const std::optional<double>& rate) {
  return rate ? json::value(std::round(*rate * 100.0) / 100.0) : json::value(nullptr);
}

json::object rates_json(const RateMeter& meter, std::uint64_t count, Duration now) {
  return {{"one_minute", rounded(meter.per_second(count, now, std::chrono::minutes(1)))},
          {"five_minutes", rounded(meter.per_second(count, now, std::chrono::minutes(5)))}};
}

}  // namespace

StatsApi::StatsApi(const Clock& clock, std::unique_ptr<Alarm> alarm, const storage::Store& store,
                   const MetricsRegistry& metrics, DaemonFacts facts)
    : clock_(clock), alarm_(std::move(alarm)), store_(store), metrics_(metrics), facts_(std::move(facts)) {}

void StatsApi::add_routes(Router& router) {
  router.add({http::verb::get, "/v1/stats", Access::admin, kJson, {}, [this](const Request& r) { return show(r); }});
}

void StatsApi::start() {
  started_at_ = clock_.now();
  started_ = clock_.monotonic();
  sample();
}

void StatsApi::stop() {
  alarm_->cancel();
}

void StatsApi::sample() {
  const Duration now = clock_.monotonic();
  accepted_.sample(total(metrics_, kAccepted), now);
  sent_.sample(total(metrics_, kSent), now);
  alarm_->set(clock_.now() + RateMeter::kInterval, [this] { sample(); });
}

asio::awaitable<Response> StatsApi::show(const Request&) {
  const Duration now = clock_.monotonic();
  json::object counts;
  for (const CountRow& row : kCountRows) counts[row.member] = total(metrics_, row);
  const std::uint64_t accepted = total(metrics_, kAccepted);
  const std::uint64_t sent = total(metrics_, kSent);
  co_return json_response(
      {{"version", facts_.version},
       {"hostname", facts_.hostname},
       {"started_at", format_rfc3339(started_at_)},
       {"uptime_seconds", (now - started_).count() / 1000},
       {"threads", json::object{{"relay", facts_.relay_threads}}},
       {"log_dropped_lines", facts_.log_dropped ? json::value(facts_.log_dropped()) : json::value(nullptr)},
       {"since_start", std::move(counts)},
       {"per_second",
        json::object{{"accepted", rates_json(accepted_, accepted, now)}, {"sent", rates_json(sent_, sent, now)}}},
       {"spool", to_json(store_.stats())}});
}

}  // namespace postrider::mgmt
