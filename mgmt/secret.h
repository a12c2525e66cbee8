// Secrets and what is made of them: random octets, their text, digests, a comparison whose time tells nothing. Never logs and never
// keeps one. Pure but for the system's random numbers, whose absence throws; any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace postrider::mgmt {

inline constexpr std::size_t kSecretOctets = 32;  // 256 random bits

using Digest = std::array<unsigned char, 32>;  // SHA-256

std::string random_octets(std::size_t count);
std::string make_token();  // "pr_" and 43 characters of base64url: 256 random bits
bool looks_like_token(std::string_view text);

Digest sha256(std::string_view octets);
bool same_secret(const Digest& a, const Digest& b);

std::string base64url(std::string_view octets);     // RFC 4648 5, without padding
std::string base32_lower(std::string_view octets);  // RFC 4648 6, a-z and 2-7, without padding

}  // namespace postrider::mgmt
