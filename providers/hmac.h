// What secrets are checked with, for all that sign or are signed: requests to and callbacks of providers, sessions and keys. Pure.
#pragma once

#include <string>
#include <string_view>

namespace postrider::providers {

// HMAC-SHA256 (RFC 2104): 32 raw octets. Throws where the system has no SHA-256.
std::string hmac_sha256(std::string_view key, std::string_view octets);
// Its time tells nothing but whether the lengths are equal.
bool same_secret(std::string_view one, std::string_view other);

}  // namespace postrider::providers
