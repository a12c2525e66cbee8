// Events of our history in Mailgun's words: which of its events one of ours is, and the item of its events API. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/message.h"
#include "mgmt/dialects/mailgun_query.h"

namespace postrider::mgmt {

struct MailgunEvent {
  std::string_view name;      // "delivered"
  std::string_view severity;  // of "failed": "permanent" or "temporary"; else empty
  std::string_view reason;    // of "failed": "bounce"; else empty
};
// Nothing: Mailgun has no word for it (held, released, attempts one by one, ...).
std::optional<MailgunEvent> mailgun_event(EventType type);

// The values that a filter looks at.
std::vector<std::string> mailgun_values(MailgunField field, const MailgunEvent& kind, const MessageRecord& message,
                                        std::uint32_t recipient);
// `recipient`: index of who it is about.
boost::json::object mailgun_item(const MailgunEvent& kind, const Event& event, const MessageRecord& message,
                                 std::uint32_t recipient);

}  // namespace postrider::mgmt
