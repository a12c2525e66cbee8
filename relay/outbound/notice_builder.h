// The octets of a notice to a sender (RFC 3464 in a multipart/report of RFC 6522), pure: no I/O, no clock. Three parts: what a
// person needs to know, the same for programs, and the header or the whole of the message it is about. All of it is 7-bit
// but for a message returned whole, which passes by as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "relay/outbound/notice_facts.h"

namespace postrider::relay {

struct NoticeContext {
  std::string_view hostname;  // ours: Reporting-MTA and the From domain
  Time now{};
  Duration max_age{};  // of delivery: how long delayed mail is tried, at most
};

struct NoticeFrame {
  std::string head;  // all up to where the returned message begins
  std::string tail;  // what closes the report behind it
};

// `header`: fields of the message, to be returned; empty: they cannot be had, and the third part is left out. Without one the
// message goes whole between head and tail. Lines end in CRLF; nothing from a stranger can begin a line of its own.
NoticeFrame build_notice(const NoticeSubject& subject, const NoticeContext& context,
                         std::optional<std::string_view> header);

}  // namespace postrider::relay
