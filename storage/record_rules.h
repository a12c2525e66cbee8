// The rules of the store's verbs over one MessageRecord, pure: no clock, no I/O, no index. Every Store
// implementation applies these and adds only its codec and its indexes, so that all of them mean the same
// thing.
//
// A claim is in storage/claim_rules.h, what providers report in report_rules.h, what time does to a message by itself in
// expiry_rules.h. Called by the thread that writes the store. Each function either applies its verb whole or, when it answers
// a fault, leaves the record as it was. Events come back without `seq`: the store numbers them at commit, in
// the order given, and appends the numbers to MessageRecord::history. Whoever changes a record compares
// due_key() before and after.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/message.h"
#include "core/result.h"
#include "storage/store.h"

namespace postrider::storage {

// ---- accept, settle -----------------------------------------------------------------------------------------------

// Completes the record of a new message (changed_at, age_from where it is zero); with an intent the store claims it next, see
// claim_new(). Events: one `accepted`, whose reason says what a guard did. Faults: invalid (no recipient, a recipient that is not
// queued, chunks that do not make up the body).
result<std::vector<Event>> accept_record(NewMessage& message);

struct SettleResult {
  std::vector<Event> events;  // one `attempted` an attempt, then one a recipient that changed (see append in the .cpp)
  Settled settled;
  bool body_may_go = false;  // record.body is already `removed`: the store deletes the chunks in the same transaction
};
// Applies the updates through core's transition(). A hand-over or refusal stands whatever was asked
// meanwhile; else a requested cancel, then a requested hold, takes the place of deferred, queued and failed;
// and when the message's time to live is over, `expired` takes the place of deferred, queued and held.
// `unclaim` makes no event. Faults: conflict (a recipient is not `sending`, the trigger is forbidden, given
// twice), invalid (no such recipient).
result<SettleResult> settle_record(MessageRecord& record, const Settlement& settlement);

// ---- steering -----------------------------------------------------------------------------------------------------

struct SteerResult {
  std::vector<Event> events;  // retried, held, released, cancelled, cancel_requested; each with the actor
  std::uint32_t changed = 0;  // recipients changed or marked
};
// retry and release make a recipient due now and start its tries and age anew; release leaves one that was held before its first try
// the time at which that was to be. hold and cancel only mark one that is `sending`. Without a recipient those it applies to change, and it is a conflict only when there
// were none. Faults: not_found (another tenant's, no such recipient), conflict (names the state; or the body
// is gone).
result<SteerResult> steer_record(MessageRecord& record, const SteerRequest& request);

// ---- another time -------------------------------------------------------------------------------------------------

// Events: one `rescheduled` with the actor, whose reason says what is new and what it was; none when nothing is. Faults:
// not_found (another tenant's), conflict (a recipient that is not queued for its first try at a later time, or too long a
// history), invalid (it would expire before it is sent).
result<std::vector<Event>> amend_record(MessageRecord& record, const AmendRequest& request);

// ---- notices ------------------------------------------------------------------------------------------------------

struct NoticeResult {
  std::vector<Event> events;  // notified
  bool body_may_go = false;   // as SettleResult: it was kept for this notice only
};
// The sender is told by message `notice` of the recipients named. Faults: conflict (one owes nothing), invalid.
result<NoticeResult> notify_record(MessageRecord& record, const Notifies& notifies, const MessageId& notice, Time now);
// Notices were switched off while one was owed: it is not written. Event: notified, which says so. Empty: nothing was owed.
std::vector<Event> forgive_record(MessageRecord& record, Time now);

// ---- recovery -----------------------------------------------------------------------------------------------------

// A claim whose process is gone: every `sending` recipient gets an `uncertain` attempt at the upstream of its
// intent, not counted, and is due now; with `max_interruptions` of them it is held (what was asked while
// sending takes effect first). Events: `attempted` and `interrupted`, then `held` or `cancelled`. Empty:
// nothing was `sending`, nothing changed.
std::vector<Event> recover_record(MessageRecord& record, Time now, std::uint32_t max_interruptions);

// ---- due index ----------------------------------------------------------------------------------------------------

// Where the record stands in the due index; nothing when no recipient waits for a time.
std::optional<DueKey> due_key(const MessageRecord& record);
DueEntry due_entry(const MessageRecord& record, const DueKey& key);
std::uint64_t sender_hash(const MessageRecord& record);  // of tenant and sender without case; stable: it is on disk

// ---- bytes --------------------------------------------------------------------------------------------------------

// What a value of that many octets takes in the database: whole pages once it is too long to share one.
std::uint64_t stored_bytes(std::uint64_t value_size);
// The same for all chunks of a body of `body_size` octets, each with its record header.
std::uint64_t stored_body_bytes(std::uint64_t body_size);

// ---- listing ------------------------------------------------------------------------------------------------------

// A ListQuery's filters, prepared once and asked per record. Cursor, limit and max_scanned are the caller's.
class ListFilter {
 public:
  explicit ListFilter(const ListQuery& query);
  bool matches(const MessageRecord& record) const;

 private:
  ListQuery query_;  // sender and recipient in lower case
};

}  // namespace postrider::storage
