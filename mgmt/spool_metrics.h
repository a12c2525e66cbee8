// The spool's figures as Prometheus metrics: messages by state, bytes, commits, trouble. Read at scrape time; costs nothing
// between scrapes.
#pragma once

#include "core/metrics.h"
#include "storage/store.h"

namespace postrider::mgmt {

// `store` outlives the registry's last render().
void add_spool_metrics(MetricsRegistry& registry, const storage::Store& store);

}  // namespace postrider::mgmt
