// What is asked of credentials before they are put, pure: shared by the stores, so that all of them refuse the same with the same
// words. Called by the thread that writes the store.
#pragma once

#include <cstddef>
#include <string>

#include "core/result.h"
#include "storage/store.h"

namespace postrider::storage {

inline constexpr std::size_t kMaxCredentialName = 255;  // half of what LMDB takes as a key

// A name that can be stored. Any other is the name of nobody.
inline bool is_credential_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxCredentialName;
}

// `exists`: there is a user of that name.
result<Nothing> check_user(const UserRecord& user, bool exists, bool must_be_new);
Fault no_user(const std::string& name);

// `exists`: there is a key of that name; `keys`: how many there are.
result<Nothing> check_api_key(const ApiKeyRecord& key, bool exists, std::size_t keys, bool must_be_new);
Fault no_api_key(const std::string& name);

}  // namespace postrider::storage
