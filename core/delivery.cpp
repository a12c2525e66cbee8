#include "core/delivery.h"

#include <array>

namespace postrider {
namespace {

constexpr auto kForbidden = std::nullopt;

// One function a state, in the order of the life of a recipient. What is not listed with a target is
// forbidden; the switches have no `default:`, so that a new trigger does not compile until every state has an
// answer for it.

std::optional<RecipientState> from_queued(Trigger trigger) {
  switch (trigger) {
    case Trigger::claim:
      return RecipientState::sending;
    case Trigger::hold:
      return RecipientState::held;
    case Trigger::retry:
      return RecipientState::queued;  // a scheduled one becomes due now
    case Trigger::cancel:
      return RecipientState::cancelled;
    case Trigger::expire:
      return RecipientState::expired;
    case Trigger::suppress:
      return RecipientState::suppressed;
    case Trigger::give_up:
      return RecipientState::failed;  // too old before anybody could be asked
    case Trigger::unclaim:            // only a claim can be taken back
    case Trigger::hand_over:          // outcomes belong to an attempt, and an attempt to a claim
    case Trigger::defer:
    case Trigger::refuse:
    case Trigger::release:  // nothing holds it
    case Trigger::revive:
    case Trigger::confirm_delivery:  // no provider has seen it
    case Trigger::report_bounce:
      return kForbidden;
  }
  return kForbidden;
}

std::optional<RecipientState> from_sending(Trigger trigger) {
  switch (trigger) {
    case Trigger::unclaim:
      return RecipientState::queued;
    case Trigger::hand_over:
      return RecipientState::sent;
    case Trigger::defer:
      return RecipientState::deferred;
    case Trigger::refuse:
      return RecipientState::bounced;
    case Trigger::give_up:
      return RecipientState::failed;
    // While the attempt runs these two are only marked on the record; the settle applies them.
    case Trigger::hold:
      return RecipientState::held;
    case Trigger::cancel:
      return RecipientState::cancelled;
    case Trigger::claim:  // two claimers never both get a recipient
    case Trigger::release:
    case Trigger::retry:   // it is being tried
    case Trigger::expire:  // waits for the attempt: the upstream may have taken it
    case Trigger::suppress:
    case Trigger::revive:
    case Trigger::confirm_delivery:  // the settle comes first, then what the provider says
    case Trigger::report_bounce:
      return kForbidden;
  }
  return kForbidden;
}

std::optional<RecipientState> from_deferred(Trigger trigger) {
  switch (trigger) {
    case Trigger::claim:
      return RecipientState::sending;
    case Trigger::hold:
      return RecipientState::held;
    case Trigger::retry:
      return RecipientState::queued;
    case Trigger::cancel:
      return RecipientState::cancelled;
    case Trigger::expire:
      return RecipientState::expired;
    case Trigger::suppress:
      return RecipientState::suppressed;
    case Trigger::give_up:
      return RecipientState::failed;
    case Trigger::unclaim:
    case Trigger::hand_over:
    case Trigger::defer:
    case Trigger::refuse:
    case Trigger::release:
    case Trigger::revive:
    case Trigger::confirm_delivery:
    case Trigger::report_bounce:
      return kForbidden;
  }
  return kForbidden;
}

std::optional<RecipientState> from_held(Trigger trigger) {
  switch (trigger) {
    case Trigger::release:
    case Trigger::retry:
      return RecipientState::queued;
    case Trigger::cancel:
      return RecipientState::cancelled;
    case Trigger::expire:
      return RecipientState::expired;
    case Trigger::claim:  // held means that nobody is asked
    case Trigger::unclaim:
    case Trigger::hand_over:
    case Trigger::defer:
    case Trigger::refuse:
    case Trigger::give_up:   // whoever holds it decides; max_age does not run against an operator
    case Trigger::hold:      // it is held
    case Trigger::suppress:  // looked up when due, and a held recipient is not due
    case Trigger::revive:
    case Trigger::confirm_delivery:
    case Trigger::report_bounce:
      return kForbidden;
  }
  return kForbidden;
}

// sent and delivered: responsibility is with the upstream. Nothing of ours moves it any more, only its own
// reports.
std::optional<RecipientState> from_handed_over(RecipientState from, Trigger trigger) {
  switch (trigger) {
    case Trigger::confirm_delivery:
      if (from == RecipientState::delivered) return kForbidden;  // a repeated report changes nothing
      return RecipientState::delivered;
    case Trigger::report_bounce:
      return RecipientState::bounced;
    case Trigger::claim:
    case Trigger::unclaim:
    case Trigger::hand_over:
    case Trigger::defer:
    case Trigger::refuse:
    case Trigger::give_up:
    case Trigger::hold:
    case Trigger::release:
    case Trigger::retry:  // would make a second copy
    case Trigger::cancel:
    case Trigger::expire:
    case Trigger::suppress:
    case Trigger::revive:
      return kForbidden;
  }
  return kForbidden;
}

std::optional<RecipientState> from_failed(Trigger trigger) {
  switch (trigger) {
    case Trigger::release:
    case Trigger::retry:
    case Trigger::revive:
      return RecipientState::queued;
    case Trigger::cancel:
      return RecipientState::cancelled;
    case Trigger::claim:  // parked: somebody or the revival puts it back into the queue first
    case Trigger::unclaim:
    case Trigger::hand_over:
    case Trigger::defer:
    case Trigger::refuse:
    case Trigger::give_up:
    case Trigger::hold:
    case Trigger::expire:
    case Trigger::suppress:
    case Trigger::confirm_delivery:
    case Trigger::report_bounce:
      return kForbidden;
  }
  return kForbidden;
}

std::optional<RecipientState> from_suppressed(Trigger trigger) {
  switch (trigger) {
    case Trigger::release:
      return RecipientState::queued;  // after its entry was removed from the list
    case Trigger::claim:
    case Trigger::unclaim:
    case Trigger::hand_over:
    case Trigger::defer:
    case Trigger::refuse:
    case Trigger::give_up:
    case Trigger::hold:
    case Trigger::retry:  // the list still stands; only a release says that somebody looked
    case Trigger::cancel:
    case Trigger::expire:
    case Trigger::suppress:
    case Trigger::revive:
    case Trigger::confirm_delivery:
    case Trigger::report_bounce:
      return kForbidden;
  }
  return kForbidden;
}

// What a message's own state is, when its recipients differ: work to be done first, then trouble, then
// success.
constexpr std::array<RecipientState, kRecipientStates> kPrecedence = {
    RecipientState::sending,   RecipientState::queued,  RecipientState::deferred,   RecipientState::held,
    RecipientState::failed,    RecipientState::bounced, RecipientState::suppressed, RecipientState::expired,
    RecipientState::cancelled, RecipientState::sent,    RecipientState::delivered};

}  // namespace

std::optional<RecipientState> transition(RecipientState from, Trigger trigger) {
  switch (from) {
    case RecipientState::queued:
      return from_queued(trigger);
    case RecipientState::sending:
      return from_sending(trigger);
    case RecipientState::deferred:
      return from_deferred(trigger);
    case RecipientState::held:
      return from_held(trigger);
    case RecipientState::sent:
    case RecipientState::delivered:
      return from_handed_over(from, trigger);
    case RecipientState::failed:
      return from_failed(trigger);
    case RecipientState::suppressed:
      return from_suppressed(trigger);
    case RecipientState::bounced:    // the refusal is final; a corrected message is a new one
    case RecipientState::expired:    // its sender said that it is worthless now
    case RecipientState::cancelled:  // its sender was told that it will not be sent
      return kForbidden;
  }
  return kForbidden;
}

bool is_live(RecipientState state) {
  switch (state) {
    case RecipientState::queued:
    case RecipientState::sending:
    case RecipientState::deferred:
    case RecipientState::held:
      return true;
    case RecipientState::sent:
    case RecipientState::delivered:
    case RecipientState::bounced:
    case RecipientState::failed:
    case RecipientState::expired:
    case RecipientState::cancelled:
    case RecipientState::suppressed:
      return false;
  }
  return false;
}

RecipientState derive_message_state(std::span<const RecipientState> states) {
  unsigned seen = 0;
  for (const RecipientState state : states) seen |= 1u << static_cast<unsigned>(state);
  for (const RecipientState state : kPrecedence)
    if (seen & 1u << static_cast<unsigned>(state)) return state;
  return RecipientState::queued;
}

std::string_view to_string(RecipientState state) {
  switch (state) {
    case RecipientState::queued:
      return "queued";
    case RecipientState::sending:
      return "sending";
    case RecipientState::deferred:
      return "deferred";
    case RecipientState::held:
      return "held";
    case RecipientState::sent:
      return "sent";
    case RecipientState::delivered:
      return "delivered";
    case RecipientState::bounced:
      return "bounced";
    case RecipientState::failed:
      return "failed";
    case RecipientState::expired:
      return "expired";
    case RecipientState::cancelled:
      return "cancelled";
    case RecipientState::suppressed:
      return "suppressed";
  }
  return "unknown";
}

std::optional<RecipientState> parse_recipient_state(std::string_view text) {
  for (const RecipientState state : kPrecedence)
    if (to_string(state) == text) return state;
  return std::nullopt;
}

std::string_view to_string(Trigger trigger) {
  switch (trigger) {
    case Trigger::claim:
      return "claim";
    case Trigger::unclaim:
      return "unclaim";
    case Trigger::hand_over:
      return "hand_over";
    case Trigger::defer:
      return "defer";
    case Trigger::refuse:
      return "refuse";
    case Trigger::give_up:
      return "give_up";
    case Trigger::hold:
      return "hold";
    case Trigger::release:
      return "release";
    case Trigger::retry:
      return "retry";
    case Trigger::cancel:
      return "cancel";
    case Trigger::expire:
      return "expire";
    case Trigger::suppress:
      return "suppress";
    case Trigger::revive:
      return "revive";
    case Trigger::confirm_delivery:
      return "confirm_delivery";
    case Trigger::report_bounce:
      return "report_bounce";
  }
  return "unknown";
}

}  // namespace postrider
