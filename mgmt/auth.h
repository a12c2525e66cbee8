// Who may use the API: the holder of a key, or a client of [mgmt] trusted_networks without any. Pure but for its
// configuration; used on the mgmt thread.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "mgmt/http.h"

namespace postrider::mgmt {

struct ApiKey {
  std::string token;
  Principal principal;
};

struct AuthOptions {
  std::vector<ApiKey> keys;                                      // the operator's, and those of tenants
  std::function<bool(const boost::asio::ip::address&)> trusted;  // null: no network is trusted
};

class Authenticator {
 public:
  explicit Authenticator(AuthOptions options);
  // The principal, or the refusal to send. A wrong key is refused also from a trusted network.
  std::variant<Principal, Response> check(const Request& request) const;

 private:
  using Digest = std::array<unsigned char, 32>;  // SHA-256
  struct Known {
    Digest digest;
    Principal principal;
  };
  static Digest digest(std::string_view text);
  const Principal* find(std::string_view token) const;

  std::vector<Known> known_;
  std::function<bool(const boost::asio::ip::address&)> trusted_;
};

}  // namespace postrider::mgmt
