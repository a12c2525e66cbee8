// What time does to a message that nobody steers: its own time to live ends, or the route that it failed by works again. Pure,
// over one MessageRecord, as storage/record_rules.h, with the same words on faults and events. Shared by the stores.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/message.h"
#include "storage/store.h"

namespace postrider::storage {

// ---- time to live -------------------------------------------------------------------------------------------------

bool time_is_over(const Envelope& envelope, Time now);

// When the store's index of time to live has the record: its expires_at while a recipient is queued, deferred or held. One that
// is `sending` is the settlement's, which ends it or puts it back here.
std::optional<Time> expiry_time(const MessageRecord& record);

// Queued, deferred and held become expired; any other state stays. False: it stayed.
bool expire_recipient(const Envelope& envelope, Recipient& recipient, Time now);

struct ExpireResult {
  std::vector<Event> events;  // expired; empty: nothing changed
  bool body_may_go = false;   // as SettleResult
};
ExpireResult expire_record(MessageRecord& record, const ExpireRequest& request);

// ---- revival ------------------------------------------------------------------------------------------------------

// The store's index of what can be revived has the record: a recipient failed by the route and the body is there.
bool revivable(const MessageRecord& record);
// Of those recipients the ones that are young enough become queued, due now; their age goes on. Events: revived; empty: nothing
// changed. A message whose time to live is over stays: it would only expire.
std::vector<Event> revive_record(MessageRecord& record, const ReviveRequest& request);

// ---- providers' ids -----------------------------------------------------------------------------------------------

// The provider behind `upstream` knows a recipient of this message by that id.
bool known_as(const MessageRecord& record, std::string_view upstream, std::string_view provider_id);

}  // namespace postrider::storage
