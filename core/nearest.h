// "Did you mean": the candidate a slip of the fingers away from a wrong word. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace postrider {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);
// The nearest candidate, ASCII case ignored; empty if none is within a third of the letters.
std::string_view nearest(std::string_view wrong, std::span<const std::string_view> candidates);

}  // namespace postrider
