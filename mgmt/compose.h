// Makes the RFC 5322 octets of a letter with GMime: names and subjects of any language (RFC 2047), filenames (RFC 2231), text as
// multipart/alternative, images beside their HTML in multipart/related, attachments around them in multipart/mixed; CRLF, no line over
// 998 octets, 7-bit throughout. Deterministic: the same letter and id give the same octets, but for nothing. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "mgmt/letter.h"

namespace postrider::mgmt {

// Of a letter that check_letter found nothing wrong with. Bcc is never in the result. `message_id`: with angle brackets; used
// unless the letter's headers or its raw octets have one.
result<std::string> compose(const Letter& letter, std::string_view message_id, Time now);

}  // namespace postrider::mgmt
