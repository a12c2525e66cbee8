// What the vendors' callback files share: fields of the request, lenient reading of a stranger's JSON (a member that is missing or
// of another type is an absent one), times, reasons, answers to registration. Pure; any thread; no clock but the time given.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "providers/callbacks.h"

namespace postrider::providers {

std::string_view header_of(const Callback& callback, std::string_view lower_case_name);  // the first, or empty
std::optional<std::string> base64_octets(std::string_view text);  // RFC 4648 4; nothing: it is none

// Nesting deeper than 32 is a fault. Invalid UTF-8 is let in, since mail servers' answers have it and vendors hand them on: text_at()
// of such a member is for reported_reason() only, which cleans it.
result<boost::json::value> parse_callback(std::string_view body);
Fault too_many_reports();  // for more than kMaxReports

const boost::json::value& value_at(const boost::json::value& value, std::string_view member);  // null without it
const boost::json::array& array_at(const boost::json::value& value, std::string_view member);  // empty without it
bool flag_at(const boost::json::value& value, std::string_view member);                        // true only when it is
std::optional<std::int64_t> number_at(const boost::json::value& value,
                                      std::string_view member);  // or its digits as text
// Ids and addresses: text or an integer, printable UTF-8, at most kMaxReportedId octets; else empty.
std::string id_at(const boost::json::value& value, std::string_view member);
inline constexpr std::size_t kMaxReportedId = 512;

// Never later than `now`; `now` when there is none that can be read.
Time epoch_at(const boost::json::value& value, std::string_view member, Time now);  // seconds, perhaps with a fraction
Time rfc3339_at(const boost::json::value& value, std::string_view member, Time now);  // of any offset
std::optional<Time> epoch_seconds(std::string_view digits);                           // of a signature

// Stage and cause from the type. Code and enhanced code are taken from the text when it begins as an SMTP reply (RFC 5321 4.2),
// perhaps behind "smtp;", which is left out.
Reason reported_reason(EventType type, std::string_view text);
bool is_enhanced_code(std::string_view text);  // RFC 3463 2: "5.1.1"

// Of a hook: http or https, printable ASCII without blanks and quotes, so that it can be put into any request as it is.
bool is_hook_url(std::string_view url);
// Of a list of hooks, or of a change of them: sent when it is 2xx and JSON. `text`: what the vendor says in it.
Reading reading_of_hook(const Answer& answer, std::string_view text, Time now);

}  // namespace postrider::providers
