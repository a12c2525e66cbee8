// The dispatcher's words in the operator's log: message.sent, .deferred, .bounced, .failed, .held, .uncertain, .suppressed, .unsettled
// and upstream.opened (taken out of service), .closed (back in service), .paused, .stopped, .resumed, .preferred, .promoted,
// .rolled_back. Nothing else logs them.
#pragma once

#include <cstdint>
#include <vector>

#include "core/log.h"
#include "core/message.h"
#include "relay/outbound/upstream.h"
#include "relay/outbound/upstream_news.h"
#include "storage/store.h"

namespace postrider::relay {

// One line a recipient that the settlement moves.
void log_settlement(Log& log, const MessageRecord& record, const storage::Settlement& settlement);
// One line a recipient that was on the suppression list when it was due.
void log_suppressed(Log& log, const MessageRecord& record, const std::vector<std::uint32_t>& recipients);
void log_unsettled(Log& log, const MessageId& id, const Fault& fault);

void log_opened(Log& log, const Upstream& upstream, const Reason& reason);
void log_closed(Log& log, const Upstream& upstream);
void log_paused(Log& log, const Upstream& upstream, const Reason& reason);
// What an operator, or a canary, did: stopped, resumed, preferred, promoted, rolled_back.
void log_steered(Log& log, const UpstreamNews& news);

}  // namespace postrider::relay
