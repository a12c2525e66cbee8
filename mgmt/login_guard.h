// Slows down who guesses. Failures are counted in windows: of an account from one address, of an address, of an account from
// everywhere. The last would let anybody lock anybody out, so it spares the addresses from which that account got in lately, and so
// does the one of an address: its neighbours cannot lock out who is known there (docs/credentials.md). Only what can be guessed is
// kept waiting: a right key of 256 random bits is let in whatever its neighbours try. An IPv6 address stands for its /64, the least
// that one customer gets. Bounded; one, on the mgmt thread.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/clock.h"
#include "core/log.h"

namespace postrider::mgmt {

struct LoginLimits {
  std::uint32_t account_from_address = 10;
  std::uint32_t address = 30;
  std::uint32_t account = 100;
  Duration window = std::chrono::minutes(15);
  Duration known_for = std::chrono::hours(24);  // since the last success of the account from that address
  std::size_t max_entries = 10'000;             // of each count
};

class LoginGuard {
 public:
  LoginGuard(const Clock& clock, Log& log, LoginLimits limits = {});

  // How long until a password of that account may be tried from there; zero: now. An empty account: who fails with a key.
  Duration wait(const boost::asio::ip::address& peer, std::string_view account = {}) const;
  void failed(const boost::asio::ip::address& peer, std::string_view account = {});
  // Forgets what that account failed from there, and nothing else: else who has an account of his own could guess at others' for ever.
  void succeeded(const boost::asio::ip::address& peer, std::string_view account);

 private:
  struct Window {
    Duration since{};  // monotonic
    std::uint32_t failures = 0;
  };
  using Windows = std::unordered_map<std::string, Window>;

  Duration left(const Windows& windows, const std::string& name, std::uint32_t limit) const;
  bool count(Windows& windows, const std::string& name, std::uint32_t limit);  // true: that was the last one allowed
  bool is_known(const std::string& account_and_address) const;

  const Clock& clock_;
  Log& log_;
  const LoginLimits limits_;
  Windows pairs_, addresses_, accounts_;
  std::unordered_map<std::string, Duration> known_;  // account and address, until when
};

}  // namespace postrider::mgmt
