// What may be stored of an upstream: pure, shared by the stores.
#pragma once

#include <vector>

#include "core/message.h"
#include "core/result.h"
#include "storage/store.h"

namespace postrider::storage {

inline constexpr std::size_t kMaxUpstreamName = 255;  // half of what LMDB takes as a key

// The events as they go into the feed: of no message, with the upstream's name. Faults: invalid (the name's length, an event that
// is not an upstream's).
result<std::vector<Event>> upstream_events(const UpstreamState& state, std::vector<Event> events);

}  // namespace postrider::storage
