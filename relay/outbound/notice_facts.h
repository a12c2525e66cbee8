// What a notice has to say of each recipient, found once in the message and its history, and told twice: to people
// (notice_text.h) and to programs (notice_builder.h). Pure: no I/O, no clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/message.h"

namespace postrider::relay {

struct NoticeSubject {
  const MessageRecord& message;                  // what it is about
  const std::vector<std::uint32_t>& recipients;  // indices, at least one; all of them owe the same kind of notice
  const std::vector<Event>& history;             // of the message: the attempts tell who said what
  Notice kind() const { return message.recipients[recipients.front()].owed; }
};

struct NoticeFact {
  const Recipient* recipient = nullptr;
  const Attempt* last = nullptr;  // the last attempt it was part of; null: none is on record
  Reason said;                    // what gave it its state, in the words of who said it
  std::string host;               // who that was; empty: nobody, we say it ourselves
  std::size_t unanswered = 0;     // hand-overs whose answer was lost: each of them may have arrived
};

// In the order of `subject.recipients`.
std::vector<NoticeFact> notice_facts(const NoticeSubject& subject);

// The status for programs (RFC 3463): what the peer said, else what our reason amounts to.
std::string notice_status(const Recipient& recipient, Notice kind);

// RET=FULL is honoured (RFC 3461 4.3): for failures, while the body is there, and where the message was not refused for what it
// is. A hop that does not take its size, its encoding or its content would not take it inside a notice either, and then
// nobody would be told.
bool may_return_whole(const NoticeSubject& subject);

}  // namespace postrider::relay
