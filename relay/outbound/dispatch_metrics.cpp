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

DispatchMetrics::DispatchMetrics(MetricsRegistry& registry, const Routes& routes)
    : sent_(recipients(registry, "sent")),
      deferred_(recipients(registry, "deferred")),
      bounced_(recipients(registry, "bounced")),
      failed_(recipients(registry, "failed")),
      in_flight_(registry.gauge("postrider_in_flight_messages", "Messages being handed over now")),
      accept_to_sent_(registry.histogram("postrider_delivery_seconds",
                                         "Time from accepting a message to an upstream taking it", kDeliveryBounds)) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    auto& of_upstream = attempts_.emplace_back();
    for (const OutcomeKind outcome : kOutcomes) {
      const std::string labels =
          "upstream=\"" + routes.at(i).config().name + "\",outcome=\"" + std::string(to_string(outcome)) + "\"";
      of_upstream[static_cast<std::size_t>(outcome)] =
          &registry.counter("postrider_attempts_total", "Attempts by upstream and outcome", labels);
    }
  }
}

void DispatchMetrics::settled(Trigger trigger) {
  if (trigger == Trigger::hand_over) sent_.add();
  if (trigger == Trigger::defer) deferred_.add();
  if (trigger == Trigger::refuse) bounced_.add();
  if (trigger == Trigger::give_up) failed_.add();
}

}  // namespace postrider::relay
