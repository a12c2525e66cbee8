// The directory with spool, certificates and operator token, and that token. Made by the daemon at first start, readable by
// its user only; commands on the same machine read the token from it.
#pragma once

#include <string>

#include "core/result.h"

namespace postrider::cmd {

// Makes the directory and its parents, 0700 for what is new. Throws CommandError when that is not possible.
void prepare_data_dir(const std::string& data_dir);

// When root runs a command in a directory of another user, goes on as that user, so that what it makes belongs to the daemon.
void become_owner_of(const std::string& data_dir);

std::string operator_token_file(const std::string& data_dir);
// 256 random bits as "pr_" and base64url (RFC 4648 5).
std::string make_operator_token();
// The token of the file, which is made (0600, whole or not at all) when there is none. Throws CommandError.
std::string ensure_operator_token(const std::string& data_dir);
// For commands: not_found when there is no file, unavailable when it may not be read; sentences that say what to do.
result<std::string> read_operator_token(const std::string& data_dir);

}  // namespace postrider::cmd
