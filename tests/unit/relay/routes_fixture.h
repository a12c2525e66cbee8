// What the tests of routes and of a single upstream share: plain configurations, and a moment.
#pragma once

#include <string>
#include <vector>

#include "relay/outbound/routes.h"

namespace postrider::relay {

inline const Time kNow = from_ms(1'800'000'000'000);
inline const Reason kRefused{Cause::route, Stage::connect, 0, "", "connection refused"};

inline UpstreamConfig upstream_config(const std::string& name, std::uint32_t priority = 1, std::uint32_t weight = 1) {
  UpstreamConfig config;
  config.name = name;
  config.priority = priority;
  config.weight = weight;
  return config;
}

// What the keeper does: the period of kNow, with `used` of it.
inline void begin_day(Quota& quota, std::uint64_t used = 0) {
  quota.begin_period(kNow - std::chrono::hours(12), kNow + std::chrono::hours(12), used);
  quota.grant(quota.wanted_mark());
}

}  // namespace postrider::relay
