#include "relay/outbound/dispatch_metrics.h"

#include <string>

namespace postrider::relay {

namespace {

constexpr std::array<OutcomeKind, 4> kOutcomes{OutcomeKind::sent, OutcomeKind::deferred, OutcomeKind::bounced,
                                               OutcomeKind::uncertain};
const std::vector<double> kDeliveryBounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,  1,
                                          2.5,   5,    10,    60,   600, 3600, 86400};

Counter& recipients(MetricsRegistry& registry, const char* result) {
  return registry.counter("postrider_recipients_total", "Recipients by what a try made of them",
                          "result=\"" + std::string(result) + "\"");
}

}  // namespace

DispatchMetrics::DispatchMetrics(MetricsRegistry& registry)
    : sent_(recipients(registry, "sent")),
      deferred_(recipients(registry, "deferred")),
      bounced_(recipients(registry, "bounced")),
      failed_(recipients(registry, "failed")),
      in_flight_(registry.gauge("postrider_in_flight_messages", "Messages being handed over now")),
      accept_to_sent_(registry.histogram("postrider_delivery_seconds",
                                         "Time from accepting a message to an upstream taking it", kDeliveryBounds)) {}

void DispatchMetrics::settled(Trigger trigger) {
  if (trigger == Trigger::hand_over) sent_.add();
  if (trigger == Trigger::defer) deferred_.add();
  if (trigger == Trigger::refuse) bounced_.add();
  if (trigger == Trigger::give_up) failed_.add();
}

void add_upstream_metrics(MetricsRegistry& registry, const Clock& clock,
                          std::function<std::shared_ptr<const Routes>()> routes) {
  const auto family = [&](MetricKind kind, const char* name, const char* help, auto value) {
    registry.computed_family(kind, name, help, [routes, value] {
      MetricsRegistry::Samples samples;
      const std::shared_ptr<const Routes> now = routes();
      for (std::size_t i = 0; i < now->size(); ++i)
        samples.emplace_back("upstream=\"" + now->at(i).name() + "\"", value(now->at(i)));
      return samples;
    });
  };
  registry.computed_family(
      MetricKind::counter, "postrider_attempts_total", "Attempts by upstream and outcome", [routes] {
        MetricsRegistry::Samples samples;
        const std::shared_ptr<const Routes> now = routes();
        for (std::size_t i = 0; i < now->size(); ++i) {
          const Upstream::Tally tally = now->at(i).tally();
          for (const OutcomeKind outcome : kOutcomes) {
            samples.emplace_back(
                "upstream=\"" + now->at(i).name() + "\",outcome=\"" + std::string(to_string(outcome)) + "\"",
                static_cast<double>(tally.attempts[static_cast<std::size_t>(outcome)]));
          }
        }
        return samples;
      });
  family(MetricKind::gauge, "postrider_upstream_in_service", "1 while the upstream is asked for every due message.",
         [&clock](const Upstream& upstream) { return upstream.in_service(clock.now()) ? 1.0 : 0.0; });
  family(MetricKind::gauge, "postrider_upstream_in_flight", "Attempts under way at the upstream.",
         [](const Upstream& upstream) { return double(upstream.in_flight()); });
  family(MetricKind::counter, "postrider_upstream_route_failures_total",
         "Attempts that failed by the upstream's fault.",
         [](const Upstream& upstream) { return double(upstream.tally().route_failures); });
  family(MetricKind::counter, "postrider_upstream_throttles_total", "Times that the upstream asked to slow down.",
         [](const Upstream& upstream) { return double(upstream.tally().throttles); });
  family(MetricKind::gauge, "postrider_upstream_quota_left", "Recipients left of the day's quota; -1 without one.",
         [](const Upstream& upstream) { return upstream.day().limited() ? double(upstream.day().left()) : -1.0; });
}

}  // namespace postrider::relay
