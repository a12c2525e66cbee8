// Who may use the relay, as the memory spool knows it: users, API keys and what those did.
#include "storage/credential_rules.h"
#include "storage/memory_spool.h"

namespace postrider::storage {

// ---- users --------------------------------------------------------------------------------------------------------

result<Nothing> MemorySpool::put_user(UserRecord user, bool must_be_new) {
  auto checked = check_user(user, users_.contains(user.name), must_be_new);
  if (!checked) return checked;
  std::string name = user.name;
  users_.insert_or_assign(std::move(name), std::move(user));
  return Nothing{};
}

result<Nothing> MemorySpool::remove_user(const std::string& name) {
  if (users_.erase(name) == 0) return no_user(name);
  return Nothing{};
}

result<UserRecord> MemorySpool::find_user(const std::string& name) const {
  const auto found = users_.find(name);
  if (found == users_.end()) return no_user(name);
  return found->second;
}

std::vector<UserRecord> MemorySpool::list_users() const {
  std::vector<UserRecord> users;
  users.reserve(users_.size());
  for (const auto& [name, user] : users_) users.push_back(user);
  return users;
}

// ---- API keys -----------------------------------------------------------------------------------------------------

result<Nothing> MemorySpool::put_api_key(ApiKeyRecord key, bool must_be_new) {
  auto checked = check_api_key(key, api_keys_.contains(key.name), api_keys_.size(), must_be_new);
  if (!checked) return checked;
  std::string name = key.name;
  if (!api_keys_.contains(name)) api_key_usage_.erase(name);  // none of another key of that name
  api_keys_.insert_or_assign(std::move(name), std::move(key));
  return Nothing{};
}

result<Nothing> MemorySpool::remove_api_key(const std::string& name) {
  if (api_keys_.erase(name) == 0) return no_api_key(name);
  api_key_usage_.erase(name);
  return Nothing{};
}

std::vector<ApiKeyRecord> MemorySpool::list_api_keys() const {
  std::vector<ApiKeyRecord> keys;
  keys.reserve(api_keys_.size());
  for (const auto& [name, key] : api_keys_) keys.push_back(key);
  return keys;
}

void MemorySpool::put_api_key_usage(std::vector<ApiKeyUsage> usage) {
  for (ApiKeyUsage& one : usage) {
    std::string name = one.name;
    if (api_keys_.contains(name)) api_key_usage_.insert_or_assign(std::move(name), std::move(one));
  }
}

std::vector<ApiKeyUsage> MemorySpool::list_api_key_usage() const {
  std::vector<ApiKeyUsage> usage;
  usage.reserve(api_key_usage_.size());
  for (const auto& [name, one] : api_key_usage_) usage.push_back(one);
  return usage;
}

}  // namespace postrider::storage
