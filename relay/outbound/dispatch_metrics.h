// What the dispatchers count. Made once at start, shared by all relay threads; bumping is a relaxed atomic.
#pragma once

#include <array>
#include <vector>

#include "core/message.h"
#include "core/metrics.h"
#include "relay/outbound/routes.h"

namespace postrider::relay {

class DispatchMetrics {
 public:
  DispatchMetrics(MetricsRegistry& registry, const Routes& routes);

  void attempted(std::size_t upstream, OutcomeKind outcome) {
    attempts_[upstream][static_cast<std::size_t>(outcome)]->add();
  }
  void sent(Duration since_accept) { accept_to_sent_.observe(static_cast<double>(since_accept.count()) / 1000.0); }
  // What became of one recipient at the end of a claim; triggers that are neither of the four count nowhere.
  void settled(Trigger trigger);
  void in_flight(int change) { in_flight_.add(change); }

 private:
  std::vector<std::array<Counter*, 4>> attempts_;  // by upstream, then OutcomeKind
  Counter &sent_, &deferred_, &bounced_, &failed_;
  Gauge& in_flight_;
  Histogram& accept_to_sent_;
};

}  // namespace postrider::relay
