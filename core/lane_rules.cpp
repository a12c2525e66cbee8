#include "core/lane_rules.h"

#include <algorithm>

#include "core/route_match.h"

namespace postrider {

Lane lane_by_rule(std::span<const LaneRule> rules, const Envelope& envelope, std::span<const Recipient> recipients) {
  const auto fits = [&](const LaneRule& rule) {
    return std::any_of(recipients.begin(), recipients.end(),
                       [&](const Recipient& recipient) { return matches(rule.match, envelope, recipient); });
  };
  const auto rule = std::find_if(rules.begin(), rules.end(), fits);
  return rule == rules.end() ? Lane::normal : rule->lane;
}

}  // namespace postrider
