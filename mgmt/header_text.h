// Writes single fields of a message's header: encoded (RFC 2047), folded (RFC 5322 2.2.3), with their CRLF. And reads the few fields of
// a raw message that its envelope needs. Values must have passed mgmt/field_rules.h. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "mgmt/letter.h"

namespace postrider::mgmt {

// Of subjects and further fields. What a reader would take for an encoded word becomes one, but for fields of identifiers and URLs.
std::string header_field(std::string_view name, std::string_view value);
std::string address_field(std::string_view name, const std::vector<Party>& parties);

// CRLF for every CRLF, CR and LF.
std::string with_crlf(std::string_view text);

struct RawHeader {
  std::vector<std::string> from, to, cc, bcc;  // addresses of the mailboxes, in their order
  std::vector<std::string> senders;            // those of Sender, Resent-From and Resent-Sender
  std::string
      unreadable;  // what is wrong with the first of to, cc and bcc that has an entry that is no address; empty: nothing
  std::string message_id;  // with angle brackets; empty: there is none
};
inline constexpr std::size_t kMaxRawHeader = 1u << 20;
// `raw` with CRLF. The fault says what is wrong with the header: a line that is no field, a length over kMaxRawHeader, addresses
// of whom it is from that cannot be read.
result<RawHeader> read_raw_header(std::string_view raw);

}  // namespace postrider::mgmt
