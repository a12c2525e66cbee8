// The operator's rules for mail whose submitter named no lane: [[lane]]. Pure; asked once for each message, by the submission, so it
// looks at the message as it will be routed: aliases resolved, recipients redirected.
#pragma once

#include <span>

#include "core/message.h"
#include "core/upstream_config.h"

namespace postrider {

struct LaneRule {
  Lane lane = Lane::normal;
  UpstreamMatch match;  // without `lane`
  bool operator==(const LaneRule&) const = default;
};

// The lane of the first rule that fits one of the recipients; normal if none does.
Lane lane_by_rule(std::span<const LaneRule> rules, const Envelope& envelope, std::span<const Recipient> recipients);

}  // namespace postrider
