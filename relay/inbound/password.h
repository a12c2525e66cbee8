// Password hashes of users: scrypt (RFC 7914), and the SCRAM verifier for those who asked for one. Pure and slow on purpose (about
// 50 ms and 16 MB): never call verify on a relay thread, that is what PasswordWorker is for. Any thread. Never logs, never keeps.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "storage/store.h"

namespace postrider::relay {

// "scrypt$ln=14,r=8,p=1$<salt>$<hash>", base64. Faults: an empty password, or one over kMaxPassword octets.
result<std::string> make_password_hash(std::string_view password);
// "SCRAM-SHA-256$..." as relay/smtp/scram.h reads it. Same faults.
result<std::string> make_scram_text(std::string_view password);

// False for a wrong password and for a hash nobody can read. Comparison in constant time.
bool verify_password(std::string_view hash, std::string_view password);
// By the hash; by the SCRAM verifier for a user who has only that.
bool password_matches(const storage::UserRecord& user, std::string_view password);

// The hash of a password nobody knows, of the usual cost: checked for names that do not exist, so that time tells nothing.
const std::string& decoy_password_hash();

inline constexpr std::size_t kMaxPassword = 1024;
inline constexpr std::uint32_t kScramIterations = 15000;  // at least 4096 (RFC 7677 4.)

}  // namespace postrider::relay
