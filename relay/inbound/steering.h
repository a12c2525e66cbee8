// What a submitter asks for beyond the envelope: lane, time, expiry, retries, tags. It comes from MAIL parameters, from an API, or
// from X-Postrider-* header fields, which are read here. Pure; the header editor takes the fields out, whoever wrote them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/message.h"
#include "core/result.h"
#include "core/time.h"
#include "relay/smtp/header_scanner.h"

namespace postrider::relay {

struct SteeringBounds {
  Duration max_hold = std::chrono::hours(24 * 7);  // before the first try; zero: no message is scheduled
  std::uint32_t max_retries = 100;
  Duration min_retry_interval = std::chrono::seconds(10);
  Duration max_retry_interval = std::chrono::hours(24 * 7);
};

struct Steering {
  std::optional<Lane> lane;  // not named: by the operator's rules
  Duration hold_for{};       // from acceptance; zero: no wait. Not with send_at
  Time send_at{};            // zero: no appointed time. One that has passed means now
  Duration expires_in{};     // from acceptance or release, whichever is later; zero: lives as long as delivery.max_age
  MessageRetry retry;
  std::vector<std::string> tags;  // at most kMaxTags of kMaxTagOctets, each once
};

// The X-Postrider-* fields among `fields`: what they say takes the place of what `steering` said, tags are added. Names that are
// not known ask for nothing. The fault names the field and what it may be, in printable ASCII: it becomes a reply.
result<void> read_steering(std::span<const smtp::HeaderField> fields, const SteeringBounds& bounds, Time now,
                           Steering& steering);

// Why a message cannot be held as long as that, or nothing.
std::optional<std::string> too_long_held(const Steering& steering, Duration max_hold, Time now);

Lane lane_of_priority(int priority);  // MT-PRIORITY, RFC 6710 3.
Time release_time(const Steering& steering, Time accepted);
Time expiry_time(const Steering& steering, Time accepted);  // kNever: none of its own

}  // namespace postrider::relay
