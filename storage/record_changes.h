// What the rules of the verbs have in common: how a recipient arrives in a state, which event tells of it, and when a body
// goes. Pure, over one MessageRecord; for storage/record_rules and storage/expiry_rules only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/message.h"

namespace postrider::storage {

Event make_event(const MessageRecord& record, EventType type, Time now);
// With the recipient's own reason.
Event recipient_event(const MessageRecord& record, std::uint32_t recipient, EventType type, Time now);

// When the events from `first` on say the same of every recipient, one of them says it for all: most messages
// have one recipient, and a newsletter of a thousand that fails as a whole should not cost a thousand rows.
void say_once(std::vector<Event>& events, std::size_t first, const MessageRecord& record);

// The event that tells of arriving in a state; none for `queued`: an attempt that never began is no news.
std::optional<EventType> arrival(RecipientState state);

// What was asked for while it was sent is dealt with by the arrival.
void arrive(Recipient& recipient, RecipientState state, Time now);

// The body goes with the last live recipient, where it is not to be kept and nobody may want it again: then the record says so,
// and the caller removes the chunks in the same transaction.
bool end_body(MessageRecord& record, bool may_go);

}  // namespace postrider::storage
