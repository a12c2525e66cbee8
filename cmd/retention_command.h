// `postrider retention show|run`: what is kept for how long, what the next run would remove, and running it now.
#pragma once

#include "cmd/api_client.h"

namespace postrider::cmd {

int run_retention_show(const ApiOptions& api, bool json);
int run_retention_run(const ApiOptions& api, bool dry_run, bool json);

}  // namespace postrider::cmd
