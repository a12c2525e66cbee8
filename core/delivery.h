// The states of a recipient and every transition between them: pure, total, the only place that knows.
// docs/spool.md has the table with the reasons for what is forbidden.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace postrider {

enum class RecipientState : std::uint8_t {
  queued,
  sending,
  deferred,
  held,  // live
  sent,
  delivered,
  bounced,
  failed,
  expired,
  cancelled,
  suppressed,  // final
};
inline constexpr int kRecipientStates = 11;

enum class Trigger : std::uint8_t {
  claim,             // the dispatcher takes it for an attempt
  unclaim,           // stopped before any contact was made
  hand_over,         // an upstream took responsibility
  defer,             // try again later
  refuse,            // permanent refusal of recipient or content
  give_up,           // retries or age used up
  hold,              // operator or policy
  release,           // operator: held, failed, suppressed -> queued
  retry,             // operator: due now
  cancel,            // by request
  expire,            // its own time to live passed
  suppress,          // on the suppression list
  revive,            // the route works again after failures it caused
  confirm_delivery,  // provider event
  report_bounce,     // provider event
};
inline constexpr int kTriggers = 15;

bool is_live(RecipientState);
std::string_view to_string(RecipientState);
std::optional<RecipientState> parse_recipient_state(std::string_view);
std::string_view to_string(Trigger);

// The state after `trigger`, or nothing where that is forbidden. Total: defined for every pair.
std::optional<RecipientState> transition(RecipientState from, Trigger trigger);

// A message's own state: the first of sending, queued, deferred, held, failed, bounced, suppressed, expired, cancelled,
// sent, delivered that any recipient has. `states` must not be empty.
RecipientState derive_message_state(std::span<const RecipientState> states);

}  // namespace postrider
