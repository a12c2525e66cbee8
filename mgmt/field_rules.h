// What a text must be to stand in the header of a message, and in a MIME part: the rules behind check_letter and compose. Each
// tells what is wrong as the end of a sentence ("must ..."), or nothing. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace postrider::mgmt {

using Wrong = std::optional<std::string>;

inline constexpr std::size_t kMaxLineText = 998;        // octets of a name, subject or file name
inline constexpr std::size_t kMaxHeaderValue = 10'000;  // octets of the value of a further header field
// What cannot be folded must fit a line of 998 octets (RFC 5322 2.1.1) together with the name before it.
inline constexpr std::size_t kMaxHeaderName = 76, kMaxHeaderWord = 900;

// One line of UTF-8 without control characters: what cannot end a header field or begin another one.
Wrong wrong_line(std::string_view text, std::size_t max_octets = kMaxLineText);
// The longest word together with the blanks before it: lines are folded there, and nowhere else.
std::size_t longest_run(std::string_view text);
// Several lines of UTF-8, without NUL.
Wrong wrong_text(std::string_view text);
// A field that the client may set: an RFC 5322 3.6.8 name, not one that is made from the letter or belongs to the relay.
Wrong wrong_header(std::string_view name, std::string_view value);
// Of a mailbox in the header or of the envelope: an address with a domain that can be written in ASCII.
Wrong wrong_address(std::string_view email);
Wrong wrong_content_id(std::string_view content_id);

struct MediaType {
  std::string type, subtype;  // lower case
};
// The fault when it is no media type (RFC 2045 5.1).
result<MediaType> parse_media_type(std::string_view text);
// ASCII without NUL, its lines end in CRLF or LF and fit: it can be sent without an encoding (RFC 2045 2.7).
bool is_seven_bit(std::string_view octets);

}  // namespace postrider::mgmt
