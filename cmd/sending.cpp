#include "cmd/sending.h"

namespace postrider::cmd {

Sending::Sending(const SendingParts& parts, const std::shared_ptr<const relay::SubmissionOptions>& options)
    : submission_(relay::make_submission(
          {parts.loop, parts.loop.clock(), parts.store, nullptr, parts.message_memory, parts.log}, options)),
      limits_(parts.loop.clock(), parts.keys),
      door_({parts.loop, parts.loop.clock(), *submission_, limits_, options->hostname, parts.store, parts.log,
             parts.accepted}),
      send_(door_),
      batches_(parts.loop, parts.store),
      validate_({parts.loop, parts.loop.clock(), door_, *submission_, parts.upstreams, parts.store}),
      schedule_(parts.loop, parts.loop.clock(), parts.store, *submission_),
      dialects_{parts.loop, parts.loop.clock(), parts.store, door_} {}

void Sending::add_routes(mgmt::Router& router) {
  router.show_limits([this](const mgmt::Principal& principal) { return limits_.headers(principal); });
  send_.add_routes(router);
  batches_.add_routes(router);
  validate_.add_routes(router);
  schedule_.add_routes(router);
  mgmt::add_babygun(router, dialects_);
  mgmt::add_limbo(router, dialects_);
  mgmt::add_mailer(router, dialects_);
  mgmt::add_woowup(router, dialects_);
  mgmt::add_mailgun(router, dialects_);
  mgmt::add_sendgrid(router, dialects_);
  mgmt::add_ses(router, dialects_);
  mgmt::add_mailjet(router, dialects_);
  mgmt::add_postmark(router, dialects_);
  mgmt::add_resend(router, dialects_);
}

}  // namespace postrider::cmd
