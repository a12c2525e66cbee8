// What the dispatchers count. Made once at start, shared by all relay threads; bumping is a relaxed atomic.
#pragma once

#include <functional>
#include <memory>

#include "core/clock.h"
#include "core/message.h"
#include "core/metrics.h"
#include "relay/outbound/routes.h"

namespace postrider::relay {

class DispatchMetrics {
 public:
  explicit DispatchMetrics(MetricsRegistry& registry);

  void sent(Duration since_accept) { accept_to_sent_.observe(static_cast<double>(since_accept.count()) / 1000.0); }
  // What became of one recipient at the end of a claim; triggers that are neither of the four count nowhere.
  void settled(Trigger trigger);
  void in_flight(int change) { in_flight_.add(change); }

 private:
  Counter &sent_, &deferred_, &bounced_, &failed_;
  Gauge& in_flight_;
  Histogram& accept_to_sent_;
};

// What is known of each upstream; `routes` gives those of the moment.
void add_upstream_metrics(MetricsRegistry& registry, const Clock& clock,
                          std::function<std::shared_ptr<const Routes>()> routes);

}  // namespace postrider::relay
