// When bodies and whole messages may go, pure: over one record and one row of the event feed. Shared by the stores' retire() and
// preview_retire(), so that the preview says what the run does. No clock, no I/O; the thread of the caller.
#pragma once

#include "core/message.h"
#include "storage/store.h"

namespace postrider::storage {

// When the last recipient came to rest; kNever while one is live.
Time finished_at(const MessageRecord& record);
// The body may be asked for again: by a recipient that can be brought back (failed: retry, release, revival; suppressed:
// release), or by a notice that is owed and returns it whole (RFC 3461 4.3).
bool body_wanted(const MessageRecord& record);
// The body is present and its time is over: `sent_bodies`, or `failed_bodies` where body_wanted(). Never with a live recipient.
bool body_expired(const MessageRecord& record, const RetirePolicy& policy, Time now);
// Record, events and body may go: older than `history`, and no body whose own time is not yet over. Never with a live
// recipient.
bool history_expired(const MessageRecord& record, const RetirePolicy& policy, Time now);
// Sets the body to `removed` and, with `notify_sender`, notes what is owed for failures that nothing can bring back now. The
// event says so in the history.
Event remove_body(MessageRecord& record, Time now, bool notify_sender);

// What retention does with a message, met at one of its rows in the feed. Only the last row of a message at rest decides.
enum class Fate : std::uint8_t {
  pass,   // nothing to do here, now or later: whatever changes the message adds a row further on
  stop,   // too young, and all that follow are younger
  leave,  // old enough, but something else is to end first: it is looked at again when space is short
  take,
  body_first,  // only its body, now: a sender is to be told before the rest may go, and space is short
};
// Of the whole message. `crowded`: the history is over its size limit, then age does not count.
Fate history_fate(const MessageRecord& record, std::uint64_t row, const RetireRequest& request, bool crowded);
// Of its body. `wanted`: the walk is for bodies that are wanted, or for the others; each has its own lifetime.
Fate body_fate(const MessageRecord& record, std::uint64_t row, bool wanted, const RetireRequest& request);

// With the body somebody's last hope goes, and a notice will be owed (see remove_body).
bool will_owe(const MessageRecord& record, const RetireRequest& request);

// False for the event of a row that cannot be the last of a message at rest: the record need not be read for it.
bool may_end(const Event& last_of_row);

}  // namespace postrider::storage
