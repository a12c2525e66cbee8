// Reads an email as Resend's API has it into a letter. Pure, any thread.
#pragma once

#include <optional>
#include <string_view>

#include "core/time.h"
#include "mgmt/json_fields.h"
#include "mgmt/letter.h"

namespace postrider::mgmt {

// What a fault says of a field that is not there: Resend has a name of its own for that.
inline constexpr std::string_view kMissingField = "must be given";

// Faults are added where something is wrong; then the letter is there to be checked only.
Letter read_resend_email(const Placed& email, Faults& faults);
// scheduled_at of a call; nothing when it is absent, or a fault.
std::optional<Time> read_scheduled_at(JsonFields& fields);

}  // namespace postrider::mgmt
