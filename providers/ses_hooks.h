// How SES is told to send its events here: an event destination of the configuration set, which publishes to an SNS topic, and a
// subscription of that topic. The functions of Callbacks (providers/callbacks.h) for ses. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "providers/callbacks.h"

namespace postrider::providers {

result<Request> build_ses_hook_list(const UpstreamConfig& upstream, Time now);
// The subscription is asked for in any case: SNS has no list that one answer could hold, and asking again for one that stands
// changes nothing.
result<std::vector<HookChange>> plan_ses_hooks(const UpstreamConfig& upstream, const Answer& list, std::string_view url,
                                               Time now);
Reading read_ses_hook(const Answer& answer, Time now, std::string& note);

}  // namespace postrider::providers
