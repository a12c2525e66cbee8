#include "relay/inbound/replies.h"

namespace postrider::relay {

Reply bad_steering(std::string_view fault) {
  return Reply(554, "5.6.0", fault);
}

Reply queued_as(const MessageId& id) {
  return Reply(250, "2.0.0", "Ok: queued as " + id.str());
}

Reply octets_received(std::uint64_t octets) {
  return Reply(250, "2.0.0", std::to_string(octets) + " octets received");
}

Reply greeting(std::string_view hostname) {
  return Reply(220, "", std::string(hostname) + " ESMTP Postrider");
}

}  // namespace postrider::relay
