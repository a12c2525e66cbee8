// What a user may look like, and how one is shown: the same for API and command line. The parts that API keys have too are here as
// well. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "mgmt/json_fields.h"
#include "storage/store.h"

namespace postrider::mgmt {

inline constexpr std::string_view kDefaultRole = "sender";
inline constexpr std::size_t kMaxPatterns = 100;        // of one list
inline constexpr std::size_t kMaxCredentialName = 128;  // octets

// 1 to 128 octets that can stand in AUTH exchanges, logs and URLs, and are nobody else's there.
bool is_credential_name(std::string_view name);
// An address, *@domain or a domain.
bool is_sender_pattern(std::string_view pattern);
// What a request says of patterns and of a guard. One that cannot be read keeps its place, empty, so that the others keep theirs.
std::vector<std::string> read_patterns(JsonFields& fields, std::string_view name, Faults& faults);
bool has_guard(JsonFields& fields);
RecipientGuard read_guard(JsonFields& fields, Faults& faults);

// Adds all that is wrong with a guard, at its members.
void check_guard(const RecipientGuard& guard, Faults& faults);
// The same of name, role, sender patterns and guard.
void check_user(const storage::UserRecord& user, Faults& faults);
// The fault says what is wrong first.
result<void> check_user(const storage::UserRecord& user);
// Adds those of `found` whose places, or places within them, have no fault yet: what cannot be read is told once, as that.
void add_other_faults(Faults found, Faults& faults);
// What RecipientGuard::capture holds for a credential: there is no directory to name.
inline constexpr std::string_view kCapture = "yes";
// Without anything of the password.
boost::json::object to_json(const storage::UserRecord& user);
boost::json::object users_json(const std::vector<storage::UserRecord>& users);

}  // namespace postrider::mgmt
