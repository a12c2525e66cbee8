// What must hold of address fields before GMime sees them. Its parser calls itself for every group within a group, and so does what
// destroys the result: a field "a:a:a:..." of 300 KB takes the whole stack of a thread. Whoever gives octets to GMime asks here before.
// Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace postrider::providers {

// More than any list of recipients needs, and a tenth of what a stack of 8 MiB bears.
inline constexpr std::size_t kMaxAddressColons = 2000;

// True when an address field has more colons than that, of the message or of one within it: GMime reads those as well. Whether a
// colon is quoted is not asked: GMime takes broken quotes and comments its own way.
bool may_nest_too_deep(std::string_view octets);

// Names of header fields have no case (RFC 5322 1.2.2).
bool is_named(std::string_view name, std::string_view lower_case);

}  // namespace postrider::providers
