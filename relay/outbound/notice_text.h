// The part of a notice that a person reads, perhaps at three in the morning: what happened, to whom, when, after how many
// tries, what to do. Pure; the same facts for programs are in notice_builder.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relay/outbound/notice_facts.h"

namespace postrider::relay {

inline constexpr std::size_t kMostExplained = 100;  // recipients; the report for programs names all

// UTF-8, lines in CRLF and mostly under 78 octets. `max_age`: of delivery, says how long delayed mail is tried.
std::string notice_text(const NoticeSubject& subject, const std::vector<NoticeFact>& facts, std::string_view hostname,
                        Duration max_age);

// "550 5.1.1 No such user"
std::string what_was_said(const Reason& reason);

}  // namespace postrider::relay
