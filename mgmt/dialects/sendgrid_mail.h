// The JSON of SendGrid's POST /v3/mail/send as letters: one for each personalization. What Postrider cannot do (templates, tracking,
// groups, pools) is a fault at its field. docs/dialects/sendgrid.md. Pure.
#pragma once

#include <string_view>
#include <variant>
#include <vector>

#include "mgmt/json_fields.h"
#include "mgmt/letter.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

struct SendgridMail {
  std::vector<Letter> letters;
  Faults faults;         // of reading it: then the letters are there to be checked only
  bool sandbox = false;  // check everything, send nothing
};

// The refusal: of a call that is too large, all its messages together.
std::variant<SendgridMail, Refusal> read_sendgrid_mail(std::string_view body);

}  // namespace postrider::mgmt
