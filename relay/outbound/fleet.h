// Fleet: what one dispatcher delivers with until the next reload: the routes, and for each of their upstreams the transport of
// this thread and the bound on what is in flight at it. A try that has begun keeps the fleet it began with.
#pragma once

#include <memory>
#include <vector>

#include "relay/outbound/routes.h"
#include "relay/outbound/slots.h"
#include "relay/outbound/transport.h"

namespace postrider::relay {

struct Fleet {
  std::shared_ptr<Routes> routes;
  std::vector<std::unique_ptr<Transport>> transports;  // by index in routes
  std::vector<std::shared_ptr<SlotPool>> slots;        // the same; a hung upstream fills its own and no other's

  // Those without a slot to spare; `keep_some`: when a quarter of each is kept back.
  UpstreamSet full(bool keep_some = false) const {
    UpstreamSet full = 0;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (slots[i]->free() <= (keep_some ? slots[i]->limit() / 4 : 0)) full |= only(i);
    }
    return full;
  }
};

}  // namespace postrider::relay
