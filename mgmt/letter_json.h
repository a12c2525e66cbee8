// A letter as POST /v1/messages takes it, from JSON. docs/api.md "Sending" has the fields. Pure.
#pragma once

#include "mgmt/json_fields.h"
#include "mgmt/letter.h"

namespace postrider::mgmt {

// Reads every member of `fields` into `letter`, which may hold defaults already: what is given takes their place. Faults are noted
// with the place of what is wrong, also in the letter, so that those found later have it. Does not call fields.finish().
void read_letter(JsonFields& fields, Letter& letter, Faults& faults);

// "Name <user@example.com>" or {"email", "name"}.
std::optional<Party> read_party(const Placed& placed, Faults& faults);
std::optional<Lane> parse_lane(std::string_view text);

}  // namespace postrider::mgmt
