// Where `postrider user` reads and changes users: the daemon's API, or the spool itself while no daemon holds it. The caller
// does not see which.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <optional>
#include <string>

#include "cmd/api_client.h"
#include "storage/store.h"

namespace postrider::cmd {

// All verbs throw CommandError with a sentence for people.
class UserDirectory {
 public:
  virtual ~UserDirectory() = default;
  virtual void add(storage::UserRecord user, const std::string& password, bool scram) = 0;
  // With a guard, that takes the place of the user's; an empty one takes it away.
  virtual void change_password(const std::string& name, const std::string& password,
                               const std::optional<RecipientGuard>& guard) = 0;
  virtual void remove(const std::string& name) = 0;
  virtual boost::json::object list() = 0;  // as GET /v1/users gives it
};

std::unique_ptr<UserDirectory> open_user_directory(const ApiOptions& options);

// How a password becomes what is stored; the same for the daemon's API and for the spool opened directly.
result<void> set_password(storage::UserRecord& user, std::string_view password, bool scram);

}  // namespace postrider::cmd
