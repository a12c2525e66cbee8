// POST /v1/validate: what would happen to a message, without sending it: the faults, and for each recipient what the guard does,
// whether it is on the suppression list, and where the mail would go. Takes the body of POST /v1/messages and the same checks. mgmt thread.
#pragma once

#include <boost/json/object.hpp>

#include "core/clock.h"
#include "mgmt/router.h"
#include "mgmt/send_door.h"
#include "mgmt/send_plan.h"
#include "mgmt/sending_limits.h"
#include "relay/outbound/upstream_control.h"
#include "storage/store.h"

namespace postrider::mgmt {

struct ValidateParts {
  Mailbox& home;
  const Clock& clock;
  SendDoor& door;
  relay::Submission& submission;
  relay::UpstreamControl& upstreams;
  storage::Store& store;
};

class ValidateApi {
 public:
  // What `parts` refers to outlives the router the routes are added to, and so does this.
  explicit ValidateApi(ValidateParts parts) : parts_(parts) {}
  void add_routes(Router& router);

  static constexpr std::size_t kMaxExplained = 100;  // recipients whose route is told

 private:
  // Of the route of a recipient: the choice is for whoever may send, the rest, which is of the relay itself, for operators.
  enum class Shown : std::uint8_t { nothing, choice, all };
  boost::asio::awaitable<Response> validate(const Request& request);
  // Of the plan's recipients, in their order, the entries on the list.
  using Entries = std::vector<std::optional<storage::Suppression>>;
  boost::asio::awaitable<result<Entries>> find_suppressed(const SendPlan& plan);
  boost::json::object recipient_json(const SendPlan& plan, const PlannedRecipient& recipient, Shown shown) const;

  ValidateParts parts_;
};

}  // namespace postrider::mgmt
