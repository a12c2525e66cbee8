// Upstreams as JSON: state, limits, counts, the operator's preference, and what a test found. What is shown is named here; no key or
// password is. Reads atomics of the upstreams, which go on changing meanwhile. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/outbound/routes.h"

namespace postrider::mgmt {

// "in service", "out of service" (by its failures), "paused" (it asked to), "stopped" (by an operator), "quota used up".
std::string_view state_of(const relay::Upstream& upstream, Time now);

// `waiting`: messages in the spool that may go there.
boost::json::object upstream_json(const relay::Routes& routes, std::size_t upstream, std::uint64_t waiting, Time now);
// The hot swap in force, with the score of a canary; null: none.
boost::json::value preference_json(const relay::Routes& routes);
// Indexes as they are asked: the preferred one, then by priority, then as configured.
std::vector<std::size_t> asking_order(const relay::Routes& routes);

// `attempt` nothing: there was no answer in time.
boost::json::object test_json(const std::string& upstream, const std::optional<Attempt>& attempt, Duration limit);

}  // namespace postrider::mgmt
