#include "storage/credential_rules.h"

namespace postrider::storage {

result<Nothing> check_user(const UserRecord& user, bool exists, bool must_be_new) {
  if (!is_credential_name(user.name))
    return invalid("a user name has 1 to " + std::to_string(kMaxCredentialName) + " octets");
  if (exists && must_be_new) return Fault{FaultKind::conflict, "there is a user " + user.name + " already"};
  return Nothing{};
}

Fault no_user(const std::string& name) {
  return {FaultKind::not_found, "no user " + name};
}

result<Nothing> check_api_key(const ApiKeyRecord& key, bool exists, std::size_t keys, bool must_be_new) {
  if (!is_credential_name(key.name))
    return invalid("the name of an API key has 1 to " + std::to_string(kMaxCredentialName) + " octets");
  if (exists && must_be_new) return Fault{FaultKind::conflict, "there is an API key " + key.name + " already"};
  if (!exists && keys >= kMaxApiKeys)
    return Fault{FaultKind::conflict,
                 "there are " + std::to_string(kMaxApiKeys) + " API keys, and no more can be made"};
  return Nothing{};
}

Fault no_api_key(const std::string& name) {
  return {FaultKind::not_found, "no API key " + name};
}

}  // namespace postrider::storage
