// Base64 in the JSON of requests (RFC 4648 4): attachments and raw messages. Line breaks and blanks are skipped, as older
// libraries wrap what they encode (RFC 2045 6.8); nothing else is forgiven. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postrider::mgmt {

// Nothing when it is no base64.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace postrider::mgmt
