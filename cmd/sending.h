// What the management side needs to take mail over HTTP, put together: the submission, the one door for letters, and the routes of
// our own API and of the dialects that use it. Made on the main thread, used on the mgmt thread.
#pragma once

#include <memory>
#include <string>

#include "core/budget.h"
#include "core/log.h"
#include "mgmt/batches_api.h"
#include "mgmt/dialects/dialect.h"
#include "mgmt/key_ring.h"
#include "mgmt/schedule_api.h"
#include "mgmt/send_api.h"
#include "mgmt/sending_limits.h"
#include "mgmt/validate_api.h"
#include "net/loop.h"
#include "relay/inbound/submission.h"
#include "relay/outbound/upstream_control.h"
#include "storage/store.h"

namespace postrider::cmd {

struct SendingParts {
  net::Loop& loop;
  storage::Store& store;
  Budget& message_memory;  // outlives the store, which holds chunks of it
  mgmt::KeyRing& keys;
  relay::UpstreamControl& upstreams;
  Counter* accepted;  // messages; null: nobody counts
  Log& log;
};

class Sending {
 public:
  Sending(const SendingParts& parts, const std::shared_ptr<const relay::SubmissionOptions>& options);

  mgmt::SendDoor& door() { return door_; }
  const relay::SubmissionOptions& options() const { return submission_->options(); }
  void add_routes(mgmt::Router& router);
  void use(std::shared_ptr<const relay::SubmissionOptions> options) { submission_->use(std::move(options)); }

 private:
  std::unique_ptr<relay::Submission> submission_;
  mgmt::SendingLimits limits_;
  mgmt::SendDoor door_;
  mgmt::SendApi send_;
  mgmt::BatchesApi batches_;
  mgmt::ValidateApi validate_;
  mgmt::ScheduleApi schedule_;
  const mgmt::DialectParts dialects_;
};

}  // namespace postrider::cmd
