// Logins: finds the user, has the password checked off the relay thread, remembers a right one for a minute. An Authenticator
// lives on one Loop; the PasswordWorker is shared by all of them and owns the one thread that computes hashes. Neither keeps
// a password: the memory of right ones is keyed by an HMAC under a key of this process.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/clock.h"
#include "core/done.h"
#include "net/loop.h"
#include "relay/smtp/scram.h"
#include "storage/store.h"

namespace postrider::relay {

class PasswordWorker {
 public:
  explicit PasswordWorker(std::size_t max_waiting = 64);
  ~PasswordWorker();  // finishes what waits

  // True or false; fault `unavailable` when max_waiting checks are waiting already. Any thread.
  void check(std::shared_ptr<const storage::UserRecord> user, std::string password, Done<bool> done);
  std::uint64_t checks() const { return checks_.load(std::memory_order_relaxed); }  // made so far

 private:
  const std::size_t max_waiting_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::uint64_t> checks_{0};
  boost::asio::thread_pool pool_{1};
};

class Authenticator {
 public:
  static constexpr Duration kRemember = std::chrono::seconds(60);
  static constexpr std::size_t kMaxRemembered = 4096;

  Authenticator(net::Loop& loop, const Clock& clock, storage::Store& store, PasswordWorker& worker);

  enum class Kind : std::uint8_t {
    accepted,
    refused,  // 535: wrong password or no such user; both take the same time
    busy,     // 454: too many checks wait
    trouble,  // 454: the store did not answer
  };
  struct Verdict {
    Kind kind = Kind::refused;
    std::shared_ptr<const storage::UserRecord> user;  // with `accepted`
  };
  boost::asio::awaitable<Verdict> check_password(std::string name, std::string password);

  // For SCRAM: the verifier of the user, or a decoy that no password fits. `user` is null with the decoy.
  struct Verifier {
    Kind kind = Kind::accepted;  // or trouble
    smtp::ScramVerifier verifier;
    std::shared_ptr<const storage::UserRecord> user;
  };
  boost::asio::awaitable<Verifier> find_verifier(std::string name);

 private:
  using Key = std::array<unsigned char, 32>;
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  // Over the stored hash too: a changed or removed user forgets every login at once.
  Key key_of(const storage::UserRecord& user, std::string_view password) const;
  bool remembered(const Key& key);
  void remember(const Key& key);

  net::Loop& loop_;
  const Clock& clock_;
  storage::Store& store_;
  PasswordWorker& worker_;
  std::array<unsigned char, 32> secret_{};
  std::unordered_map<Key, Duration, KeyHash> right_ones_;  // until when, on the monotonic clock
};

}  // namespace postrider::relay
