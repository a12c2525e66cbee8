// Dates as mail headers write them (RFC 5322 3.3, with the obsolete forms of 4.3 and comments), for steering headers. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "core/time.h"

namespace postrider::smtp {

// "Sat, 31 Jan 2026 08:15:00 +0100". Day name and seconds may be missing; a day name that is not that day's is a mistake
// of the sender and no date. Years of two or three digits are read as RFC 5322 4.3 says.
std::optional<Time> parse_rfc5322_date(std::string_view text);

}  // namespace postrider::smtp
