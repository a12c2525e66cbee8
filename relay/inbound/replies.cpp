#include "relay/inbound/replies.h"

#include "core/outcome.h"

namespace postrider::relay {

Reply bad_steering(std::string_view fault) {
  return Reply(554, "5.6.0", fault);
}

Reply shown_sender_refused(std::string_view address) {
  constexpr std::size_t kShown = 320;  // the longest address there is; a reply line has 512 octets (RFC 5321 4.5.3.1.5)
  return Reply(550, "5.7.1", "This login may not send as <" + sanitize_reason_text(address.substr(0, kShown)) + ">");
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
