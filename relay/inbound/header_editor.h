// The header of a message on its way in: puts the trace field on top, adds what is missing, takes out what must not go on (promise
// 8), and reads what listings and idempotency need. Every other octet stays as it was. Pure; one call a message.
#pragma once

#include <string>
#include <string_view>

#include "core/id.h"
#include "core/message.h"
#include "core/time.h"
#include "relay/inbound/submission.h"
#include "relay/smtp/header_scanner.h"

namespace postrider::relay {

struct EditedHeader {
  std::string text;                  // as it will be sent, the empty line included where there was (or must be) one
  std::string message_id;            // with angle brackets
  std::string subject;               // for listings, see listing_subject
  std::string idempotency_key;       // value of X-Idempotency-Key, unfolded
  std::size_t idempotency_keys = 0;  // how many such fields there are
  std::size_t received = 0;          // Received fields that were there
};

// `scanner` must be complete or finished. `body_follows`: there is text behind the section even without an empty line; then
// one is put there, so a message without any header gets one.
EditedHeader edit_header(const smtp::HeaderScanner& scanner, bool body_follows, const std::string& received,
                         std::string_view hostname, const MessageId& id, Time now);

// The trace field with its CRLF (RFC 5321 4.4). The client is left out on request, and when there is none (our own bounces).
std::string make_received(const EnvelopeSpec& envelope, std::string_view hostname, bool hide_client,
                          const MessageId& id, Time now);

// A Subject value unfolded, with encoded words in UTF-8 and US-ASCII decoded (RFC 2047), cut to kMaxListingSubject octets at
// a character; what is not UTF-8 or not printable becomes '?'.
std::string listing_subject(std::string_view value);
inline constexpr std::size_t kMaxListingSubject = 256;

}  // namespace postrider::relay
