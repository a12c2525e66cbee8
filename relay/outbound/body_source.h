// The body of one message for one attempt: what is in memory from there, the rest from the spool, a window of a few chunks
// at a time. Made anew for each attempt; used by one coroutine on one Loop.
#pragma once

#include <memory>

#include "net/loop.h"
#include "relay/outbound/transport.h"
#include "storage/store.h"

namespace postrider::relay {

inline constexpr std::uint32_t kBodyWindow = 4;  // chunks read from the spool at once

// Chunks from `first_in_memory` on are in `memory`, those before it in the spool only. A later try has them all there.
std::unique_ptr<BodySource> make_body_source(storage::Store& store, net::Loop& loop, const MessageRecord& record,
                                             Body memory, std::uint32_t first_in_memory);

}  // namespace postrider::relay
