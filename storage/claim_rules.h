// What a claim does to one MessageRecord: whoever is on the suppression list is out of it, the others go to `sending`. Pure, as
// storage/record_rules.h, with the same words on events. Shared by the stores, for claim() and for accept() with an intent.
#pragma once

#include <cstdint>
#include <vector>

#include "core/message.h"
#include "storage/store.h"
#include "storage/suppression_rules.h"

namespace postrider::storage {

struct ClaimResult {
  std::vector<std::uint32_t> claimed, suppressed;  // indices of recipients; both empty: nothing changed
  std::vector<Event> events;                       // suppressed; a claim makes none: the attempt that follows does
  bool nothing() const { return claimed.empty() && suppressed.empty(); }
};

// Of every queued or deferred recipient with due <= now: one that `find` knows becomes suppressed, another one `sending`, with the
// intent's upstream noted on it; one whose last hand-over was cut off (cause uncertain or interrupted) keeps the upstream
// that was asked then: it is asked first again while it is in service. None of a message whose time to live is over: what waits
// there is expire()'s.
ClaimResult claim_record(MessageRecord& record, const ClaimRequest& request, const FindSuppression& find);

// The same for a new message with an intent; its events go behind those of accept_record().
std::vector<Event> claim_new(MessageRecord& record, const Intent& intent, Time now, const FindSuppression& find);

}  // namespace postrider::storage
