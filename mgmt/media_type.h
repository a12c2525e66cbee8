// The little of media types that the API needs: what is this, and does an Accept header take what a route produces
// (RFC 9110 12.5.1), and which of two does it like better. Pure.
#pragma once

#include <string_view>

namespace postrider::mgmt {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kHtml = "text/html";

// With or without parameters, in any case.
bool is_media_type(std::string_view content_type, std::string_view media_type);
// application/json
bool is_json(std::string_view content_type);
// How much `accept` wants a media type (given without parameters): its q in thousandths; all of it when `accept` is empty.
unsigned wanted(std::string_view accept, std::string_view media_type);
// True when `accept` is empty or one of its ranges with q > 0 covers `media_type`.
bool accepts(std::string_view accept, std::string_view media_type);
// True when it would rather have the first than the second.
bool prefers(std::string_view accept, std::string_view media_type, std::string_view other);
// True when an Accept-Encoding header takes gzip (RFC 9110 12.5.3); one that is absent asks for nothing.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace postrider::mgmt
