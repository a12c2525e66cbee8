// Reads what SES's SendEmail asks for into a letter. Pure, any thread.
#pragma once

#include <string_view>
#include <variant>

#include "mgmt/letter.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

// `body`: the request's. The refusal is of type validation, but sender_not_allowed for a sender that cannot be anybody's.
std::variant<Letter, Refusal> read_ses_mail(std::string_view body);

}  // namespace postrider::mgmt
