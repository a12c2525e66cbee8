// `postrider events`: what happened to all messages and upstreams, in the order of the commits, and with --follow what happens from now on.
#pragma once

#include <functional>

#include "cmd/api_client.h"

namespace postrider::cmd {

struct EventsOptions {
  Parameters filters;  // type, message, upstream, since, until, limit; names as in the API
  bool follow = false;
  bool json = false;
};

// --follow: until Ctrl-C, which is its ordinary end (0). When the daemon goes away it says so, waits, and goes on behind the last
// event it has shown.
int run_events(const ApiOptions& api, const EventsOptions& options);

}  // namespace postrider::cmd
