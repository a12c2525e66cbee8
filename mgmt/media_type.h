// The little of media types that the API needs: what is this, and does an Accept header take what a route produces
// (RFC 9110 12.5.1). Pure.
#pragma once

#include <string_view>

namespace postrider::mgmt {

inline constexpr std::string_view kJson = "application/json";

// With or without parameters, in any case.
bool is_media_type(std::string_view content_type, std::string_view media_type);
// application/json
bool is_json(std::string_view content_type);
// True when `accept` is empty or one of its ranges with q > 0 covers `media_type` (given without parameters).
bool accepts(std::string_view accept, std::string_view media_type);

}  // namespace postrider::mgmt
