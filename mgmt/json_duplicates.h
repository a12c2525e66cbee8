// What JSON parsers say nothing about: a member that is twice in one object, of which they keep one, and then a recipient may be the
// one that is lost; and how many values there are, each of which takes ten times its octets in memory. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "mgmt/problem.h"

namespace postrider::mgmt {

inline constexpr std::size_t kMaxMembers = 10'000;    // of one object
inline constexpr std::size_t kMaxValues = 2'000'000;  // of a document: a thousand messages to a thousand addresses each

// The first fault of that kind, at its place. Before anything else is made of the text; what is no JSON has none.
std::optional<FieldFault> find_json_fault(std::string_view text, std::size_t max_depth);

}  // namespace postrider::mgmt
