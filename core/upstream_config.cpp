#include "core/upstream_config.h"

namespace postrider {

std::string_view to_string(UpstreamType type) {
  switch (type) {
    case UpstreamType::smtp:
      return "smtp";
    case UpstreamType::mailgun:
      return "mailgun";
    case UpstreamType::sendgrid:
      return "sendgrid";
    case UpstreamType::mailjet:
      return "mailjet";
    case UpstreamType::ses:
      return "ses";
    case UpstreamType::postmark:
      return "postmark";
    case UpstreamType::resend:
      return "resend";
    case UpstreamType::capture:
      return "capture";
  }
  return "unknown";
}

std::string_view to_string(UpstreamTls tls) {
  switch (tls) {
    case UpstreamTls::none:
      return "none";
    case UpstreamTls::opportunistic:
      return "opportunistic";
    case UpstreamTls::starttls:
      return "starttls";
    case UpstreamTls::implicit:
      return "implicit";
  }
  return "unknown";
}

}  // namespace postrider
