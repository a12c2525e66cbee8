// The sendmail program: `postrider sendmail ...`, or the binary called by that name. Reads a message, finds its recipients, and hands
// it to the daemon over SMTP; while that cannot take it, to the drop directory. Exit codes are those of sysexits.h.
#pragma once

#include <string>
#include <vector>

#include "cmd/sendmail_privilege.h"

namespace postrider::cmd {

// `arguments` without the program's name. What a user must know goes to stderr.
int run_sendmail(const std::vector<std::string>& arguments, DropGroup& group);

}  // namespace postrider::cmd
