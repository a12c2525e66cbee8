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

bool is_http(UpstreamType type) {
  return type != UpstreamType::smtp && type != UpstreamType::capture;
}

bool is_lossy(UpstreamType type) {
  switch (type) {
    case UpstreamType::sendgrid:
    case UpstreamType::mailjet:
    case UpstreamType::postmark:
    case UpstreamType::resend:
      return true;
    case UpstreamType::smtp:
    case UpstreamType::mailgun:
    case UpstreamType::ses:
    case UpstreamType::capture:
      return false;
  }
  return false;
}

bool UpstreamMatch::empty() const {
  return sender_domain.empty() && recipient_domain.empty() && lane.empty() && tag.empty() && credential.empty();
}

}  // namespace postrider
