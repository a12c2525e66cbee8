#include "providers/callbacks.h"

#include "core/ascii.h"
#include "providers/callback_parts.h"
#include "providers/hmac.h"

namespace postrider::providers {

const Callbacks* callbacks_for(UpstreamType type) {
  for (const Callbacks* callbacks : {&mailgun_callbacks, &ses_callbacks, &sendgrid_callbacks, &mailjet_callbacks,
                                     &postmark_callbacks, &resend_callbacks})
    if (callbacks->type == type) return callbacks;
  return nullptr;
}

Verdict verify_basic(const UpstreamConfig& upstream, const Callback& callback) {
  if (upstream.webhook_username.empty() || upstream.webhook_password.empty())
    return {Authenticity::unconfigured, "webhook_username and webhook_password are not set: its callbacks are refused"};
  constexpr std::string_view kScheme = "basic ";
  const std::string_view field = header_of(callback, "authorization");
  if (field.empty()) return {Authenticity::forged, "the callback gives no login"};
  std::optional<std::string> login;
  if (lowered(field.substr(0, kScheme.size())) == kScheme) login = base64_octets(field.substr(kScheme.size()));
  // The digests are of one length, whatever is guessed.
  const std::string expected = upstream.webhook_username + ":" + upstream.webhook_password;
  if (!login || !same_secret(hmac_sha256(expected, *login), hmac_sha256(expected, expected)))
    return {Authenticity::forged, "the callback's login is not webhook_username and webhook_password"};
  return {Authenticity::genuine, ""};
}

Verdict fresh(Time signed_at, Time now, Duration max_age) {
  const Duration age = now - signed_at;
  if (age <= max_age && age >= -kMaxCallbackAge) return {Authenticity::genuine, ""};
  return {Authenticity::stale, "it was signed at " + format_rfc3339(signed_at) + ", too far from the time here"};
}

}  // namespace postrider::providers
