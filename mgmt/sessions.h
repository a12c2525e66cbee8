// Sessions of users: what POST /tokens gives, a JWT (RFC 7519) signed with HS256 by a key of this relay. Nothing is stored for one: it is
// void when it expires, when the user is gone or changed since (the store is asked each time), and when the key is rotated. One, on
// the mgmt thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

#include "core/clock.h"
#include "storage/store.h"

namespace postrider::mgmt {

struct SessionParts {
  Mailbox& home;
  const Clock& clock;
  storage::Store& store;
  std::string key;                                               // 32 octets
  std::function<result<void>(const std::string& key)> keep_key;  // durably, before it is used
  Duration lifetime = std::chrono::hours(1);
};

class Sessions {
 public:
  static constexpr std::size_t kMaxToken = 1024;

  struct Claims {
    std::string user;
    Time issued_at, expires_at;
    Time user_changed_at;  // UserRecord::changed_at when it was issued
  };
  struct Issued {
    std::string token;
    Time expires_at;
  };

  explicit Sessions(SessionParts parts);

  // It begins as every JWT does and has two dots: no key does, and hardly a password.
  static bool looks_like_session(std::string_view token);

  result<Issued> issue(const storage::UserRecord& user);
  // What it says, if it is one of ours and in time. Faults: invalid (not signed by us), not_found (expired).
  result<Claims> read(std::string_view token) const;
  // Its user as the store has it now. Faults: those of read(); not_found (void); those of the store.
  boost::asio::awaitable<result<storage::UserRecord>> check(std::string token) const;

  void use(Duration lifetime) { parts_.lifetime = lifetime; }  // of those to come
  result<void> rotate();                                       // a new key: all sessions are void

 private:
  SessionParts parts_;
};

}  // namespace postrider::mgmt
