// The text of a notice to a sender (RFC 3464 in a multipart/report of RFC 6522), pure: no I/O, no clock. Three parts: what a
// person needs to know, the same for programs, and the header or the whole of the message it is about. Only the bytes around
// the returned message are made here; a body passes by as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/message.h"

namespace postrider::relay {

struct NoticeSubject {
  const MessageRecord& message;                  // what it is about
  const std::vector<std::uint32_t>& recipients;  // indices, at least one; all of them owe a notice
  const std::vector<Event>& history;             // of the message: the last attempts name who said what
};

struct NoticeFrame {
  std::string head;  // header fields and parts, up to where the returned header or message begins
  std::string tail;  // what closes the report behind it
};

enum class Returned : std::uint8_t { header, message };

// `hostname` is ours: Reporting-MTA and the From domain. `now` is the day of the notice. `give_up_at` (kNever: not said) is
// when the waiting of delayed recipients ends. Lines end in CRLF; nothing from a stranger can start a line of its own.
NoticeFrame build_notice(const NoticeSubject& subject, std::string_view hostname, Time now, Time give_up_at,
                         Returned returned);

// The status of a recipient for programs (RFC 3463): what the peer said, or what our reason amounts to.
std::string notice_status(const Recipient& recipient, Notice kind);

// RFC 6533 3. utf-8-addr-xtext where the address has octets over 127, else the address itself.
std::string notice_address(const Address& address);

}  // namespace postrider::relay
