// Counters of the SMTP server, made once at start and bumped from every relay thread.
#pragma once

#include "core/metrics.h"

namespace postrider::relay {

struct SmtpMetrics {
  explicit SmtpMetrics(MetricsRegistry& registry);

  Gauge& open_connections;
  Counter& connections;
  Counter& refused_connections;
  Counter& messages;
  Counter& refused_transient;  // replies 4xx
  Counter& refused_permanent;  // replies 5xx
  Counter& failed_logins;
};

}  // namespace postrider::relay
