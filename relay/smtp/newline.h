// What the parsers share: the policy for line ends that are not CRLF, and the result type whose fault is the
// reply to send. Only CRLF ends a line (RFC 5321 2.3.8); a receiver that thinks otherwise lets messages be
// smuggled.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/reply.h"

namespace postrider::smtp {

inline constexpr std::string_view kCrlf = "\r\n";

enum class BareNewline : std::uint8_t { reject, normalise };  // normalise: a lone CR or LF counts as CRLF

// A value, or the reply that refuses the input. Look with has_value(); value() on a fault is not provided
// for.
template <typename T>
using parsed = boost::system::result<T, Reply>;

// Views in order; into the input given or into constants, so valid until that input changes. Reuse the
// vector.
using Spans = std::vector<std::string_view>;

bool has_eight_bit(std::string_view octets);  // any octet over 127

}  // namespace postrider::smtp
