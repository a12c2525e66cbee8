// Who may use the API: the holder of the operator token, or a client of [mgmt] trusted_networks without any key. Pure but
// for its configuration; used on the mgmt thread.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <variant>

#include "mgmt/http.h"

namespace postrider::mgmt {

struct AuthOptions {
  std::string operator_token;
  std::function<bool(const boost::asio::ip::address&)> trusted;  // null: no network is trusted
};

class Authenticator {
 public:
  explicit Authenticator(AuthOptions options);
  // The principal, or the refusal to send. A wrong key is refused also from a trusted network.
  std::variant<Principal, Response> check(const Request& request) const;

 private:
  using Digest = std::array<unsigned char, 32>;  // SHA-256
  static Digest digest(std::string_view text);

  Digest operator_digest_;
  std::function<bool(const boost::asio::ip::address&)> trusted_;
};

}  // namespace postrider::mgmt
