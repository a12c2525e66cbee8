#include "mgmt/login_guard.h"

#include <algorithm>

#include "mgmt/user_rules.h"

namespace postrider::mgmt {

namespace {

namespace ip = boost::asio::ip;

std::string address_of(const ip::address& peer) {
  if (peer.is_v4()) return peer.to_string();
  const ip::address_v6 v6 = peer.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6).to_string();
  ip::address_v6::bytes_type octets = v6.to_bytes();
  std::fill(octets.begin() + 8, octets.end(), static_cast<unsigned char>(0));
  return ip::address_v6(octets).to_string() + "/64";
}

std::string pair_of(std::string_view account, const std::string& address) {
  return std::string(account) + '\0' + address;
}

}  // namespace

LoginGuard::LoginGuard(const Clock& clock, Log& log, LoginLimits limits) : clock_(clock), log_(log), limits_(limits) {}

Duration LoginGuard::wait(const ip::address& peer, std::string_view account) const {
  const std::string address = address_of(peer);
  if (account.empty() || account.size() > kMaxCredentialName) return left(addresses_, address, limits_.address);
  const std::string pair = pair_of(account, address);
  const Duration own = left(pairs_, pair, limits_.account_from_address);
  if (is_known(pair)) return own;
  return std::max(
      {own, left(addresses_, address, limits_.address), left(accounts_, std::string(account), limits_.account)});
}

void LoginGuard::failed(const ip::address& peer, std::string_view account) {
  const std::string address = address_of(peer);
  if (count(addresses_, address, limits_.address)) log_.warn("login.blocked", {{"client", address}, {"account", ""}});
  if (account.empty() || account.size() > kMaxCredentialName) return;
  const std::string name(account);
  if (count(pairs_, pair_of(account, address), limits_.account_from_address))
    log_.warn("login.blocked", {{"client", address}, {"account", name}});
  if (count(accounts_, name, limits_.account)) log_.warn("login.blocked", {{"client", ""}, {"account", name}});
}

void LoginGuard::succeeded(const ip::address& peer, std::string_view account) {
  const std::string pair = pair_of(account, address_of(peer));
  const Duration now = clock_.monotonic();
  pairs_.erase(pair);
  if (known_.size() >= limits_.max_entries && !known_.contains(pair)) {
    std::erase_if(known_, [now](const auto& one) { return one.second <= now; });
    if (known_.size() >= limits_.max_entries) return;  // it is treated as one from a new address
  }
  known_[pair] = now + limits_.known_for;
}

Duration LoginGuard::left(const Windows& windows, const std::string& name, std::uint32_t limit) const {
  const auto found = windows.find(name);
  if (found == windows.end() || found->second.failures < limit) return Duration(0);
  return std::max(Duration(0), found->second.since + limits_.window - clock_.monotonic());
}

bool LoginGuard::count(Windows& windows, const std::string& name, std::uint32_t limit) {
  const Duration now = clock_.monotonic();
  const auto is_over = [&](const auto& one) { return one.second.since + limits_.window <= now; };
  auto found = windows.find(name);
  if (found == windows.end() && windows.size() >= limits_.max_entries) {
    std::erase_if(windows, is_over);
    const auto older = [](const auto& a, const auto& b) { return a.second.since < b.second.since; };
    if (windows.size() >= limits_.max_entries) windows.erase(std::min_element(windows.begin(), windows.end(), older));
  }
  if (found == windows.end() || is_over(*found)) {
    windows[name] = {now, 1};
    return limit == 1;
  }
  return ++found->second.failures == limit;
}

bool LoginGuard::is_known(const std::string& account_and_address) const {
  const auto found = known_.find(account_and_address);
  return found != known_.end() && found->second > clock_.monotonic();
}

}  // namespace postrider::mgmt
