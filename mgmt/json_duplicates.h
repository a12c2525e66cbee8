// Finds a member that is twice in one JSON object. Parsers keep one of the two and say nothing, and then a recipient may be the one
// that is lost. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postrider::mgmt {

// The pointer (RFC 6901) of the second one, or nothing. `text` is JSON that nests at most `max_depth` deep.
std::optional<std::string> find_duplicate(std::string_view text, std::size_t max_depth);

}  // namespace postrider::mgmt
