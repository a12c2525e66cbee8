// Base64 as SASL uses it (RFC 4648 4.): with padding, no line ends, nothing else tolerated.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postrider::smtp {

std::string base64_encode(std::string_view octets);
std::optional<std::string> base64_decode(std::string_view text);  // strict: length, alphabet, zero pad bits

}  // namespace postrider::smtp
