// The directory with spool, certificates and secrets: the operator token, and the keys of this relay. Made by the daemon at first start,
// readable by its user only; commands on the same machine read the token from it.
#pragma once

#include <cstdint>
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

// 32 random octets that no other relay has, in data_dir/session.key or aws.key (0600); docs/decisions/0016-credentials.md says what for.
enum class RelayKey : std::uint8_t { session, aws };
// Made when there is none. Throws CommandError.
std::string ensure_relay_key(const std::string& data_dir, RelayKey which);
result<void> replace_relay_key(const std::string& data_dir, RelayKey which, const std::string& key);

}  // namespace postrider::cmd
