// A new password from a person or a pipe: typed twice without echo on a terminal, or one line of stdin when asked for. Never an
// argument: those are seen by every process of the machine.
#pragma once

#include <string>

namespace postrider::cmd {

// Throws CommandError when there is neither a terminal nor leave to read stdin, when the two differ, or when it is empty.
std::string ask_new_password(bool from_stdin);

}  // namespace postrider::cmd
