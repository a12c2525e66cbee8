// Metrics for programs that have no reader of Prometheus text: the same families as JSON. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <vector>

#include "core/metrics.h"

namespace postrider::mgmt {

// {"metrics": [{"name", "type", "help", "samples": [{"labels": {..}, "value"}]}]}; a histogram's samples have "count", "sum" and
// "buckets" (cumulative, "le" in seconds, null for the last) instead of "value".
boost::json::object metrics_json(const std::vector<MetricFamily>& families);

}  // namespace postrider::mgmt
