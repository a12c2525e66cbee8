// A small file as a whole: a configuration, a secret. For commands and the daemon's start, never for mail.
#pragma once

#include <string>

#include "core/result.h"

namespace postrider::cmd {

// The fault follows the file's name: "cannot be read: Permission denied". Files over 1 MiB are refused.
result<std::string> read_small_file(const std::string& path);

}  // namespace postrider::cmd
