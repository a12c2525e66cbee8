#include "cmd/sending.h"

namespace postrider::cmd {

Sending::Sending(const SendingParts& parts, const std::shared_ptr<const relay::SubmissionOptions>& options)
    : submission_(relay::make_submission(
          {parts.loop, parts.loop.clock(), parts.store, nullptr, parts.message_memory, parts.log}, options)),
      limits_(parts.loop.clock(), parts.keys),
      door_({parts.loop, parts.loop.clock(), *submission_, limits_, options->hostname, parts.store}),
      send_(door_, limits_),
      batches_(parts.loop, parts.store),
      validate_({parts.loop.clock(), door_, *submission_, parts.upstreams}),
      schedule_(parts.loop, parts.loop.clock(), parts.store, *submission_) {}

void Sending::add_routes(mgmt::Router& router) {
  send_.add_routes(router);
  batches_.add_routes(router);
  validate_.add_routes(router);
  schedule_.add_routes(router);
}

}  // namespace postrider::cmd
