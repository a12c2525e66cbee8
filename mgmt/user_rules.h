// What a user may look like, and how one is shown: the same for API and command line. The parts that API keys have too are here as
// well. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string_view>

#include "core/result.h"
#include "mgmt/problem.h"
#include "storage/store.h"

namespace postrider::mgmt {

inline constexpr std::string_view kDefaultRole = "sender";
inline constexpr std::size_t kMaxPatterns = 100;        // of one list
inline constexpr std::size_t kMaxCredentialName = 128;  // octets

// 1 to 128 octets that can stand in AUTH exchanges, logs and URLs, and are nobody else's there.
bool is_credential_name(std::string_view name);
// An address, *@domain or a domain.
bool is_sender_pattern(std::string_view pattern);
// The first thing that is wrong with a guard, at its member.
std::optional<FieldFault> wrong_with(const RecipientGuard& guard);

// Name, role, sender patterns and guard; the fault says which is wrong and what it may be.
result<void> check_user(const storage::UserRecord& user);
// What RecipientGuard::capture holds for a credential: there is no directory to name.
inline constexpr std::string_view kCapture = "yes";
// Without anything of the password.
boost::json::object to_json(const storage::UserRecord& user);
boost::json::object users_json(const std::vector<storage::UserRecord>& users);

}  // namespace postrider::mgmt
