// What is kept of a message when its body goes, and what a notice to its sender returns. Pure; shared by the stores and by
// relay/outbound.
#pragma once

#include <string_view>

namespace postrider {

// The part of `text`, the start of a body, that is header fields: up to the empty line, at most kMaxKeptHeaders octets, whole
// lines. A view into `text`.
std::string_view header_fields(std::string_view text);

}  // namespace postrider
