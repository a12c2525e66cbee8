#include "core/retry.h"

#include <algorithm>
#include <utility>

namespace postrider {
namespace {

Time deadline(const Recipient& recipient, const RetryPolicy& policy) {
  return recipient.age_from + policy.max_age;
}

Duration stretched(Duration interval, double jitter) {
  return interval + Duration(static_cast<std::int64_t>(static_cast<double>(interval.count()) * 0.05 * jitter));
}

// The last word of the upstream stays: a code and a sentence are what the sender of the message can act on.
Reason around(const Reason& last, Cause cause, const std::string& why) {
  Reason reason = last;
  reason.cause = cause;
  reason.text = sanitize_reason_text(last.text.empty() ? why : why + ": " + last.text);
  return reason;
}

Decision give_up(const RecipientOutcome& last, Cause cause, bool spends_try, const std::string& why) {
  Reason reason = around(last.reason, cause, why);
  if (last.kind == OutcomeKind::uncertain) reason.text = sanitize_reason_text(reason.text + "; it may have arrived");
  return {Trigger::give_up, spends_try, Time{}, std::move(reason), route_caused(last.reason)};
}

std::string tries_text(std::uint32_t tries) {
  return "gave up after " + std::to_string(tries) + (tries == 1 ? " try" : " tries");
}

// A try is spent only by asking an upstream that answered, or failed to, in earnest: not by a throttle, not
// by our own end, and not where nobody was asked.
bool spends_try(const Reason& reason) {
  return reason.cause != Cause::throttle && reason.cause != Cause::interrupted && reason.stage != Stage::route;
}

// What throttled is asked again when its pause ends, and so is who is paused where the others cannot take the message. Beside one that
// failed that holds where the pause is over before the next try, or where there is none: no try is the last while somebody has only
// asked to be left alone for a while.
bool waits_for_pause(const Recipient& before, const Reason& reason, const RetryPolicy& policy, Time regular,
                     Time paused_until, Time now) {
  if (paused_until <= now) return false;
  if (reason.cause == Cause::throttle || reason.cause == Cause::capability) return true;
  return reason.cause == Cause::route && (paused_until < regular || before.tries >= policy.retries);
}

}  // namespace

RetryPolicy policy_for(const RetryPolicy& policy, const Envelope& envelope) {
  RetryPolicy out = policy;
  out.retries = envelope.retry.retries.value_or(policy.retries);
  out.retry_interval = envelope.retry.interval.value_or(policy.retry_interval);
  return out;
}

Decision decide(const Recipient& before, const RecipientOutcome& outcome, const RetryPolicy& policy, Time now,
                Time paused_until, double jitter) {
  const Reason& reason = outcome.reason;
  if (outcome.kind == OutcomeKind::sent) return {Trigger::hand_over, true, Time{}, reason};
  if (outcome.kind == OutcomeKind::bounced) return {Trigger::refuse, true, Time{}, reason};

  const Time regular = now + stretched(policy.retry_interval, jitter);
  const bool for_pause = waits_for_pause(before, reason, policy, regular, paused_until, now);
  const bool spends = spends_try(reason) && !for_pause;
  if (outcome.kind == OutcomeKind::uncertain && policy.on_uncertain == OnUncertain::hold)
    return {Trigger::hold, spends, Time{}, reason};
  if (reason.cause == Cause::interrupted && before.interruptions >= policy.max_interruptions)
    return {Trigger::hold, false, Time{},
            around(reason, Cause::policy, "interrupted " + std::to_string(before.interruptions) + " times")};
  if (spends && before.tries >= policy.retries)
    return give_up(outcome, Cause::retries, true, tries_text(before.tries + 1));
  if (too_old(before, policy, now))
    return give_up(outcome, Cause::age, spends, "gave up after " + format_duration(policy.max_age));

  // Never due after the deadline: then and there it is found too old, not a retry interval later.
  const Time wanted = reason.cause == Cause::interrupted ? now : for_pause ? paused_until : regular;
  return {Trigger::defer, spends, std::min(wanted, deadline(before, policy)), reason};
}

bool too_old(const Recipient& recipient, const RetryPolicy& policy, Time now) {
  return now >= deadline(recipient, policy);
}

bool route_caused(const Reason& reason) {
  return reason.cause == Cause::route || reason.cause == Cause::throttle || reason.stage == Stage::route;
}

bool may_have_been_sent(const Recipient& recipient) {
  return recipient.reason.cause == Cause::uncertain || recipient.reason.cause == Cause::interrupted;
}

}  // namespace postrider
