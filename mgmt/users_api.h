// /v1/users: the users of SMTP and of the API, for admins. Passwords come in and never go out. mgmt thread; hashing is given from outside
// because it belongs to the relay.
#pragma once

#include <functional>
#include <string>

#include "core/clock.h"
#include "mgmt/http.h"
#include "mgmt/router.h"
#include "storage/store.h"

namespace postrider::mgmt {

// Fills password_hash, and `scram` when asked for, from a password; the fault says what is wrong with it.
using SetPassword = std::function<result<void>(storage::UserRecord& user, std::string_view password, bool scram)>;

class UsersApi {
 public:
  UsersApi(Mailbox& home, const Clock& clock, storage::Store& store, SetPassword set_password);
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> list(const Request& request);
  boost::asio::awaitable<Response> add(const Request& request);
  boost::asio::awaitable<Response> change_password(const Request& request);
  boost::asio::awaitable<Response> remove(const Request& request);
  boost::asio::awaitable<result<Nothing>> put(storage::UserRecord user, bool must_be_new);

  Mailbox& home_;
  const Clock& clock_;
  storage::Store& store_;
  SetPassword set_password_;
};

}  // namespace postrider::mgmt
