// What became of a message, in the words of the services whose clients ask for it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/message.h"

namespace postrider::mgmt {

// One or two sentences for people: where the message stands and why. Never empty.
std::string status_sentence(const MessageRecord& message, Time now);

// As Resend says it in `last_event`: queued, scheduled, sent, delivered, delivery_delayed, bounced, failed, canceled, suppressed,
// opened, clicked, complained.
std::string_view last_event(const MessageRecord& message, const std::vector<Event>& history, Time now);

// As the mailer service's /status says it: queued, failed, or what the provider reported: processed, sent (also once it confirmed the
// delivery, which Mailjet calls so), opened, clicked, complained, unsubscribed, bounced.
std::string_view job_status(const MessageRecord& message, const std::vector<Event>& history);

// Contacts with an upstream after the first, over all tries: each failure that was followed by another contact.
std::uint32_t retries_in(const std::vector<Event>& history);
// The largest of its recipients'.
std::uint32_t tries_of(const MessageRecord& message);
Time updated_at(const MessageRecord& message, const std::vector<Event>& history);

}  // namespace postrider::mgmt
