// How many of the waiting messages another preference would move: what `prefer` with dry_run answers. From the same questions to
// Routes that a dispatcher asks; takes nothing and changes nothing. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "mgmt/upstream_waiting.h"

namespace postrider::mgmt {

// What a canary is given: a share of messages, or a number of them first. Both 0: all mail at once.
struct Canary {
  std::uint32_t percent = 0, messages = 0;
};
// "5%" (1% to 99%) or "100".
result<Canary> parse_canary(std::string_view text);

struct Forecast {
  struct Count {
    std::uint64_t waiting = 0;     // all
    std::uint64_t eligible = 0;    // of those, which the upstream may take
    std::uint64_t would_move = 0;  // of those, whose present first choice is another
  };
  std::array<Count, kLanes> lanes;
  Count all() const;
};
Forecast forecast(const relay::Routes& routes, const WaitingMail& mail, std::size_t upstream, Canary canary, Time now);

boost::json::object to_json(const Forecast& forecast, const relay::Upstream& upstream, Canary canary, Time now);

}  // namespace postrider::mgmt
