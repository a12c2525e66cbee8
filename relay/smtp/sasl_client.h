// What a client sends to log in: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), XOAUTH2 (Google's and
// Microsoft's bearer form). Everything is already base64, ready for the wire. Stateless.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postrider::smtp {

std::string plain_response(std::string_view user, std::string_view password);
std::string login_response(std::string_view user_or_password);
std::string xoauth2_response(std::string_view user, std::string_view token);
// `challenge` is the text of the 334 reply; nothing when it is not base64.
std::optional<std::string> cram_md5_response(std::string_view challenge, std::string_view user,
                                             std::string_view password);

}  // namespace postrider::smtp
