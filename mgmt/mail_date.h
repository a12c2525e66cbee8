// Dates as mail has them (RFC 5322 3.3), or as seconds since 1970: what Mailgun takes for a time. Read by GMime; pure, any thread.
#pragma once

#include <optional>
#include <string_view>

#include "core/time.h"

namespace postrider::mgmt {

// "Thu, 13 Oct 2011 18:02:00 +0000", with zone names as RFC 5322 4.3 has them, or "1318528920", also with a fraction.
std::optional<Time> parse_mail_date(std::string_view text);

}  // namespace postrider::mgmt
