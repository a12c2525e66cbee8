// Query parameters that several routes read the same way. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mgmt/http.h"

namespace postrider::mgmt {

inline constexpr std::uint64_t kMaxPage = 1000;  // entries in one answer of a listing

// true or false; false when it is not given.
result<bool> flag_parameter(const Request& request, std::string_view name);
// A number from `least` to `most`, or nothing when it is not given.
result<std::optional<std::uint64_t>> number_parameter(const Request& request, std::string_view name,
                                                      std::uint64_t least, std::uint64_t most);
result<std::optional<Time>> time_parameter(const Request& request, std::string_view name);

}  // namespace postrider::mgmt
