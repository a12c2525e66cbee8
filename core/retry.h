// The retry rules of Postrider, pure: what becomes of a recipient after an attempt. No clock, no dice: both are given.
#pragma once

#include "core/message.h"

namespace postrider {

enum class OnUncertain : std::uint8_t { retry, hold };

struct RetryPolicy {
  std::uint32_t retries = 3;  // tries after the first
  Duration retry_interval = std::chrono::minutes(10);
  Duration max_age = std::chrono::hours(24 * 5);  // from Recipient::age_from
  OnUncertain on_uncertain = OnUncertain::retry;
  std::uint32_t max_interruptions = 3;  // crashes of ours after which a message is held
};

// The policy with what the message asked for in its place. Its bounds were kept when it was submitted.
RetryPolicy policy_for(const RetryPolicy& policy, const Envelope& envelope);

struct Decision {
  Trigger trigger = Trigger::defer;
  bool spends_try = true;
  Time due{};                 // with defer
  Reason reason;              // final reason: the outcome's, or `retries`/`age` around it
  bool route_caused = false;  // with give_up: the upstream was at fault, not the recipient or the message
};

// `jitter` in [0,1): stretches the interval by 0 to 5 %. `paused_until`: when the first upstream that has only asked to slow down may be
// asked again; zero: there is none. A throttle never spends a try: it waits until then, or one retry interval. A route failure
// waits until then, unspent, where that is sooner than the next try; so does the last try, which otherwise becomes give_up.
Decision decide(const Recipient& before, const RecipientOutcome& outcome, const RetryPolicy& policy, Time now,
                Time paused_until, double jitter);

// The upstream is at fault, or there was none: what failed for this may be brought back when a route works again.
bool route_caused(const Reason& reason);

// True when nothing more may be tried: age_from + max_age has passed.
bool too_old(const Recipient& recipient, const RetryPolicy& policy, Time now);

// The last hand-over was cut off and may have reached its goal: asking somebody else would make a second message for certain.
bool may_have_been_sent(const Recipient& recipient);

}  // namespace postrider
