// How much each API key sends: recipients within the last minute and the UTC day, against the limits of its record. Counts survive a
// restart but for the last seconds before a crash (Store::put_api_key_usage). One, on the mgmt thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "mgmt/http.h"
#include "mgmt/key_ring.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

class SendingLimits {
 public:
  SendingLimits(const Clock& clock, KeyRing& keys) : clock_(clock), keys_(keys) {}

  // Takes room for that many recipients, or says when there will be some (too_many_requests). Who has no key, or no limit, has room.
  std::optional<Refusal> take(const Principal& principal, std::uint64_t recipients);
  void give_back(const Principal& principal, std::uint64_t recipients);  // of a call that was refused after all

  // RateLimit-Limit, -Remaining and -Reset (seconds) of the limit that is nearest; none without limits. For every answer of a route
  // that sends.
  std::vector<std::pair<std::string, std::string>> headers(const Principal& principal) const;

 private:
  const Clock& clock_;
  KeyRing& keys_;
};

}  // namespace postrider::mgmt
