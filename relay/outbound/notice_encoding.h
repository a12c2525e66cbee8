// The forms in which a notice carries text that is not ASCII, so that all of it but a message returned whole is 7-bit and every
// hop takes it. Pure functions of strings from anybody; none of them lets a line begin where we did not begin one.
#pragma once

#include <string>
#include <string_view>

namespace postrider::relay {

// One line of printable UTF-8, whatever it came from; at most kMaxReasonText octets.
std::string one_line(std::string_view text);

// `line`, a field or text without line breaks, cut before blanks so that lines have at most 76 octets where words allow it (RFC
// 5322 2.1.1, 2.2.3), with its CRLF. Unfolding gives `line` again.
std::string folded(std::string_view line);

// Encoded words (RFC 2047), each on a continuation line of its own: "\r\n =?UTF-8?Q?...?=", cut between characters. Not in base64:
// its padding at the end of a word makes GMime 3.2 drop the words that follow. `utf8` must not be empty.
std::string encoded_words(std::string_view utf8);

// RFC 2045 6.7 over lines that end in CRLF.
std::string quoted_printable(std::string_view text);
// Octets over 127, NUL, or lines over 998 octets (RFC 5322 2.1.1): must not be sent as 7bit.
bool needs_encoding(std::string_view text);

// ASCII: characters over 127, and those in `also`, as \x{HEX}, the EmbeddedUnicodeChar of RFC 6533 3.
std::string embedded_unicode(std::string_view utf8, std::string_view also = {});
// The utf-8-addr-xtext form of an address (RFC 6533 3.), for a message/delivery-status that must be 7-bit.
std::string utf8_addr_xtext(std::string_view address);

}  // namespace postrider::relay
