// GET /emails/{id}: one message in the words of the three services that have this path, in one object: Resend's (object, from, to,
// last_event, ...), WoowUp's (destinations, plainContent, status, retries, ...) and Babygun's (Subject, Body, Sender, ...). Pure.
//
// Only `from` means two things: a text to Resend, an object to WoowUp. Who asks by the UUID that Resend's POST gives has it as Resend
// does.
//
// Names that differ in case only have equal values, because some JSON libraries do not tell them apart.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>
#include <vector>

#include "core/message.h"
#include "mgmt/dialects/stored_mail.h"

namespace postrider::mgmt {

struct EmailAsked {
  std::string_view id;  // as the client gave it
  Time now{};
};
boost::json::object email_json(const MessageRecord& message, const std::vector<Event>& history, const StoredMail& mail,
                               const EmailAsked& asked);

}  // namespace postrider::mgmt
