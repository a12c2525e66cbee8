#include "relay/inbound/smtp_metrics.h"

namespace postrider::relay {

SmtpMetrics::SmtpMetrics(MetricsRegistry& registry)
    : open_connections(registry.gauge("postrider_smtp_connections", "SMTP connections open now")),
      connections(registry.counter("postrider_smtp_connections_total", "SMTP connections taken")),
      refused_connections(
          registry.counter("postrider_smtp_refused_connections_total", "SMTP connections over a limit")),
      messages(registry.counter("postrider_smtp_messages_total", "Messages acknowledged over SMTP")),
      refused_transient(registry.counter("postrider_smtp_refusals_total", "Negative SMTP replies", "class=\"4xx\"")),
      refused_permanent(registry.counter("postrider_smtp_refusals_total", "Negative SMTP replies", "class=\"5xx\"")),
      failed_logins(registry.counter("postrider_smtp_failed_logins_total", "SMTP logins refused")) {}

}  // namespace postrider::relay
