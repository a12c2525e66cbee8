// xtext (RFC 3461 4.): the ASCII form in which SMTP parameters carry arbitrary octets. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postrider::smtp {

// Printable ASCII without '+' and '=', other octets as +XX.
bool is_xtext(std::string_view text);
std::optional<std::string> decode_xtext(std::string_view text);
std::string encode_xtext(std::string_view octets);

}  // namespace postrider::smtp
